"""Where the board listens, and where it does not."""

from __future__ import annotations

import socket
from contextlib import AbstractAsyncContextManager

import pytest
from aiohttp import ClientSession

from schemas.errors import SettingsError, StartError
from streams.board.server import serving
from streams.cli.reading import committed
from streams.runtime.settings import Settings
from tests.unit.board.kit import SETTINGS


def board(settings: Settings) -> AbstractAsyncContextManager[str]:
    return serving(settings, lambda: committed(settings, settings.topic("health")))


async def test_it_listens_before_there_is_a_broker_and_says_so_to_those_who_may_know() -> None:
    settings = SETTINGS.model_copy(update={"board_port": 0})
    async with board(settings) as address, ClientSession() as session:
        async with session.get(f"{address}healthz") as response:
            assert response.status == 200
        async with session.get(address) as response:
            assert "broker" not in await response.text()


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
