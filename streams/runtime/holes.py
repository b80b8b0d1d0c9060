"""Holes in what the embedded broker hands out.

Where several producers write to one partition at once, it may hand out a record before the one in front of it, which is
there a moment later; a consumer goes on behind what it got and never sees that one. A log of this broker has no holes
of its own, as it neither compacts nor knows transactions: so what lies behind a hole is read again, for a while.
"""

from collections.abc import Hashable, Sequence
from time import monotonic
from typing import Any, Final

PATIENCE: Final = 5.0
"""Seconds after which a record that is missing is one that is not there: retention may have taken it."""


class Holes:
    """The holes that were met, by partition, and since when."""

    def __init__(self) -> None:
        self._met: dict[Hashable, tuple[int, float]] = {}

    def first(self, partition: Hashable, start: int, records: Sequence[Any]) -> int | None:
        """Where to read again: the first offset that is missing in `records`, which were read from `start` on. None
        where there is none, or it is not waited for any longer."""
        hole = _first(start, records)
        if hole is None:
            self._met.pop(partition, None)
            return None
        offset, since = self._met.get(partition, (-1, 0.0))
        if offset != hole:
            self._met[partition] = hole, monotonic()
        elif monotonic() - since > PATIENCE:
            return None
        return hole


def _first(start: int, records: Sequence[Any]) -> int | None:
    if not records or records[-1].offset - start + 1 == len(records):
        return None
    return next(offset for offset, record in enumerate(records, start) if record.offset != offset)
