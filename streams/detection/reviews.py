"""Looks at an account in the weeks before a date: once a week, whatever else happens."""

from typing import Final

from streams.detection.config import DAY_MS

WEEK_MS: Final = 7 * DAY_MS


def review_after(looked_at: int, date: int, days: int) -> int | None:
    """The first moment after `looked_at` that lies whole weeks before `date`, at most `days` before it; the date itself
    is the last one. None: the date is past.

    >>> day = DAY_MS
    >>> [review_after(at * day, 100 * day, 21) for at in (0, 79, 90, 100)] == [79 * day, 86 * day, 93 * day, None]
    True
    """
    first = date - days // 7 * WEEK_MS
    if looked_at < first:
        return first
    review = first + ((looked_at - first) // WEEK_MS + 1) * WEEK_MS
    return review if review <= date else None
