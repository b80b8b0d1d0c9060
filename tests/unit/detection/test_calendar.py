"""Days, where the clocks change and where they do not."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detection.calendar import Calendar, weekday
from streams.detection.config import DAY_MS, HOUR_MS

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",  # midnight did not exist on some days
    "America/St_Johns",  # the clocks went back just after midnight
    "Pacific/Apia",  # has no 30 December 2011
    "Asia/Kathmandu",  # 5 hours 45 minutes
    "Pacific/Kiritimati",
]
instants = st.integers(631_152_000_000, 4_102_444_799_999)


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal() - date(1970, 1, 1).toordinal()


@given(st.sampled_from(ZONES), instants)
def test_every_instant_lies_in_its_day(zone: str, at: int) -> None:
    calendar = Calendar(zone, HOUR_MS)
    found = calendar.day_of(at)
    assert calendar.start_of(found) <= at < calendar.start_of(found + 1)


@given(st.sampled_from([zone for zone in ZONES if zone != "America/St_Johns"]), instants)
def test_the_day_is_the_date_on_the_wall(zone: str, at: int) -> None:
    wall = datetime.fromtimestamp(at / 1000, tz=UTC).astimezone(ZoneInfo(zone)).date()
    assert Calendar(zone, 0).day_of(at) == wall.toordinal() - date(1970, 1, 1).toordinal()


@given(st.sampled_from(ZONES), instants, st.integers(0, 5 * DAY_MS))
def test_the_last_closed_day_is_closed_and_the_next_one_is_not(zone: str, now: int, grace: int) -> None:
    calendar = Calendar(zone, grace)
    last = calendar.last_closed(now)
    assert calendar.close_of(last) <= now < calendar.close_of(last + 1)


def test_a_day_has_23_hours_in_spring_and_25_in_autumn() -> None:
    berlin = Calendar("Europe/Berlin", 0)
    spring, autumn = day("2025-03-30"), day("2025-10-26")
    assert berlin.start_of(spring + 1) - berlin.start_of(spring) == 23 * HOUR_MS
    assert berlin.start_of(autumn + 1) - berlin.start_of(autumn) == 25 * HOUR_MS


def test_a_date_that_a_zone_skipped_is_an_empty_day() -> None:
    apia = Calendar("Pacific/Apia", 0)
    skipped = day("2011-12-30")
    assert apia.start_of(skipped) == apia.start_of(skipped + 1)
    assert apia.day_of(apia.start_of(skipped)) == skipped + 1


def test_an_hour_that_comes_twice_around_midnight_belongs_to_the_later_day() -> None:
    # On 7 November 2010 the clocks of St John's went back from 00:01 to 23:01 of the day before.
    newfoundland = Calendar("America/St_Johns", 0)
    assert newfoundland.day_of(ms("2010-11-07T02:31:30+00:00")) == day("2010-11-07")
    assert newfoundland.day_of(ms("2010-11-07T03:29:00+00:00")) == day("2010-11-07")


def test_a_zone_that_is_not_known_is_named() -> None:
    with pytest.raises(ValueError, match="not 'Europe/Atlantis'"):
        Calendar("Europe/Atlantis", 0)


@pytest.mark.parametrize("number", [0, 5, 20_000, 20_153])
def test_weeks_begin_on_monday(number: int) -> None:
    assert weekday(number) == date.fromordinal(date(1970, 1, 1).toordinal() + number).weekday()
