"""A route's times and limits: how long it gathers, when it may speak, how much of it is too much. Pure.

Business hours and digests go by the wall clock of the route's time zone. On a day on which the clock changes, a time
that does not exist is the moment of the change, and one that comes twice is meant as often as it comes for business
hours, and the first time only for a digest.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.alerts import Severity

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
MINUTES: Final = 24 * 60
"""Of a day."""
EVERY_DAY: Final = frozenset(range(7))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_AROUND: Final = timedelta(hours=3)
"""No clock changes by more around a midnight, but for a date line that moves."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Durations in milliseconds, times of the day in minutes since midnight, weekdays from 0 (Monday) to 6.

    `group_wait`: after an account's first change, how long for others to go into the same message; `group_interval`:
    after a message, how long for the account's next one. Both 0 and nothing else set: every change goes by itself.

    `digest_at`: everything waits for that time of `digest_days` and goes as one message. `hours`, `days`, `holidays`:
    when the route is open; what comes while it is closed waits, but for critical alerts when `critical_passes`. A
    digest whose day is no open one comes on the next that is.

    `reminder`: how long after a message a critical alert that nobody has acknowledged is told again; 0: never.
    `limit_per_hour`: messages in any hour, above which all else goes into one summary; 0: none.

    Raises `ValueError` for what is impossible.
    """

    group_wait: int = 30 * SECOND
    group_interval: int = 5 * MINUTE
    digest_at: int | None = None
    digest_days: frozenset[int] = EVERY_DAY
    hours: tuple[int, int] | None = None
    days: frozenset[int] = EVERY_DAY
    holidays: frozenset[date] = frozenset()
    critical_passes: bool = True
    reminder: int = 0
    limit_per_hour: int = 0
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        for name in ("group_wait", "group_interval", "reminder", "limit_per_hour"):
            if (value := getattr(self, name)) < 0:
                raise ValueError(f"{name} = {value} is negative; 0 switches it off")
        for name in ("days", "digest_days"):
            if not (value := getattr(self, name)) or not value <= EVERY_DAY:
                raise ValueError(f"{name} = {sorted(value)} must name one weekday at least, from 0 (Monday) to 6")
        if self.digest_at is not None and not 0 <= self.digest_at < MINUTES:
            raise ValueError(f"digest_at = {self.digest_at} is no minute of a day: 0 to {MINUTES - 1}")
        if self.hours is not None and not 0 <= self.hours[0] < self.hours[1] <= MINUTES:
            raise ValueError(f"hours = {self.hours} must begin before they end, within one day of {MINUTES} minutes")
        if self.hours is not None and self.digest_at is not None and not self._within_hours(self.digest_at):
            raise ValueError(f"digest_at = {self.digest_at} lies outside the route's hours {self.hours}")
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"timezone = {self.timezone!r} is no IANA time zone, such as Europe/Berlin") from error

    @property
    def gathers(self) -> bool:
        """Whether anything is ever held back, put together or repeated."""
        return bool(
            self.group_wait
            or self.group_interval
            or self.digest_at is not None
            or self.has_hours
            or self.reminder
            or self.limit_per_hour
        )

    @property
    def has_hours(self) -> bool:
        """Whether the route is ever closed."""
        return self.hours is not None or self.days != EVERY_DAY or bool(self.holidays)

    def goes_at(self, severity: Severity, now: int) -> int:
        """When a message of this severity may go: `now`, or the moment at which the route opens.

        >>> office = Quiet(hours=(9 * 60, 17 * 60), days=frozenset(range(5)))
        >>> saturday = 1_764_410_400_000  # 2025-11-29T10:00:00Z
        >>> (office.goes_at(Severity.WARNING, saturday) - saturday) // HOUR
        47
        >>> office.goes_at(Severity.CRITICAL, saturday) == saturday
        True
        """
        if self.is_open(now) or (severity is Severity.CRITICAL and self.critical_passes):
            return now
        where = ZoneInfo(self.timezone)
        # A day that has begun may open again: its clock can be set back into the hours.
        day = _local(now, where).date() - _DAY
        while True:
            opening = [moment for moment in self._openings(day, where) if moment > now and self.is_open(moment)]
            if opening:
                return min(opening)
            day += _DAY

    def is_open(self, now: int) -> bool:
        """Whether the route's clock stands within its hours, on one of its days that is no holiday."""
        if not self.has_hours:
            return True
        local = _local(now, ZoneInfo(self.timezone))
        return self._is_open_day(local.date()) and self._within_hours(local.hour * 60 + local.minute)

    def next_digest(self, after: int) -> int:
        """The moment of the first digest after this one. Needs `digest_at`.

        >>> daily = Quiet(digest_at=9 * 60, timezone="Europe/Berlin")
        >>> datetime.fromtimestamp(daily.next_digest(1_764_410_400_000) / 1_000, UTC).isoformat()
        '2025-11-30T08:00:00+00:00'
        """
        assert self.digest_at is not None
        where = ZoneInfo(self.timezone)
        day = _local(after, where).date() - _DAY
        while True:
            if self._has_digest(day) and (moment := _first(day, self.digest_at, where)) > after:
                return moment
            day += _DAY

    def _has_digest(self, day: date) -> bool:
        if not self._is_open_day(day):
            return False
        while day.weekday() not in self.digest_days:
            day -= _DAY
            if self._is_open_day(day):
                return False
        return True

    def _is_open_day(self, day: date) -> bool:
        return day.weekday() in self.days and day not in self.holidays

    def _within_hours(self, minute: int) -> bool:
        return self.hours is None or self.hours[0] <= minute < self.hours[1]

    def _openings(self, day: date, where: tzinfo) -> list[int]:
        """Moments at which the route may open on a day: its opening time, be it twice, and changes of the clock."""
        opens = 0 if self.hours is None else self.hours[0]
        return [_instant(day, opens, where), _instant(day, opens, where, fold=1), *_change(day, where)]


def _local(at: int, where: tzinfo) -> datetime:
    return (_EPOCH + timedelta(milliseconds=at)).astimezone(where)


def _instant(day: date, minute: int, where: tzinfo, fold: int = 0) -> int:
    """The instant of a local time; of one that comes twice the first, or with `fold` the second."""
    local = datetime.combine(day, time(minute // 60, minute % 60, fold=fold), where)
    return _milliseconds(local)


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _first(day: date, minute: int, where: tzinfo) -> int:
    """The first moment of a day at which its clock has come to a minute."""
    at = _instant(day, minute, where)
    local = _local(at, where)
    if (local.date(), local.hour * 60 + local.minute) == (day, minute):
        return at
    return next(iter(_change(day, where)), at)


def _change(day: date, where: tzinfo) -> list[int]:
    """The moment at which the clock changes on a day; empty on nearly all days."""
    midnight = datetime.combine(day, time(), UTC)
    offset = datetime.combine(day, time(), where).utcoffset() or timedelta()
    low = _milliseconds(midnight - offset - _AROUND)
    high = _milliseconds(midnight - offset + _DAY + _AROUND)
    before, after = _local(low, where).utcoffset(), _local(high, where).utcoffset()
    if before == after:
        return []
    while high - low > 1:
        middle = (low + high) // 2
        if _local(middle, where).utcoffset() == before:
            low = middle
        else:
            high = middle
    return [high] if day in (_local(low, where).date(), _local(high, where).date()) else []
