"""What became of new accounts that were late or slow, by those that came before: so that it is told of whom it is worth
telling, and not of everybody who takes his time."""

from collections.abc import Mapping
from typing import Any, Final

from streams.detection.curve import FEWEST, WEEKS, left_of

NONE_YET: Final = 0
HAD: Final = 1
LEFT: Final = 2
"""It left before, or somebody saw to it: what it would have done by itself is not known."""

Cell = tuple[int, int]
Came = Mapping[Cell, int]
"""Accounts that had no first core action before a week since their start, by the number of that week, from 1, and by
what it brought: `NONE_YET`, `HAD`, `LEFT`. And in the cells below."""
BEGUN: Final[Cell] = (0, 0)
"""Accounts that came so far that it could be told of them that they are slow."""
SLOW: Final[Cell] = (0, 1)
"""Those of whom it could be told, from then on."""
OVER: Final[Cell] = (0, 2)
"""Accounts whose first weeks are over."""
LIVED: Final[Cell] = (0, 3)
"""Those that had been slow, and that are there, and used."""

_OF_BEFORE: Final = 10.0
"""The week before says as much of a week as so many accounts: of the late weeks few are known, and at first none."""


class Beginnings:
    """What is known by a day; it never changes.

    Of those that wait at the beginning of a week a part comes to the action in it, and a part leaves, which is a
    competing risk (cumulative incidence, Kalbfleisch and Prentice 1980): so accounts of all ages say something.
    """

    __slots__ = ("_counts", "_day", "_later")

    def __init__(self, day: int = -1, counts: Mapping[tuple[int, int], float] | None = None) -> None:
        self._day = day
        self._counts = counts or {}
        self._later: list[float] | None = None

    def later(self, weeks: int) -> float | None:
        """The share of all new accounts that have their first core action after so many weeks, and within 12; None as
        long as fewer than 50 accounts are known."""
        if self._later is None:
            self._later = self._shares()
        return self._later[min(weeks, WEEKS)] if self._later else None

    def late(self, share: float) -> int | None:
        """After how many weeks no more than this share still have it before them; None as `later`.

        >>> met = {(1, HAD): 60, (1, NONE_YET): 40, (2, HAD): 20, (2, NONE_YET): 20, (3, HAD): 1, (3, NONE_YET): 19}
        >>> first = Beginnings().learn(20_000, met | {(week, NONE_YET): 19 for week in range(4, 13)})
        >>> [first.late(share) for share in (0.5, 0.2, 0.001)], Beginnings().late(0.5)
        ([1, 2, 6], None)
        """
        for weeks in range(WEEKS + 1):
            later = self.later(weeks)
            if later is None:
                return None
            if later <= share:
                return weeks
        return WEEKS

    def slow_and_lived(self) -> float | None:
        """The share of new accounts of which it could have been told in vain that they are slow; at first, of those of
        which it could be told at all. None as `later`."""
        for part, whole in ((LIVED, OVER), (SLOW, BEGUN)):
            of = self._counts.get(whole, 0.0)
            if of >= FEWEST:
                return self._counts.get(part, 0.0) / of
        return None

    def learn(self, day: int, came: Came) -> "Beginnings":
        """What is known by `day`, on which these weeks were over."""
        if not came:
            return self
        left = left_of(self._day, day)
        counts = {cell: count * left for cell, count in self._counts.items()}
        for cell, count in sorted(came.items()):
            counts[cell] = counts.get(cell, 0.0) + count
        return Beginnings(day, counts)

    def _shares(self) -> list[float]:
        """By number of weeks, from 0; none where too little is known."""
        if sum([self._counts.get((1, what), 0.0) for what in (NONE_YET, HAD, LEFT)]) < FEWEST:
            return []
        waiting, had, left = 1.0, 0.5, 0.0
        came = []
        for week in range(1, WEEKS + 1):
            of_week = [self._counts.get((week, what), 0.0) for what in (NONE_YET, HAD, LEFT)]
            all_of_week = sum(of_week) + _OF_BEFORE
            had = (of_week[HAD] + _OF_BEFORE * had) / all_of_week
            left = (of_week[LEFT] + _OF_BEFORE * left) / all_of_week
            came.append(waiting * had)
            waiting *= max(1.0 - had - left, 0.0)
        shares = [0.0]
        for each in reversed(came):
            shares.append(shares[-1] + each)
        return shares[::-1]

    def pack(self) -> list[Any]:
        """As plain data."""
        return [self._day, [[*cell, count] for cell, count in sorted(self._counts.items())]]

    @classmethod
    def unpack(cls, packed: list[Any]) -> "Beginnings":
        """What `pack` gave."""
        day, rows = packed
        return cls(day, {(week, what): count for week, what, count in rows})
