"""The worker's pages, as anybody may ask for them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientSession

from streams.broker.ready import free_port
from streams.runtime.metrics import Metrics
from streams.runtime.settings import Settings
from streams.runtime.web import Web


async def test_a_client_that_takes_no_answer_does_not_keep_the_worker() -> None:
    settings = Settings(brokers="127.0.0.1:1", web_port=free_port())
    app: Any = SimpleNamespace(settings=settings, metrics=Metrics(), stuck=lambda _: None, ready=True)
    pages = Web(app)
    await pages.on_start()
    reader, writer = await asyncio.open_connection("127.0.0.1", settings.web_port, limit=1)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 1_000)
    await asyncio.wait_for(reader.read(1), timeout=10)
    await asyncio.sleep(0.3)  # until nothing more goes into the buffers
    async with asyncio.timeout(5):
        await pages.on_stop()
    writer.close()


@pytest.mark.parametrize(
    ("accept", "type_"),
    [
        ("", "text/plain"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text"),
        ("application/openmetrics-text; version=abc", "text/plain"),
        ("application/openmetrics-text; version=1..0", "text/plain"),
        ("text/plain; version=" + "9" * 5_000, "text/plain"),
    ],
)
async def test_metrics_are_there_in_whatever_version_they_are_asked_for(accept: str, type_: str) -> None:
    settings = Settings(brokers="127.0.0.1:1", web_port=free_port())
    app: Any = SimpleNamespace(settings=settings, metrics=Metrics(), stuck=lambda _: None, ready=True)
    pages = Web(app)
    await pages.on_start()
    try:
        async with ClientSession() as session:
            address = f"http://127.0.0.1:{settings.web_port}/metrics"
            async with session.get(address, headers={"Accept": accept}) as answer:
                assert (answer.status, answer.content_type) == (200, type_)
                assert "slackwater_" in await answer.text()
    finally:
        await pages.on_stop()
