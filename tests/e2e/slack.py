"""Slack's incoming webhooks as a real HTTP server that keeps a record of every request, and can be away."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.local_server import LocalServer

SECRETS = ("T0SECRETE2E", "B0SECRETE2E", "x0SecretToken0OfTheWholePath")
HANG = 0
"""A status that stands for no answer at all ..."""
RESET = -1
"""... and one for a connection that is broken off."""
SLOW_SECONDS = 0.3
"""What a slow body takes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. Times are monotonic seconds; `answered_at` is None as long as there is no answer."""

    at: float
    answered_at: float | None
    status: int
    payload: dict[str, Any]


class Slack(LocalServer):
    """`async with Slack() as slack`: answers with `status` until told otherwise, or with `next` first, one a request.
    `draw` chooses each status instead, and `slow` whether its body takes a while.

    A 429 carries `Retry-After: retry_after`. `leave()` refuses connections, `come_back()` takes them again.
    """

    def __init__(self, retry_after: int = 3) -> None:
        super().__init__()
        self.status = 200
        self.next: list[int] = []
        self.draw: Callable[[], int] | None = None
        self.slow: Callable[[], bool] = lambda: False
        self.asked: list[Asked] = []
        self.retry_after = retry_after
        self.url = f"http://{self.address}/services/{'/'.join(SECRETS)}"

    @property
    def delivered(self) -> list[dict[str, Any]]:
        """What was answered with 200, in that order."""
        return [each.payload for each in self.asked if each.status == 200]

    def routes(self) -> list[web.RouteDef]:
        """See `LocalServer`."""
        return [web.post("/services/{anything:.*}", self._answer)]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        at = time.monotonic()
        assert f"http://{request.host}{request.path}" == self.url
        payload = await request.json()
        status = self.next.pop(0) if self.next else self.draw() if self.draw is not None else self.status
        if status == HANG:
            self.asked.append(Asked(at, None, status, payload))
            await asyncio.Event().wait()
        if status == RESET:
            assert request.transport is not None
            request.transport.abort()
        self.asked.append(Asked(at, time.monotonic(), status, payload))
        headers = {"Retry-After": str(self.retry_after)} if status == 429 else {}
        text = {200: "ok", 400: "invalid_blocks", 429: "rate_limited"}.get(status, "")
        if status == 200 and self.slow():
            return await _a_byte_at_a_time(request, text)
        return web.Response(status=max(status, 200), text=text, headers=headers)


async def _a_byte_at_a_time(request: web.Request, text: str) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for byte in text.encode():
        await asyncio.sleep(SLOW_SECONDS / len(text))
        await response.write(bytes([byte]))
    return response
