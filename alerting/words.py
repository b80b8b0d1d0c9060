"""Numbers, money and time as people read them, the same everywhere: nothing here asks the locale."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

HOUR = 3_600_000
DAY = 24 * HOUR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_NONE = (
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
    *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
)
_THREE = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_FOUR = ("CLF", "UYW")
DIGITS = {**dict.fromkeys(_NONE, 0), **dict.fromkeys(_THREE, 3), **dict.fromkeys(_FOUR, 4)}
"""Currencies (ISO 4217) whose amounts have not two digits behind the point, with how many they have."""


def zone(name: str) -> tzinfo:
    """The time zone of an IANA name; UTC for one that is not known here."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def day(at: float, where: tzinfo) -> str:
    """The date of an instant (milliseconds), "" for one outside the years 1990 to 2099.

    >>> day(1740826800000, UTC)
    '1 March 2025'
    """
    if not 631_152_000_000 <= at < 4_102_444_800_000:
        return ""
    moment = (_EPOCH + timedelta(milliseconds=int(at))).astimezone(where)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def count(number: int, thing: str) -> str:
    """A number of things.

    >>> count(1, "day"), count(1200, "event")
    ('1 day', '1,200 events')
    """
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def span(milliseconds: int) -> str:
    """A duration in its largest sensible unit.

    >>> span(2 * DAY), span(30 * HOUR), span(5 * HOUR), span(9)
    ('2 days', '1 day', '5 hours', 'less than an hour')
    """
    if milliseconds >= DAY:
        return count(milliseconds // DAY, "day")
    return count(milliseconds // HOUR, "hour") if milliseconds >= HOUR else "less than an hour"


def number(value: float) -> str:
    """A number: whole from 10 on, else with at most one decimal, or two digits when it is small.

    >>> number(12), number(36.83), number(4.25), number(0.041), number(3.0)
    ('12', '37', '4.2', '0.041', '3')
    """
    if isinstance(value, int) or abs(value) >= 10:
        return f"{value:,.0f}"
    return (f"{value:.1f}" if abs(value) >= 0.1 else f"{value:.2g}").removesuffix(".0")


def money(minor: int, currency: str) -> str:
    """An amount in minor units (ISO 4217 digits), with its currency.

    >>> money(4900, "EUR"), money(1234567, "USD"), money(500, "JPY"), money(12345, "CLF")
    ('49.00 EUR', '12,345.67 USD', '500 JPY', '1.2345 CLF')
    """
    digits = minor_digits(currency)
    whole, rest = divmod(minor, 10**digits)
    return f"{whole:,}.{rest:0{digits}} {currency}" if digits else f"{whole:,} {currency}"


def minor_digits(currency: str) -> int:
    """How many digits of an amount are behind the point (ISO 4217).

    >>> minor_digits("EUR"), minor_digits("JPY"), minor_digits("KWD"), minor_digits("CLF"), minor_digits("UYI")
    (2, 0, 3, 4, 0)
    """
    return DIGITS.get(currency, 2)
