"""Business days: day numbers, where they begin, when they close."""

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from streams.detection.config import DAY_MS

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_FIRST: Final = date(1970, 1, 1).toordinal()
_MONTHS = (  # not strftime's: that asks the locale
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


class Calendar:
    """Days of one time zone, as day numbers: days since 1970-01-01 there.

    A day begins at the first instant that carries its date and ends where the next one begins: 23 to 25 hours where the
    clocks change, none at all where a zone skipped a date. It closes a grace period after its end, in milliseconds.
    Raises `ValueError` for a zone that is not known. What is remembered here is only ever the same for the same
    arguments.

    >>> berlin = Calendar("Europe/Berlin", grace_ms=3_600_000)
    >>> day = berlin.day_of(1740826800000)  # 2025-03-01T11:00Z
    >>> day, berlin.start_of(day), berlin.close_of(day)
    (20148, 1740783600000, 1740873600000)
    """

    __slots__ = ("_day", "_end", "_grace", "_start", "_starts", "_zone")

    def __init__(self, timezone: str, grace_ms: int) -> None:
        try:
            self._zone = None if timezone in ("UTC", "Etc/UTC") else ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"timezone must be an IANA name like Europe/Berlin, not {timezone!r}") from error
        self._grace = grace_ms
        self._starts: dict[int, int] = {}
        self._day = self._start = self._end = 0

    def start_of(self, day: int) -> int:
        """The day's first millisecond."""
        if self._zone is None:
            return day * DAY_MS
        start = self._starts.get(day)
        if start is None:
            midnight = date.fromordinal(_FIRST + day)
            # In a gap fold=0 takes the offset before it, which gives the moment of the change: the date begins there.
            local = datetime(midnight.year, midnight.month, midnight.day, tzinfo=self._zone)
            start = self._starts[day] = (local - _EPOCH) // _MS
        return start

    def day_of(self, at: int) -> int:
        """The day on which an instant falls."""
        if self._start <= at < self._end:
            return self._day
        day = at // DAY_MS
        if self._zone is not None:
            day -= 1
            while self.start_of(day + 1) <= at:
                day += 1
        self._day, self._start, self._end = day, self.start_of(day), self.start_of(day + 1)
        return day

    def close_of(self, day: int) -> int:
        """The moment at which the day is judged."""
        return self.start_of(day + 1) + self._grace

    def last_closed(self, now: int) -> int:
        """The newest day that is closed at `now`."""
        now -= self._grace
        return (self._day if self._start <= now < self._end else self.day_of(now)) - 1

    def day_text(self, at: int) -> str:
        """The date of an instant, for people.

        >>> Calendar("UTC", 0).day_text(1740826800000)
        '1 March 2025'
        """
        when = date.fromordinal(_FIRST + self.day_of(at))
        return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def weekday(day: int) -> int:
    """Day of the week, 0 for Monday.

    >>> weekday(20148)  # 2025-03-01
    5
    """
    return (day + 3) % 7


def is_week_end(day: int) -> bool:
    """Whether it is a Sunday."""
    return weekday(day) == 6


def week_end(day: int) -> int:
    """The Sunday of the day's week.

    >>> weekday(week_end(20148)), week_end(20148)
    (6, 20149)
    """
    return day + 6 - weekday(day)
