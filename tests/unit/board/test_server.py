"""Where the board listens, and where it does not."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AbstractAsyncContextManager

import pytest
from aiohttp import ClientSession
from yarl import URL

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
