"""The alias topic of Kafka in memory, in place of a worker's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from streams.detection.aliases import Aliases
from streams.runtime.alias_topic import learn


class FakeAliases:
    """`read` gives the committed values of the topic from a number of them on."""

    def __init__(self, known: Aliases, read: Callable[[int], Iterable[bytes]], arrived: Callable[[], None]) -> None:
        self.known = known
        self._read = read
        self._arrived = arrived
        self._count = 0
        self._asked = False

    async def start(self) -> None:
        """See `AliasTopic`."""

    async def stop(self) -> None:
        """See `AliasTopic`."""

    async def hold(self) -> None:
        """All there is is known, but not in the same turn of the loop."""
        await asyncio.sleep(0)
        self._asked = True
        self.look()

    def look(self) -> None:
        """Read what has come since, once somebody has asked."""
        if not self._asked:
            return
        before = self._count
        for value in self._read(self._count):
            learn(self.known, value, "a record")
            self._count += 1
        if self._count > before:
            self._arrived()
