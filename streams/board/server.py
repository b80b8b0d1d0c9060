"""The board as a server: made, started, stopped."""

import asyncio
import ipaddress
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from typing import Final

from aiohttp import web
from pydantic import SecretStr

from schemas.errors import SettingsError, StartError
from streams.board import entrance, pages
from streams.board.accounts import Accounts
from streams.board.context import BOARD, Board
from streams.board.feed import Feed, Open
from streams.board.guard import LOGIN, guard
from streams.board.sessions import People
from streams.board.show import environment
from streams.runtime.settings import Settings

log = logging.getLogger(__name__)

_FORM_BYTES: Final = 64 * 1024
_LAST_ANSWERS: Final = 2.0
"""Seconds that answers have at the end: who sends no form to its end must not keep the board."""


def application(settings: Settings, open_topic: Open, *, feed: Feed | None = None) -> web.Application:
    """The board's pages, for the people of the settings. `feed` is one that is filled already, for tests."""
    app = web.Application(middlewares=[guard], client_max_size=_FORM_BYTES)
    app[BOARD] = Board(
        settings=settings,
        feed=feed or Feed(Accounts(), open_topic),
        people=People(settings.board_tokens),
        templates=environment(settings.timezone),
    )
    style = files("streams.board").joinpath("board.css").read_text(encoding="utf-8")

    async def css(_: web.Request) -> web.StreamResponse:
        return web.Response(text=style, content_type="text/css")

    app.add_routes(
        [
            web.get("/", pages.when_read(pages.listed)),
            web.get("/account", pages.when_read(pages.account)),
            web.post("/account", pages.when_read(pages.act)),
            web.get("/score", pages.when_read(pages.score)),
            web.get(LOGIN, entrance.ask),
            web.post(LOGIN, entrance.enter),
            web.post("/logout", entrance.leave),
            web.get("/healthz", pages.healthz),
            web.get("/board.css", css),
        ]
    )
    if feed is None:
        app.cleanup_ctx.append(_following)
    return app


async def _following(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(app[BOARD].feed.follow())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@asynccontextmanager
async def serving(settings: Settings, open_topic: Open) -> AsyncIterator[str]:
    """The board, listening inside; gives its address. Raises StartError when it cannot listen, SettingsError as
    `require_tokens` does, and when a certificate or key file cannot be used."""
    require_tokens(settings)
    settings.kafka()  # whoever starts it is to hear of a certificate that will never do
    runner = web.AppRunner(application(settings, open_topic), access_log=None, shutdown_timeout=_LAST_ANSWERS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.board_host, settings.board_port).start()
        except OSError as error:
            place = f"SLACKWATER_BOARD_HOST={settings.board_host}, SLACKWATER_BOARD_PORT={settings.board_port}"
            raise StartError(f"{place}: {error.strerror or error}") from error
        host, port = runner.addresses[0][:2]
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    finally:
        await runner.cleanup()


def require_tokens(settings: Settings) -> None:
    """Raises SettingsError where nobody could log in, or anybody might try to who is not on this machine."""
    if not settings.board_tokens:
        raise SettingsError(
            f"SLACKWATER_BOARD_TOKENS (not set), SLACKWATER_BOARD_HOST={settings.board_host!r}: who may log in? "
            "name=token, several separated by commas, or a file with one a line in SLACKWATER_BOARD_TOKENS_FILE. "
            "Only at a terminal, and on a loopback address, the board makes up a token for one run"
        )


def with_token_for(settings: Settings, name: str) -> Settings:
    """The same settings, with a token for one run, where that is safe: nobody else has one, and only this machine can
    reach the board."""
    if settings.board_tokens or not is_loopback(settings.board_host):
        return settings
    token = SecretStr(secrets.token_urlsafe(18))
    return settings.model_copy(update={"board_tokens": ((name, token),)})


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address. A name other than localhost may be anything.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0"), is_loopback("board.example")
    (True, True, False, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
