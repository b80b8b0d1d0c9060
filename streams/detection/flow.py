"""How activity flows through a day: a home partition's counts by quarter of an hour, in whole numbers.

An account counts by its own normal, so that a day of any of them comes to about 1 and the busy do not drown the rest.
Offered with the sums of each day; on the wall clock, where the fleet is large enough for that to say anything, also as
each quarter is over.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from streams.detection.sources import DEFAULT, DEFAULT_KEY, NAME_LENGTH, REST_KEY, UNTRACKED, Layout, bucket_of

SLOT_MS: Final = 900_000
ONE: Final = 1 << 12
"""What an account's ordinary day comes to."""
_MOST: Final = 4 * ONE
"""No event counts for more: some stand for thousands."""
_SPREAD: Final = 0x9E3779B1
_SPREAD_OVER: Final = 1 << 32
"""Multiplied by the odd number near 2^32 over the golden ratio, times that lie close together are far apart (Knuth,
The Art of Computer Programming, 6.4)."""

Counts = dict[int, int]
"""By source's key, see `sources.key_of`."""


def weight_of(events: float, exposure: float) -> float:
    """What one event of an account counts, by its baseline; nothing on its first day, of which nobody knows whether it
    is an ordinary one."""
    return ONE * (exposure + 0.5) / (exposure + events + 1.0) if exposure > 0.0 else 0.0


class Flow:
    """Of one partition's accounts together."""

    def __init__(self) -> None:
        self.open: dict[int, Counts] = {}
        """Of days that are not closed, by slot: quarters of an hour since 1970."""
        self._layout = UNTRACKED
        self._keys: dict[str, int] = {}

    def track(self, layout: Layout) -> None:
        """Sources are told apart by this layout from now on."""
        if layout != self._layout:
            self._layout, self._keys = layout, {}

    def count(self, at: int, source: str, amount: float) -> None:
        """Count an event: its weight times its quantity, which is next to nothing where an account has thousands a day.
        So the time of each says whether it is rounded up or down, for many to add up to what they are."""
        slot = at // SLOT_MS
        counts = self.open.get(slot)
        if counts is None:
            counts = self.open[slot] = {}
        key = self._keys.get(source)
        if key is None:
            key = self._key(source)
        counts[key] = counts.get(key, 0) + min(_MOST, int(amount + at * _SPREAD % _SPREAD_OVER / _SPREAD_OVER))

    def between(self, first: int, end: int) -> dict[int, Counts]:
        """What was counted from one slot to before another."""
        return {slot: self.open[slot] for slot in sorted(self.open) if first <= slot < end}

    def close(self, end: int) -> None:
        """What lies before a slot is over."""
        for slot in [slot for slot in self.open if slot < end]:
            del self.open[slot]

    def _key(self, source: str) -> int:
        name = source[:NAME_LENGTH]
        if name == DEFAULT:
            key = DEFAULT_KEY
        else:
            bucket = bucket_of(name)
            key = bucket if bucket in self._layout else REST_KEY
        if len(self._keys) < 4_096:
            self._keys[source] = key
        return key


def add(flow: dict[int, Counts], other: Mapping[int, Counts]) -> None:
    """Add what another home has."""
    for slot, counts in other.items():
        mine = flow.setdefault(slot, {})
        for key, count in counts.items():
            mine[key] = mine.get(key, 0) + count


def pack(flow: Mapping[int, Counts]) -> list[list[Any]]:
    """As plain data: for each source its key, the first slot, and the counts from there on."""
    packed = []
    for key in sorted({key for counts in flow.values() for key in counts}):
        slots = [slot for slot, counts in flow.items() if key in counts]
        first, last = min(slots), max(slots)
        packed.append([key, first, [flow.get(slot, {}).get(key, 0) for slot in range(first, last + 1)]])
    return packed


def unpack(packed: Iterable[Any]) -> dict[int, Counts]:
    """What `pack` gave."""
    flow: dict[int, Counts] = {}
    for key, first, counts in packed:
        for slot, count in enumerate(counts, first):
            if count:
                flow.setdefault(slot, {})[key] = count
    return flow
