"""A real HTTP server that plays Slack's incoming webhook, in all its moods."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from aiohttp import web

Mood = Callable[[web.Request], Awaitable[web.StreamResponse]]
PATH = "/services/T0SECRET01/B0SECRET02/x0SecretToken0x0SecretX"
"""Like the path of a true webhook: all of it is the secret."""


class SlackServer:
    """`async with SlackServer() as slack`: `slack.url` takes messages, `slack.received` holds them.

    It answers with `mood`, or with those in `moods` first, one for each request.
    """

    def __init__(self, mood: Mood | None = None) -> None:
        self.mood = mood or ok
        self.moods: list[Mood] = []
        self.received: list[dict[str, Any]] = []
        app = web.Application()
        app.router.add_route("*", "/{anything:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self.url = ""

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}{PATH}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        mood = self.moods.pop(0) if self.moods else self.mood
        if request.method == "POST":
            self.received.append(await request.json())
        return await mood(request)


def says(status: int, body: str = "", **headers: str) -> Mood:
    """This status, this body, and headers with `_` for `-`."""

    async def answer(request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=body, headers=named)

    return answer


ok = says(200, "ok")


async def hangs(request: web.Request) -> web.StreamResponse:
    """Never answers."""
    await asyncio.sleep(60)
    return web.Response(text="ok")


async def resets(request: web.Request) -> web.StreamResponse:
    """Breaks the connection instead of answering."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response(text="ok")


async def stops_in_the_body(request: web.Request) -> web.StreamResponse:
    """200, a byte, and then nothing any more."""
    response = web.StreamResponse(headers={"Content-Length": "2"})
    await response.prepare(request)
    await response.write(b"o")
    await asyncio.sleep(60)
    return response


async def resets_in_the_body(request: web.Request) -> web.StreamResponse:
    """200, a byte of two, and the connection breaks."""
    response = web.StreamResponse(headers={"Content-Length": "2"})
    await response.prepare(request)
    await response.write(b"o")
    await asyncio.sleep(0.05)
    assert request.transport is not None
    request.transport.abort()
    return response


async def is_slow_but_sure(request: web.Request) -> web.StreamResponse:
    """`ok`, a byte at a time."""
    response = web.StreamResponse()
    await response.prepare(request)
    for byte in b"ok":
        await asyncio.sleep(0.05)
        await response.write(bytes([byte]))
    return response


async def never_ends(request: web.Request) -> web.StreamResponse:
    """500, and a body without end."""
    response = web.StreamResponse(status=500)
    await response.prepare(request)
    try:
        while True:
            await response.write(b"x" * 65_536)
    except (ConnectionError, asyncio.CancelledError):
        return response


async def repeats_the_address(request: web.Request) -> web.StreamResponse:
    """A proxy's page, which holds the request's address wherever it can."""
    address = str(request.url)
    headers = {"X-Requested": address, "Location": address, "Retry-After": request.path}
    return web.Response(status=404, reason="no such place as here", text=f"not found: {address}", headers=headers)
