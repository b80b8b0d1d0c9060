"""When a route may speak: its hours by the wall clock, across both changes of that clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.quiet import EVERY_DAY, HOUR, MINUTE, MINUTES, Quiet
from schemas.alerts import Severity
from tests.examples import examples

WEEKDAYS = frozenset(range(5))
OFFICE = Quiet(hours=(8 * 60, 18 * 60), days=WEEKDAYS, timezone="Europe/Berlin")
STEP = 5 * MINUTE
CHANGES = {
    "Europe/Berlin": ("2025-03-30T01:00", "2025-10-26T01:00"),
    "America/New_York": ("2025-03-09T07:00", "2025-11-02T06:00"),
    "Australia/Lord_Howe": ("2025-04-05T15:00", "2025-10-04T15:30"),  # by half an hour
    "Africa/Cairo": ("2025-04-24T22:00", "2025-10-30T21:00"),  # at midnight
    "Asia/Kathmandu": ("2025-06-01T00:00",),  # never
}


def at(text: str) -> int:
    """Milliseconds of a time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000


def shown(moment: int, zone: str = "Europe/Berlin") -> str:
    """The wall clock at a moment."""
    return datetime.fromtimestamp(moment / 1_000, UTC).astimezone(ZoneInfo(zone)).isoformat()


@pytest.mark.parametrize(
    ("now", "goes"),
    [
        ("2025-11-28T12:00", "2025-11-28T13:00:00+01:00"),  # a Friday's noon: now
        ("2025-11-28T17:00", "2025-12-01T08:00:00+01:00"),  # 18:00 is after hours; then comes the weekend
        ("2025-12-01T06:59", "2025-12-01T08:00:00+01:00"),
        ("2025-03-28T20:00", "2025-03-31T08:00:00+02:00"),  # the clock changes on Sunday
        ("2025-10-24T20:00", "2025-10-27T08:00:00+01:00"),
    ],
)
def test_what_comes_while_the_office_is_closed_goes_when_it_opens(now: str, goes: str) -> None:
    assert shown(OFFICE.goes_at(Severity.WARNING, at(now))) == goes


def test_holidays_are_closed_and_critical_alerts_pass_unless_they_may_not() -> None:
    closed: dict[str, Any] = {"hours": (480, 1080), "days": WEEKDAYS, "timezone": "Europe/Berlin"}
    christmas = frozenset([date(2025, 12, 24), date(2025, 12, 25), date(2025, 12, 26)])
    now = at("2025-12-24T12:00")
    quiet = Quiet(**closed, holidays=christmas)
    assert shown(quiet.goes_at(Severity.WARNING, now)) == "2025-12-29T08:00:00+01:00"
    assert quiet.goes_at(Severity.CRITICAL, now) == now
    strict = Quiet(**closed, holidays=christmas, critical_passes=False)
    assert shown(strict.goes_at(Severity.CRITICAL, now)) == "2025-12-29T08:00:00+01:00"


@pytest.mark.parametrize(
    ("after", "comes"),
    [
        ("2025-03-29T00:00", "2025-03-29T02:30:00+01:00"),
        ("2025-03-29T01:30", "2025-03-30T03:00:00+02:00"),  # 02:30 does not exist: the moment of the change
        ("2025-03-30T01:00", "2025-03-31T02:30:00+02:00"),
        ("2025-10-25T00:30", "2025-10-26T02:30:00+02:00"),  # 02:30 comes twice: the first
        ("2025-10-26T00:30", "2025-10-27T02:30:00+01:00"),
    ],
)
def test_a_daily_digest_comes_once_a_day_whatever_the_clock_does(after: str, comes: str) -> None:
    quiet = Quiet(digest_at=150, timezone="Europe/Berlin")
    assert shown(quiet.next_digest(at(after))) == comes


def test_a_weekly_digest_whose_day_is_a_holiday_comes_on_the_next_open_day() -> None:
    monday: dict[str, Any] = {"digest_at": 540, "digest_days": frozenset([0]), "timezone": "Europe/Berlin"}
    quiet = Quiet(**monday, days=WEEKDAYS, holidays=frozenset([date(2025, 12, 1), date(2025, 12, 2)]))
    assert shown(quiet.next_digest(at("2025-11-28T00:00"))) == "2025-12-03T09:00:00+01:00"
    assert shown(quiet.next_digest(at("2025-12-03T08:00"))) == "2025-12-08T09:00:00+01:00"
    saturday = Quiet(digest_at=540, digest_days=frozenset([5]), days=WEEKDAYS)
    assert shown(saturday.next_digest(at("2025-11-28T00:00")), "UTC") == "2025-12-01T09:00:00+00:00"


@st.composite
def near_a_change(draw: st.DrawFn) -> tuple[str, int]:
    zone = draw(st.sampled_from(sorted(CHANGES)))
    moment = at(draw(st.sampled_from(CHANGES[zone])))
    return zone, moment + draw(st.integers(-2 * 24 * 60, 2 * 24 * 60)) * MINUTE


span = st.tuples(st.integers(0, 287), st.integers(1, 288)).filter(lambda pair: pair[0] < pair[1])
weekdays = st.frozensets(st.integers(0, 6), min_size=1)


@settings(max_examples=examples(150), deadline=None)
@given(near_a_change(), span, weekdays)
def test_it_goes_at_the_first_moment_at_which_the_wall_clock_stands_within_the_hours(
    moment: tuple[str, int], hours: tuple[int, int], days: frozenset[int]
) -> None:
    zone, now = moment
    now -= now % STEP  # every zone here changes, and every span opens, at a multiple of five minutes
    quiet = Quiet(hours=(hours[0] * 5, hours[1] * 5), days=days, timezone=zone)
    expected, where = now, ZoneInfo(zone)
    while True:
        local = datetime.fromtimestamp(expected / 1_000, UTC).astimezone(where)
        minute = local.hour * 60 + local.minute
        if local.weekday() in days and quiet.hours is not None and quiet.hours[0] <= minute < quiet.hours[1]:
            break
        expected += STEP
    assert quiet.goes_at(Severity.WARNING, now) == expected
    assert quiet.is_open(expected)


@settings(max_examples=examples(150), deadline=None)
@given(near_a_change(), st.integers(0, MINUTES - 1), weekdays, st.sampled_from([EVERY_DAY, WEEKDAYS]))
def test_each_digest_day_has_exactly_one_digest_and_none_comes_before_its_time(
    moment: tuple[str, int], minute: int, digest_days: frozenset[int], days: frozenset[int]
) -> None:
    zone, now = moment
    quiet = Quiet(digest_at=minute, digest_days=digest_days, days=days, timezone=zone)
    seen = []
    for _ in range(5):
        following = quiet.next_digest(now)
        assert following > now
        local = datetime.fromtimestamp(following / 1_000, UTC).astimezone(ZoneInfo(zone))
        assert local.weekday() in days
        assert local.hour * 60 + local.minute >= minute
        assert quiet.next_digest(following - 1) == following
        seen.append(local.date())
        now = following
    assert len(set(seen)) == len(seen)
    if days == EVERY_DAY:
        assert {each.weekday() for each in seen} <= digest_days
        assert all(later - earlier <= timedelta(days=7) for earlier, later in pairwise(seen))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"group_wait": -1}, "group_wait = -1 is negative; 0 switches it off"),
        ({"days": frozenset([7])}, r"days = \[7\] must name one weekday at least, from 0 \(Monday\) to 6"),
        ({"digest_days": frozenset()}, r"digest_days = \[\] must name one weekday"),
        ({"digest_at": 1440}, "digest_at = 1440 is no minute of a day: 0 to 1439"),
        ({"hours": (1080, 480)}, r"hours = \(1080, 480\) must begin before they end"),
        ({"hours": (480, 1080), "digest_at": 60}, r"digest_at = 60 lies outside the route's hours \(480, 1080\)"),
        ({"timezone": "Berlin"}, "timezone = 'Berlin' is no IANA time zone, such as Europe/Berlin"),
    ],
)
def test_what_is_impossible_is_refused_in_words(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Quiet(**wrong)


def test_with_both_times_zero_and_nothing_else_set_every_change_goes_by_itself() -> None:
    assert not Quiet(group_wait=0, group_interval=0).gathers
    assert Quiet().gathers
    assert Quiet(group_wait=0, group_interval=0, reminder=4 * HOUR).gathers
    assert Quiet(group_wait=0, group_interval=0, holidays=frozenset([date(2026, 1, 1)])).gathers
