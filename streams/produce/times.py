"""Times as tables of history write them: with an offset or without, as dates, or as a count since the epoch."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from schemas.instants import EARLIEST, LATEST, quick_instant

ALLOWED = (
    "a time is written like 2025-03-01T12:00:00Z, 2025-03-01 12:00:00 (in the time zone given), 2025-03-01, "
    "or as seconds, milliseconds, microseconds or nanoseconds since 1970, and lies from 1990 to 2099"
)
_NUMBER = re.compile(r"\d+(\.\d*)?", re.ASCII)
_SHOWN = 40
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_QUARTER_MS = 900_000  # every change of a clock happens at a full quarter of an hour


def parse_time(text: str, zone: ZoneInfo) -> int:
    """Milliseconds since the epoch of an ISO 8601 time or date, or of a number as `from_number` takes it.

    A time without an offset is one of `zone`; an offset may follow a space, or be called UTC, as exports of databases
    have it. Eight digits are a date. Raises ValueError, which says what is allowed.

    >>> parse_time("2025-03-01 12:00:00", ZoneInfo("Europe/Berlin"))
    1740826800000
    >>> parse_time("1740826800", ZoneInfo("Asia/Tokyo"))
    1740826800000
    >>> parse_time("2025-03-01 11:00:00 UTC", ZoneInfo("Asia/Tokyo"))
    1740826800000
    """
    text = text.strip()
    if len(text) >= 19 and text[10] in " T":  # several times as fast as the parser
        spelt = f"{text[:10]}T{text[11:]}"
        if len(text) > 19:
            quick = quick_instant(spelt)
            if quick is not None:
                return quick
        else:
            local = quick_instant(f"{spelt}Z")
            if local is not None:
                return local_to_utc(local, zone)
    try:
        if _NUMBER.fullmatch(text) and len(text) != 8:
            return from_number(int(text) if text.isdigit() else float(text))
        head, _, offset = text.rpartition(" ")
        moment = datetime.fromisoformat(
            f"{head}Z" if offset == "UTC" else head + offset if offset.startswith(("+", "-")) else text
        )
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return _checked((moment - _EPOCH) // _MS)
    except (ValueError, OverflowError):
        # Only what may have been meant as a time is shown: of a wrong column it might be anything.
        meant = f"{text[:_SHOWN]!r} is none that is known; " if text[:1].isdigit() else ""
        raise ValueError(meant + ALLOWED) from None


def from_number(count: float) -> int:
    """Milliseconds since the epoch of seconds, milliseconds, microseconds or nanoseconds since 1970: in the range
    allowed no number is two of these. Raises ValueError, which says what is allowed."""
    if abs(count) < EARLIEST:
        return _checked(round(count * 1000))
    for in_a_ms in (1, 1_000, 1_000_000):
        if count // in_a_ms <= LATEST:
            return _checked(int(count // in_a_ms))
    raise ValueError(ALLOWED)


def local_to_utc(local_ms: int, zone: ZoneInfo) -> int:
    """Milliseconds since the epoch of a wall-clock time that is given in milliseconds since 1970 on that same clock."""
    return _checked(local_ms - _offset(local_ms // _QUARTER_MS, zone))


@lru_cache(maxsize=100_000)
def _offset(quarter: int, zone: ZoneInfo) -> int:
    try:
        local = (_EPOCH + quarter * _QUARTER_MS * _MS).replace(tzinfo=zone)
        offset = local.utcoffset()
    except OverflowError:
        raise ValueError(ALLOWED) from None
    assert offset is not None
    return offset // _MS


def _checked(at: int) -> int:
    if not EARLIEST <= at <= LATEST:
        raise ValueError(ALLOWED)
    return at
