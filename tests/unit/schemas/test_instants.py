"""Times in and out."""

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.instants import EARLIEST, LATEST, Instant, OutOfRangeError, format_instant, parse_instant

INSTANT: TypeAdapter[int] = TypeAdapter(Instant)
NOON = 1_740_830_400_000  # 2025-03-01T12:00:00Z


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2025-03-01T12:00:00Z", NOON),
        ("2025-03-01t12:00:00z", NOON),
        ("2025-03-01T12:00:00+00:00", NOON),
        ("2025-03-01T12:00:00-00:00", NOON),
        ("2025-03-01T17:45:00+05:45", NOON),
        ("2025-02-28T12:01:00-23:59", NOON),
        ("2025-03-01T12:00:00.5Z", NOON + 500),
        ("2025-03-01T12:00:00.05Z", NOON + 50),
        ("2025-03-01T12:00:00.005Z", NOON + 5),
        ("2025-03-01T12:00:00.0009Z", NOON),
        ("2025-03-01T12:00:00.999999999999Z", NOON + 999),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("2016-12-31T23:59:60.75Z", 1_483_228_800_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        ("1990-01-01T00:00:00Z", EARLIEST),
        ("2099-12-31T23:59:59.999Z", LATEST),
    ],
)
def test_a_time_is_read_by_every_door_alike(text: str, at: int) -> None:
    assert parse_instant(text) == at
    assert INSTANT.validate_python(text) == at
    assert INSTANT.validate_json(f'"{text}"') == at


@pytest.mark.parametrize("text", ["1989-12-31T23:59:59.999Z", "2100-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_time_out_of_range_says_so_by_every_door(text: str) -> None:
    with pytest.raises(OutOfRangeError):
        parse_instant(text)
    with pytest.raises(ValidationError, match="from 1990 to 2099"):
        INSTANT.validate_python(text)


def test_every_second_and_millisecond_of_a_minute_is_read_right() -> None:
    for at in (*range(NOON, NOON + 60_000, 1_000), *range(NOON, NOON + 1_000)):
        assert INSTANT.validate_python(format_instant(at)) == at


def test_milliseconds_are_taken_in_python_within_the_same_range() -> None:
    assert INSTANT.validate_python(NOON) == NOON
    for at in (EARLIEST - 1, LATEST + 1, NOON // 1000):
        with pytest.raises(ValidationError, match="from 1990 to 2099"):
            INSTANT.validate_python(at)
    for wrong in (True, float(NOON), None, b"2025-03-01T12:00:00Z"):
        with pytest.raises(ValidationError, match="RFC 3339"):
            INSTANT.validate_python(wrong)


def test_milliseconds_are_written_only_when_there_are_some() -> None:
    assert format_instant(NOON) == "2025-03-01T12:00:00Z"
    assert format_instant(NOON + 7) == "2025-03-01T12:00:00.007Z"
    assert INSTANT.dump_json(NOON) == b'"2025-03-01T12:00:00Z"'
    assert INSTANT.dump_python(NOON) == NOON
