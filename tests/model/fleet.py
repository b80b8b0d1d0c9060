"""The fleet topic in memory, in place of a worker's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class FakeFleet:
    """What is posted is there at once: in `values`, which several may share, at the offsets 0, 1, ... `tell` is called
    after each."""

    def __init__(self, values: list[bytes], tell: Callable[[], None]) -> None:
        self.values = values
        self._tell = tell

    async def start(self) -> None:
        """See `FleetTopic`."""

    async def stop(self) -> None:
        """See `FleetTopic`."""

    async def hold(self, offset: int) -> None:
        """Everything is held, but not in the same turn of the loop."""
        assert offset >= 0
        await asyncio.sleep(0)

    @property
    def end(self) -> int:
        """See `FleetTopic`."""
        return len(self.values)

    def since(self, offset: int) -> list[tuple[int, bytes]]:
        """See `FleetTopic`."""
        return list(enumerate(self.values[offset:], offset))

    def post(self, value: bytes) -> None:
        """See `FleetTopic`."""
        self.values.append(value)
        self._tell()
