"""What is usual for an account from day to day, as a person would draw it into a plot. Pure.

It is drawn from the account's own counts and is no channel of the engine: the mean of the eight weeks before, by
weekday as far as that is known, and the range of a negative binomial around it that holds about nine days in ten.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import NamedTuple

from streams.detection.calendar import weekday

WINDOW = 56
_WEEKDAY_PRIOR = 3.0
_LEAST_DAYS = 14


class Usual(NamedTuple):
    """A day's usual number of events: the middle, and the range."""

    low: float
    middle: float
    high: float


def usual_range(
    counts: Mapping[int, int], first: int, last: int, frozen: Sequence[tuple[int, int]] = ()
) -> list[Usual | None]:
    """For each day from `first` to `last` what is usual, None while too little is known. In the `frozen` spans (first
    and last day) it stays what it was: a decline is not to make itself usual."""
    known = min(counts, default=last + 1)
    found: list[Usual | None] = []
    for day in range(first, last + 1):
        upto = day
        for begins, ends in frozen:
            if begins <= day <= ends:
                upto = min(upto, begins)
        start = max(known, upto - WINDOW)
        found.append(_usual(counts, start, upto, weekday(day)) if upto - start >= _LEAST_DAYS else None)
    return found


def _usual(counts: Mapping[int, int], start: int, end: int, day_of_week: int) -> Usual:
    days = range(start, end)
    values = [counts.get(day, 0) for day in days]
    mean = sum(values) / len(values)
    same = [counts.get(day, 0) for day in days if weekday(day) == day_of_week]
    middle = (sum(same) + _WEEKDAY_PRIOR * mean) / (len(same) + _WEEKDAY_PRIOR)
    variance = sum((value - mean) ** 2 for value in values) / len(values)
    # The part of the variance that is more than chance, relative to the mean: the same for busy and for quiet days.
    extra = max(0.0, variance - mean) / mean**2 if mean > 0 else 0.0
    spread = 1.64 * sqrt(middle + min(extra, 4.0) * middle**2)
    return Usual(max(0.0, middle - spread), middle, middle + spread)
