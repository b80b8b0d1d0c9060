"""Letting go of a client of the broker, which is not waited for without end: while the broker is away it may take long,
each request its own timeout."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, Protocol

_SECONDS: Final = 2.0


class Client(Protocol):
    """A consumer or a producer."""

    def stop(self) -> Coroutine[Any, Any, None]: ...


async def stopped(client: Client) -> None:
    """Stop it: in order, if that does not take too long. What becomes of it then is nobody's concern."""
    await asyncio.wait([asyncio.ensure_future(client.stop())], timeout=_SECONDS)
