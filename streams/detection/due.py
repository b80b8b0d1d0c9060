"""When silence will have said enough: due times in closed form, so that nobody has to look every day."""

from collections.abc import Sequence
from typing import Final

_MARGIN: Final = 1.0 - 1e-9
"""Sums made day by day round differently from a product: a forecast may be a day early, never late."""


def silent_days_until(need: float, gains: Sequence[float], first_weekday: int) -> int:
    """The first n >= 1 for which n silent days, beginning on `first_weekday`, add up to `need` or more.

    `gains` are what the weekdays from Monday add, all above 0. Whole weeks by division, then a walk of at most 7 days.

    >>> silent_days_until(2.5, [1.0] * 7, 0), silent_days_until(0.0, [1.0] * 7, 0)
    (3, 1)
    >>> silent_days_until(2.5, [1.0, 1.0, 1.0, 1.0, 1.0, 0.02, 0.02], 4)  # a Friday's silence, then a weekend
    5
    """
    need *= _MARGIN
    if need <= 0.0:
        return 1
    a_week = sum(gains)
    weeks = int(need // a_week)
    days = 7 * weeks
    need -= weeks * a_week
    weekday = first_weekday
    while need > 0.0:
        need -= gains[weekday]
        weekday = (weekday + 1) % 7
        days += 1
    return max(days, 1)
