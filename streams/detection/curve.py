"""The usual beginning: on how many days new accounts are used in their first weeks, by those that came before."""

from collections.abc import Mapping
from typing import Any, Final

WEEKS: Final = 12
"""So long a new account is followed, week by week."""
FEWEST: Final = 50
"""What fewer accounts did at an age says nothing; each weighs what `_HALF_LIFE` has left of it."""
_HALF_LIFE: Final = 180.0
"""Days after which what was learnt weighs half: products change, and so does who comes."""
_LEAST_USUAL: Final = 4
"""Where the median account is used on fewer days, a quarter of them is none."""


def left_of(before: int, day: int) -> float:
    """What is left by `day` of what was known on a day `before`, which is negative where nothing was."""
    return 0.5 ** ((day - before) / _HALF_LIFE) if before >= 0 else 1.0


Begun = Mapping[tuple[int, int], int]
"""Accounts by the number of full weeks since their start, and of days on which they were used in these."""


class Curve:
    """What is known by a day; it never changes. For each number of weeks how many accounts were used on 0, 1, ... days
    in them."""

    __slots__ = ("_counts", "_day", "_medians")

    def __init__(self, day: int = -1, counts: Mapping[tuple[int, int], float] | None = None) -> None:
        self._day = day
        self._counts = counts or {}
        self._medians: dict[int, int | None] = {}

    def usual(self, weeks: int) -> int | None:
        """The days of the median account; None as long as fewer than 50 accounts are known at this age."""
        if weeks not in self._medians:
            self._medians[weeks] = self._median(weeks)
        return self._medians[weeks]

    def far_below(self, weeks: int, days: int) -> bool:
        """Whether an account that was used on so many days is far below the usual: at a quarter of the median or less,
        with less than a tenth of all accounts below it.

        >>> curve = Curve().learn(20_000, {(2, 8): 40, (2, 2): 4, (2, 1): 6})
        >>> curve.usual(2), [curve.far_below(2, days) for days in (0, 1, 2, 3)], curve.usual(3)
        (8, [True, True, False, False], None)
        """
        usual = self.usual(weeks)
        if usual is None or usual < _LEAST_USUAL or 4 * days > usual:
            return False
        of_age = self._of(weeks)
        below = sum([count for each, count in of_age.items() if each < days])
        return 10.0 * below < sum(of_age.values())

    def learn(self, day: int, begun: Begun) -> "Curve":
        """What is known by `day`, on which these came to their ages."""
        if not begun:
            return self
        left = left_of(self._day, day)
        counts = {cell: count * left for cell, count in self._counts.items()}
        for cell, count in sorted(begun.items()):
            counts[cell] = counts.get(cell, 0.0) + count
        return Curve(day, counts)

    def _median(self, weeks: int) -> int | None:
        of_age = self._of(weeks)
        total = sum(of_age.values())
        if total < FEWEST:
            return None
        below = 0.0
        for days, count in sorted(of_age.items()):
            below += count
            if 2.0 * below >= total:
                return days
        return None

    def _of(self, weeks: int) -> dict[int, float]:
        return {days: count for (of_weeks, days), count in sorted(self._counts.items()) if of_weeks == weeks}

    def pack(self) -> list[Any]:
        """As plain data."""
        return [self._day, [[*cell, count] for cell, count in sorted(self._counts.items())]]

    @classmethod
    def unpack(cls, packed: list[Any]) -> "Curve":
        """What `pack` gave."""
        day, rows = packed
        return cls(day, {(weeks, days): count for weeks, days, count in rows})
