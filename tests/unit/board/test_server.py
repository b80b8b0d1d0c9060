"""Where the board listens, and where it does not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from aiohttp import ClientSession
from yarl import URL

from schemas.errors import SettingsError, StartError
from streams.board.accounts import Accounts
from streams.board.feed import Feed
from streams.board.server import serving
from streams.cli.reading import committed
from streams.runtime.settings import Settings
from tests.unit.board.kit import SETTINGS, visiting
from tests.unit.runtime.fake_broker import until


def board(settings: Settings) -> AbstractAsyncContextManager[str]:
    return serving(settings, lambda: committed(settings, settings.topic("health")))


def _raises(error: Exception) -> NoReturn:
    raise error


@asynccontextmanager
async def _followed(feed: Feed) -> AsyncIterator[None]:
    task = asyncio.create_task(feed.follow())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_listens_before_there_is_a_broker_and_says_so_to_those_who_may_know() -> None:
    settings = SETTINGS.model_copy(update={"board_port": 0})
    async with board(settings) as address, ClientSession() as session:
        async with session.get(f"{address}healthz") as response:
            assert response.status == 200
        async with session.get(address) as response:
            assert "broker" not in await response.text()


async def test_nobody_listens_with_a_certificate_that_cannot_be_used(tmp_path: Path) -> None:
    update = {"board_port": 0, "security_protocol": "SSL", "ssl_cafile": tmp_path / "none.pem"}
    with pytest.raises(SettingsError, match=r"ssl_cafile='.*none\.pem' cannot be used"):
        async with board(SETTINGS.model_copy(update=update)):
            pytest.fail("it listens")


async def test_a_file_that_goes_away_later_is_trouble_that_may_pass(caplog: pytest.LogCaptureFixture) -> None:
    gone = SettingsError("ssl_cafile='ca.pem' cannot be used")
    feed = Feed(Accounts(), lambda: _raises(gone), again=0.01)
    async with visiting(feed=feed) as visitor, _followed(feed):
        await until(lambda: feed.trouble == str(gone))
        await visitor.get("/healthz")
    assert caplog.text.count(str(gone)) == 1


async def test_an_error_that_nobody_foresaw_is_told_with_its_place_and_by_the_health_check(
    caplog: pytest.LogCaptureFixture,
) -> None:
    feed = Feed(Accounts(), lambda: _raises(KeyError("leader")), again=0.01)
    async with visiting(feed=feed) as visitor, _followed(feed):
        await until(lambda: "KeyError" in (feed.trouble or ""))
        assert "log" in await visitor.get("/healthz", status=503)
        await visitor.log_in()
        assert "KeyError" in await visitor.get("/", status=503)
    assert "Traceback" in caplog.text


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = SETTINGS.model_copy(update={"board_port": port})
        with pytest.raises(StartError, match=f"SLACKWATER_BOARD_PORT={port}: "):
            async with board(settings):
                pass


async def test_nobody_listens_where_nobody_could_log_in() -> None:
    settings = Settings(board_host="0.0.0.0", board_port=0)
    with pytest.raises(SettingsError, match="SLACKWATER_BOARD_TOKENS"):
        async with board(settings):
            pass


async def test_a_form_that_never_ends_does_not_keep_it() -> None:
    settings = SETTINGS.model_copy(update={"board_port": 0})
    async with asyncio.timeout(15):
        async with board(settings) as address:
            _, writer = await asyncio.open_connection("127.0.0.1", URL(address).port)
            head = "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n"
            writer.write(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode())
            await asyncio.sleep(0.3)
            ends = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - ends < 6
        writer.close()
