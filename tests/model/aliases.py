"""The topics on aliases, and on what waits for them, of Kafka in memory, in place of a worker's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence

from streams.detection.aliases import Aliases
from streams.runtime.alias_topic import learn
from streams.runtime.parked_topic import Entry, Stored, by_partition
from streams.runtime.settings import Settings


class FakeAliases:
    """`read` gives the committed values of the topic from a number of them on, `ends` where they end and where the
    topic does."""

    def __init__(
        self,
        known: Aliases,
        read: Callable[[int], Iterable[bytes]],
        arrived: Callable[[], None],
        ends: Callable[[], tuple[int, int]] = lambda: (0, 0),
    ) -> None:
        self.known = known
        self._ends = ends
        self._read = read
        self._arrived = arrived
        self._count = 0
        self._asked = False

    async def start(self) -> None:
        """See `AliasTopic`."""

    async def stop(self) -> None:
        """See `AliasTopic`."""

    async def hold(self) -> None:
        """All there is is known, but not in the same turn of the loop. A transaction that is open holds up who asks."""
        await asyncio.sleep(0)
        _, end = self._ends()
        while self._ends()[0] < end:  # noqa: ASYNC110 - it is another process's
            await asyncio.sleep(0.05)
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


class FakeParked:
    """`end` gives how far the topic of parked records is written, and `rows` what is committed of it, as far as that
    can be read by now."""

    def __init__(
        self, settings: Settings, end: Callable[[], int], rows: Callable[[], tuple[int, dict[bytes, bytes]]]
    ) -> None:
        self._settings = settings
        self._end = end
        self._rows = rows
        self._read: dict[str, list[Entry]] | None = None

    def forget(self) -> None:
        """See `ParkedTopic`."""
        self._read = None

    async def entries(self, partition: str, origins: Collection[str]) -> Sequence[Entry]:
        """See `ParkedTopic`. A transaction that is open holds up who reads."""
        if self._read is None:
            end = self._end()
            while (read := self._rows())[0] < end:  # noqa: ASYNC110 - it is another process's
                await asyncio.sleep(0.05)
            rows = {key: Stored(number, 0, value) for number, (key, value) in enumerate(read[1].items())}
            self._read = by_partition(self._settings, rows, origins)
        return self._read.pop(partition, ())
