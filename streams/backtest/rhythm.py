"""When in the week something comes: people rest, programs do not. Pure."""

from array import array
from typing import Final, Self

_HOUR_MS: Final = 3_600_000
_DAY_HOURS: Final = 24
_WEEK_DAYS: Final = 7
_ENOUGH: Final = 100
"""Events from which on a share says something: evenly spread, 100 of them leave about 0.25 to the quietest third."""
_NIGHT_HOURS: Final = 8
_NIGHTS: Final = 3
_WEEKENDS: Final = 14
"""Days that have to be seen before nights, and ends of weeks, are looked at."""

_NOTHING: Final = bytes(array("L").itemsize * (_DAY_HOURS + _WEEK_DAYS))


class Rhythm:
    """Counts one user's events, or one account's, by the hour of the day and the day of the week."""

    __slots__ = ("_bins", "_first", "_last")

    def __init__(self) -> None:
        self._bins = array("L", _NOTHING)  # hours of the day, then days of the week
        self._first = self._last = -1

    def add(self, at: int) -> None:
        """Count an event; `at` in milliseconds."""
        hour = at // _HOUR_MS
        bins = self._bins
        bins[hour % _DAY_HOURS] += 1
        bins[_DAY_HOURS + hour // _DAY_HOURS % _WEEK_DAYS] += 1
        if self._first < 0:
            self._first = hour
        self._last = hour

    def join(self, other: Self) -> None:
        """What else came, before, after or in between."""
        for number, count in enumerate(other._bins):
            self._bins[number] += count
        if other._first >= 0:
            self._first = other._first if self._first < 0 else min(self._first, other._first)
            self._last = max(self._last, other._last)

    @property
    def count(self) -> int:
        """The events."""
        return sum(self._bins[:_DAY_HOURS])

    @property
    def night(self) -> float | None:
        """Share of the events in the quietest eight hours in a row of the day, whenever those are: a third for what
        comes around the clock, next to nothing for a person. None for too little to tell."""
        if self.count < _ENOUGH or self._days < _NIGHTS:
            return None
        return _quietest(self._bins[:_DAY_HOURS].tolist(), _NIGHT_HOURS)

    @property
    def weekend(self) -> float | None:
        """Share of the events in the quietest two days in a row of the week: two sevenths for what knows no week."""
        if self.count < _ENOUGH or self._days < _WEEKENDS:
            return None
        return _quietest(self._bins[_DAY_HOURS:].tolist(), 2)

    @property
    def _days(self) -> int:
        return (self._last - self._first) // _DAY_HOURS


def _quietest(counts: list[int], width: int) -> float:
    """The smallest share that as many neighbours have, around the circle."""
    around = counts + counts[: width - 1]
    return min(sum(around[start : start + width]) for start in range(len(counts))) / sum(counts)
