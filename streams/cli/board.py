"""`slackwater board`."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from typing import TYPE_CHECKING

import typer

from streams.cli.common import own_name, run, settings_of, tell

if TYPE_CHECKING:
    from streams.runtime.settings import Settings


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command(epilog="Example: SLACKWATER_BOARD_TOKENS_FILE=board.tokens slackwater board")(board)


def board(context: typer.Context) -> None:
    """Serve the board: accounts at risk, why, and what is done about them; until stopped (SIGTERM or Ctrl-C)."""
    import logging.config
    import sys

    from streams.board.server import with_token_for
    from streams.runtime.logs import config

    settings = settings_of(context)
    logging.config.dictConfig(config(settings.log_level))
    if not settings.board_tokens and sys.stderr.isatty():  # a terminal is no log, in which a token would stay
        settings = with_token_for(settings, own_name() or "operator")
        for name, token in settings.board_tokens:
            tell(f"no BOARD_TOKENS are set; for this run, {name} logs in with {token.get_secret_value()}")
    run(_serve(settings))


async def _serve(settings: "Settings") -> None:
    import asyncio

    from streams.board.server import serving
    from streams.cli.reading import committed

    async with serving(settings, lambda: committed(settings, settings.topic("health"))) as address:
        tell(f"the board is at {address}")
        await asyncio.Event().wait()
