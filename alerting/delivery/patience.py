"""A request has so much time; that in which nobody here could have taken the answer does not count.

`asyncio.timeout` and aiohttp's own cancel a request when their time is over, also where the loop stood still, or the
machine gave the process no time, and the answer is there: what has arrived would be sent again.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from aiohttp import ClientTimeout

_T = TypeVar("_T")
_PARTS: Final = 20
"""Into which the time is divided. One that takes twice as long was not had."""
_MORE: Final = 40
"""Parts that may be had again, so that it has an end also where the loop never keeps time."""


UNTIMED: Final = ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)
"""For requests whose time is kept here."""


@dataclass(slots=True)
class Exchange:
    """How far a request came: the answer's status, once there is one."""

    status: int | None = None


async def in_time(request: Coroutine[Any, Any, _T], seconds: float) -> _T:
    """What the request comes to, within so many seconds, or three times that where the loop stands still again and
    again. Raises `TimeoutError`, and what the request raises."""
    running = asyncio.ensure_future(request)
    try:
        await _wait(running, seconds / _PARTS)
        if not running.done():
            raise TimeoutError
        return running.result()
    finally:
        if not running.done():
            running.cancel()
        # What it raises is taken here: left alone it would be written to the log, with the address in it.
        await asyncio.gather(running, return_exceptions=True)


async def _wait(running: asyncio.Future[_T], part: float) -> None:
    left, more = _PARTS, _MORE
    now = asyncio.get_running_loop().time
    while left and not running.done():
        began = now()
        await asyncio.wait([running], timeout=part)
        if now() - began < 2 * part or not more:
            left -= 1
        else:
            more -= 1
