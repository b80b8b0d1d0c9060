"""Times in tables, in whatever way histories write them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.instants import EARLIEST, LATEST
from streams.produce.times import from_number, local_to_utc, parse_time

UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
NOON = 1_740_830_400_000  # 2025-03-01T12:00:00Z


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("2025-03-01T12:00:00Z", BERLIN),
        ("2025-03-01T13:00:00+01:00", UTC_ZONE),
        ("2025-03-01 13:00:00", BERLIN),
        ("2025-03-01 12:00", UTC_ZONE),
        (" 2025-03-01 12:00:00.000 ", UTC_ZONE),
        ("20250301T12", UTC_ZONE),
        ("1740830400", BERLIN),
        ("1740830400000", BERLIN),
        ("1740830400000000", BERLIN),  # microseconds, as of Google Analytics
        ("1740830400000000123", BERLIN),
        ("1740830400.0004", BERLIN),
        ("2025-03-01 12:00:00 UTC", BERLIN),  # BigQuery, Rails
        ("2025-03-01 12:00:00.000456 UTC", BERLIN),
        ("2025-03-01 14:00:00 +0200", BERLIN),
        ("2025-03-01 07:00:00-05:00", BERLIN),
    ],
)
def test_one_moment_is_understood_in_all_its_spellings(text: str, zone: ZoneInfo) -> None:
    assert parse_time(text, zone) == NOON


def test_a_date_alone_is_its_midnight_in_the_zone_given() -> None:
    midnight = NOON - 12 * 3_600_000
    assert parse_time("2025-03-01", UTC_ZONE) == midnight
    assert parse_time("20250301", UTC_ZONE) == midnight
    assert parse_time("2025-03-01", BERLIN) == midnight - 3_600_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2025-13-01",
        "01/03/2025",
        "12",
        "1989-12-31",
        "2100-01-01",
        "-5",
        "9" * 17,
        "9" * 30,
        "٢٠٢٥",
        "UTC",
        "12:00 UTC",
        "1.5",
    ],
)
def test_what_is_no_time_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"2025-03-01T12:00:00Z.*from 1990 to 2099"):
        parse_time(text, UTC_ZONE)


def test_what_was_meant_as_a_time_is_shown_and_nothing_else() -> None:
    with pytest.raises(ValueError, match=r"'01.03.2025 12:00' is none that is known; a time is written like"):
        parse_time("01.03.2025 12:00", UTC_ZONE)
    with pytest.raises(ValueError, match=r"^a time is written like"):
        parse_time("mara@vendor.example", UTC_ZONE)


@given(st.integers(EARLIEST, LATEST))
def test_a_number_in_the_range_is_read_in_its_unit_and_never_mistaken(at: int) -> None:
    assert from_number(at) == from_number(at * 1000 + 7) == from_number(at * 1_000_000 + 7) == at
    assert from_number(at // 1000) == at // 1000 * 1000 or at // 1000 * 1000 < EARLIEST
    assert from_number(at / 1000) == at or at < EARLIEST + 1000


@pytest.mark.parametrize("count", [float("nan"), float("inf"), float("-inf"), LATEST + 1, EARLIEST // 1000 - 1, -1])
def test_a_number_outside_of_the_range_is_refused(count: float) -> None:
    with pytest.raises(ValueError, match="from 1990 to 2099"):
        from_number(count)


@given(st.integers(EARLIEST + 86_400_000, LATEST - 86_400_000), st.sampled_from(["Europe/Berlin", "Asia/Kathmandu"]))
def test_wall_clock_milliseconds_agree_with_the_same_time_as_text(local_ms: int, name: str) -> None:
    zone = ZoneInfo(name)
    local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=local_ms)
    text = local.replace(tzinfo=None).isoformat(timespec="milliseconds")
    assert local_to_utc(local_ms, zone) == parse_time(text, zone)


@given(
    st.integers(EARLIEST // 1000 - 86_400, LATEST // 1000 + 86_400).map(
        lambda second: f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S}"
    ),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.sampled_from(" T"),
)
@example("2025-03-30 02:30:00", "Europe/Berlin", " ")  # a time that the clocks pass over
@example("2025-10-26 02:30:00", "Europe/Berlin", " ")  # and one that comes twice
@example("1990-01-01 03:00:00", "Asia/Kathmandu", "T")
def test_a_time_without_an_offset_is_what_the_zone_makes_of_it(text: str, name: str, between: str) -> None:
    zone = ZoneInfo(name)
    at = round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)
    text = text.replace(" ", between)
    if EARLIEST <= at <= LATEST:
        assert parse_time(text, zone) == at
    else:
        with pytest.raises(ValueError, match="from 1990 to 2099"):
            parse_time(text, zone)
