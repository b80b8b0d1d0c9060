"""Sorting by time in bounded memory: runs that are sorted and spooled to a temporary file, merged in blocks."""

import marshal
import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import itemgetter
from typing import IO, Any, Self

from schemas.events import InputTopic
from streams.produce.record import InputRecord

CHUNK = 200_000
BLOCK = 2_000
Item = tuple[Any, ...]
"""A time first, then anything that `marshal` writes."""
Blocks = list[tuple[int, int]]
"""A run in a spool: where each of its blocks starts, and how long it is."""
_at = itemgetter(0)


class Sorted:
    """Items by time, those of the same time in the order given. All are read at once, and can be gone through more than
    once. At most `chunk` of them are held in memory; more are in a temporary file until `close`."""

    def __init__(self, items: Iterable[Item], chunk: int = CHUNK, block: int = BLOCK) -> None:
        self._block = block
        source = iter(items)
        self._held: list[Item] = sorted(islice(source, chunk), key=_at)
        self._runs: list[Blocks] = []
        self._spool: IO[bytes] | None = None
        while following := list(islice(source, chunk)):
            if self._spool is None:
                self._spool = tempfile.TemporaryFile(prefix="slackwater-sort-")  # noqa: SIM115 - closed by `close`
                self._put(self._held)
                self._held = []
            following.sort(key=_at)
            self._put(following)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the temporary file."""
        if self._spool is not None:
            self._spool.close()

    def blocks(self) -> Iterator[list[Item]]:
        """The items in lists of some thousands."""
        if self._spool is None:
            for start in range(0, len(self._held), self._block):
                yield self._held[start : start + self._block]
            return
        yield from merge_runs([Run(self._spool, run) for run in self._runs])

    def _put(self, run: list[Item]) -> None:
        assert self._spool is not None
        self._runs.append(write_run(self._spool, run, self._block))


def write_run(spool: IO[bytes], run: list[Item], block: int = BLOCK) -> Blocks:
    """Append a sorted run in blocks; gives where each starts and how long it is."""
    blocks = []
    for start in range(0, len(run), block):
        data = marshal.dumps(run[start : start + block])
        blocks.append((spool.tell(), len(data)))
        spool.write(data)
    return blocks


class Run:
    """What is left of a run: the block that is being used up, and those behind it."""

    def __init__(self, spool: IO[bytes], blocks: Blocks) -> None:
        self._spool = spool
        self._blocks = iter(blocks)
        self._items: list[Item] = []
        self._next = 0
        self.last = 0
        """Time of the block's last item."""

    def load(self) -> bool:
        """Take the next block when this one is used up. False when there is nothing left."""
        if self._next < len(self._items):
            return True
        place = next(self._blocks, None)
        if place is None:
            return False
        self._spool.seek(place[0])
        self._items = marshal.loads(self._spool.read(place[1]))  # noqa: S302 - written above by this process
        self._next, self.last = 0, self._items[-1][0]
        return True

    def take(self, until: int, *, equal: bool) -> list[Item]:
        """The block's items before `until`, those at that time with them if they are to be."""
        find = bisect_right if equal else bisect_left
        start = self._next
        self._next = find(self._items, until, lo=start, key=_at)
        return self._items[start : self._next]


def merge_runs(runs: list[Run]) -> Iterator[list[Item]]:
    """Runs to blocks in order. Each time, the run whose block ends first is used up, and of the others what is earlier.
    At that very time, a run before it has all its items in its block, and one behind it has to wait for the rest."""
    while runs := [run for run in runs if run.load()]:
        until = min(run.last for run in runs)
        first = next(number for number, run in enumerate(runs) if run.last == until)
        taken = [item for number, run in enumerate(runs) for item in run.take(until, equal=number <= first)]
        taken.sort(key=_at)
        yield taken


def in_time_order(records: Iterable[InputRecord], chunk: int = CHUNK) -> Iterator[InputRecord]:
    """The records by time, those of the same time in the order given.

    All of them are read before the first one is given out, so a fault anywhere in a file shows before anything is sent.
    At most `chunk` records are held in memory.
    """
    items = ((at, str(topic), account, raw) for at, topic, account, raw in records)
    with Sorted(items, chunk) as ordered:
        for block in ordered.blocks():
            for at, topic, account, raw in block:
                yield InputRecord(at, InputTopic(topic), account, raw)
