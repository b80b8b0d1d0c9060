"""When money is next asked for."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from streams.detection.config import DAY_MS

_DAYS: Final = {"day": 1, "week": 7}
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


class Charges(NamedTuple):
    """The last charge before some moment, and the first one at or after it; None where there is none, or none known."""

    before: int | None
    after: int | None


def charges_around(first: int, interval: str | None, moment: int) -> Charges:
    """Of the charges at `first` and every `interval` (day, week, month, quarter, year) after it, those around a moment.

    Without an interval only the first is known. Months are the calendar's, in UTC; in a shorter one the 31st is its
    last day.

    >>> january_31 = 1738281600000
    >>> charges_around(january_31, "month", january_31 + 40 * 86_400_000)  # 28 February and 31 March
    Charges(before=1740700800000, after=1743379200000)
    """
    if first >= moment:
        return Charges(None, first)
    if interval is None:
        return Charges(first, None)
    longest = (_DAYS[interval] if interval in _DAYS else 31 * _MONTHS[interval]) * DAY_MS
    step = max(1, (moment - first) // longest)  # too few rather than too many
    while (after := _later(first, interval, step)) < moment:
        step += 1
    return Charges(_later(first, interval, step - 1), after)


def _later(first: int, interval: str, times: int) -> int:
    days = _DAYS.get(interval)
    if days is not None:
        return first + times * days * DAY_MS
    start = _EPOCH + first * _MS
    year, month = divmod(start.year * 12 + start.month - 1 + times * _MONTHS[interval], 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return (start.replace(year=year, month=month + 1, day=day) - _EPOCH) // _MS
