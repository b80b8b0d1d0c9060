"""Times: RFC 3339 text with an offset outside, `int` milliseconds since the epoch (UTC) inside."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Final, get_args

from pydantic import BaseModel, BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
EARLIEST: Final = (datetime(1990, 1, 1, tzinfo=UTC) - _EPOCH) // _MS
"""First millisecond that is allowed: 1990-01-01T00:00:00Z."""
LATEST: Final = (datetime(2100, 1, 1, tzinfo=UTC) - _EPOCH) // _MS - 1
"""Last millisecond that is allowed: 2099-12-31T23:59:59.999Z."""

_RFC3339: Final = re.compile(
    r"(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))[Tt]((?:[01]\d|2[0-3]):[0-5]\d:)([0-5]\d|60)(\.\d+)?"
    r"([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
_parse: Final = datetime.fromisoformat

SHAPE: Final = "a time in RFC 3339 with an offset, like 2025-03-01T12:00:00Z"


class OutOfRangeError(ValueError):
    """A well-formed time before 1990 or after 2099."""


def parse_instant(text: str) -> int:
    """Milliseconds since the epoch of an RFC 3339 time; finer fractions are cut off, a leap second is the next second.

    Raises `OutOfRangeError` for a time before 1990 or after 2099, `ValueError` for anything else that is no such time.

    >>> parse_instant("1970-01-01T00:00:00Z")
    Traceback (most recent call last):
    schemas.instants.OutOfRangeError: the time must lie from 1990 to 2099
    >>> parse_instant("2025-03-01T12:00:00.25+01:00")
    1740826800250
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"must be {SHAPE}")
    day, minute, second, fraction, offset = match.groups()
    leap = second == "60"
    try:
        moment = _parse(f"{day}T{minute}{'59' if leap else second}{fraction or ''}{offset.upper()}")
        at = (moment - _EPOCH) // _MS
    except (ValueError, OverflowError) as error:
        raise ValueError(f"must be {SHAPE}") from error
    if leap:
        at = at - at % 1000 + 1000
    if not EARLIEST <= at <= LATEST:
        raise OutOfRangeError("the time must lie from 1990 to 2099")
    return at


def format_instant(at: int) -> str:
    """RFC 3339 in UTC; milliseconds only when there are some.

    >>> format_instant(1740826800000), format_instant(1740826800250)
    ('2025-03-01T11:00:00Z', '2025-03-01T11:00:00.250Z')
    """
    text = (_EPOCH + at * _MS).isoformat(timespec="milliseconds" if at % 1000 else "seconds")
    return text.removesuffix("+00:00") + "Z"


@lru_cache(maxsize=4096)
def _day(text: str) -> int | None:
    """The beginning of `2025-03-01` in UTC. Remembered: events come roughly by time."""
    try:
        return parse_instant(f"{text}T00:00:00Z")
    except ValueError:
        return None


_MINUTES: Final = {f"T{minute // 60:02d}:{minute % 60:02d}": 60_000 * minute for minute in range(1_440)}
_SECONDS: Final = {f":{second:02d}": 1000 * second for second in range(60)}
_REST: Final = {"Z": 0} | {f".{ms:03d}Z": ms for ms in range(1000)}


_TAIL: Final = re.compile(r"(?:\.(\d+))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))", re.ASCII)


def _rest(text: str) -> int:
    """Milliseconds that the fraction and the offset add. Raises `KeyError` for what is neither."""
    match = _TAIL.fullmatch(text)
    if match is None:
        raise KeyError(text)
    fraction, sign, hours, minutes = match.groups()
    ms = int(fraction[:3].ljust(3, "0")) if fraction else 0
    shift = (60 * int(hours) + int(minutes)) * 60_000 if sign else 0
    return ms + shift if sign == "-" else ms - shift


def quick_instant(text: str) -> int | None:
    """The usual forms, several times as fast as the parser; None where the parser has to decide."""
    day = _day(text[:10])
    try:
        rest = _REST.get(text[19:])
        if rest is None:
            rest = _rest(text[19:])
        at = day + _MINUTES[text[10:16]] + _SECONDS[text[16:19]] + rest  # type: ignore[operator]
    except (KeyError, TypeError):
        return None
    return at if EARLIEST <= at <= LATEST else None


def _instant(value: Any) -> int:
    if type(value) is str:
        if (quick := quick_instant(value)) is not None:
            return quick
        try:
            return parse_instant(value)
        except OutOfRangeError as error:
            raise PydanticCustomError("time_out_of_range", "the time must lie from 1990 to 2099") from error
        except ValueError as wrong:  # one name for both is too much for mypyc
            raise PydanticCustomError("instant", f"must be {SHAPE}") from wrong
    if type(value) is int:
        if EARLIEST <= value <= LATEST:
            return value
        raise PydanticCustomError("time_out_of_range", "the time must lie from 1990 to 2099")
    raise PydanticCustomError("instant", f"must be {SHAPE}")


Instant = Annotated[
    int,
    BeforeValidator(_instant, json_schema_input_type=str),
    PlainSerializer(format_instant, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""Milliseconds since the epoch, from RFC 3339 text with an offset (or, in Python, from such an integer)."""


def time_fields(model: type[BaseModel]) -> tuple[str, ...]:
    """Names of the model's fields that are an `Instant`, optional ones included."""
    return tuple(
        name
        for name, field in model.model_fields.items()
        if any(
            isinstance(note, PlainSerializer) and note.func is format_instant
            for notes in (field.metadata, *(getattr(arg, "__metadata__", ()) for arg in get_args(field.annotation)))
            for note in notes
        )
    )
