"""When in the week something comes: people rest, programs do not. Pure."""

from array import array
from typing import Final, Self

_HOUR_MS: Final = 3_600_000
_WEEK_HOURS: Final = 168
_ENOUGH: Final = 100
"""Events from which on a share says something: evenly spread, 100 of them leave about 0.25 to the quietest third."""
_NIGHT_HOURS: Final = 8
_NIGHTS: Final = 3
_WEEKENDS: Final = 14
"""Days that have to be seen before nights, and ends of weeks, are looked at."""


class Rhythm:
    """Counts one user's events, or one account's, by the hour of the week."""

    __slots__ = ("_bins", "_first", "_last", "count")

    def __init__(self) -> None:
        self._bins = array("L", bytes(array("L").itemsize * _WEEK_HOURS))
        self._first = self._last = -1
        self.count = 0

    def add(self, at: int) -> None:
        """Count an event; `at` in milliseconds."""
        hour = at // _HOUR_MS
        self._bins[hour % _WEEK_HOURS] += 1
        self.count += 1
        if self._first < 0:
            self._first = hour
        self._last = hour

    def join(self, other: Self) -> None:
        """What else came, before, after or in between."""
        for hour, count in enumerate(other._bins):
            self._bins[hour] += count
        self.count += other.count
        if other._first >= 0:
            self._first = other._first if self._first < 0 else min(self._first, other._first)
            self._last = max(self._last, other._last)

    @property
    def night(self) -> float | None:
        """Share of the events in the quietest eight hours in a row of the day, whenever those are: a third for what
        comes around the clock, next to nothing for a person. None for too little to tell."""
        if self.count < _ENOUGH or self._days < _NIGHTS:
            return None
        return _quietest([sum(self._bins[hour::24]) for hour in range(24)], _NIGHT_HOURS)

    @property
    def weekend(self) -> float | None:
        """Share of the events in the quietest two days in a row of the week: two sevenths for what knows no week."""
        if self.count < _ENOUGH or self._days < _WEEKENDS:
            return None
        return _quietest([sum(self._bins[day * 24 : day * 24 + 24]) for day in range(7)], 2)

    @property
    def _days(self) -> int:
        return (self._last - self._first) // 24


def _quietest(counts: list[int], width: int) -> float:
    """The smallest share that as many neighbours have, around the circle."""
    around = counts + counts[: width - 1]
    return min(sum(around[start : start + width]) for start in range(len(counts))) / sum(counts)
