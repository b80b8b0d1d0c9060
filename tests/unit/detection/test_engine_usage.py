"""Counting usage: late, repeated, old, at the edges of days."""

from __future__ import annotations

import pytest

from streams.detection.config import DAY_MS, HOUR_MS, DetectionConfig
from streams.detection.engine import Engine
from tests.unit.detection.building import FIRST_DAY, Run, at, usage


def test_everything_is_counted_into_its_day_and_into_the_total(run: Run) -> None:
    run.apply(usage(at(0, 9)), usage(at(0, 10), n=5), usage(at(1, 8)), usage(at(0, 23), arrives=at(1, 9), n=2))
    assert run.account.daily == {FIRST_DAY: 8, FIRST_DAY + 1: 1}
    assert run.account.events_total == 9
    assert run.account.last_event_at == at(1, 8)


def test_an_event_within_the_grace_is_judged_and_a_later_one_is_late(run: Run) -> None:
    run.apply(usage(at(0, 9)), usage(at(0, 23), arrives=at(1, 0.9)), usage(at(0, 23), arrives=at(1, 1)))
    assert run.engine.tally.late == 1
    assert run.account.daily == {FIRST_DAY: 3}
    assert run.account.closed == FIRST_DAY
    run.close(at(2, 1))
    # Two of the three were there when the day was judged.
    assert run.account.habit.week_total == 2


def test_a_day_that_is_no_longer_kept_counts_in_the_total_alone(run: Run) -> None:
    run.apply(usage(at(0, 9)), usage(at(60, 9)))
    kept, too_old = at(1, 9), at(0, 9)  # day 60 is open, day 59 closed: days 0 to 59 are 60 days
    run.apply(usage(kept, arrives=at(60, 10)), usage(too_old, arrives=at(60, 10)))
    assert run.engine.tally.late == 2
    assert run.engine.tally.too_old == 0
    run.apply(usage(too_old, arrives=at(61, 10)))
    assert run.engine.tally.too_old == 1
    assert run.account.events_total == 5


def test_a_repeated_event_is_counted_once_within_48_hours(run: Run) -> None:
    run.apply(usage(at(0, 9), id_="a"), usage(at(0, 9), id_="a"), usage(at(0, 9), arrives=at(2, 8), id_="a"))
    assert (run.account.events_total, run.engine.tally.duplicates) == (1, 2)
    run.apply(usage(at(0, 9), arrives=at(2, 11), id_="a"))
    assert (run.account.events_total, run.engine.tally.duplicates) == (2, 2)


def test_events_without_an_id_are_all_counted(run: Run) -> None:
    run.apply(usage(at(0, 9)), usage(at(0, 9)), usage(at(0, 9)))
    assert run.account.events_total == 3


def test_too_many_ids_are_counted_as_an_overflow() -> None:
    run = Run(Engine(DetectionConfig(dedup_limit=100)))
    run.apply(*(usage(at(0, 9), id_=str(number)) for number in range(150)))
    assert run.engine.tally.dedup_overflow > 0
    assert run.engine.tally.dedup_overflow + len(run.account.dedup) == 150
    assert run.account.events_total == 150


def test_days_follow_the_business_time_zone() -> None:
    run = Run(Engine(DetectionConfig(timezone="America/New_York")))
    run.apply(usage(at(1, 4)), usage(at(1, 5.5)))
    assert run.account.daily == {FIRST_DAY: 1, FIRST_DAY + 1: 1}
    assert run.engine.closes_at == at(1, 5) + HOUR_MS  # midnight there, and the grace


def test_usage_alone_makes_no_account_due_and_an_alert_until_it_was_followed(run: Run) -> None:
    run.uses(range(90))
    assert run.account.due is None
    run.close(at(150))
    assert run.account.due == run.transitions[0].at + 90 * DAY_MS
    run.close(at(240))
    assert run.account.due is None
    assert run.changes()[-1] == "usage_silence escalated critical"


@pytest.mark.slow
def test_what_was_kept_of_the_days_stays_small(run: Run) -> None:
    for day in range(0, 4000, 50):
        run.apply(usage(at(day, 9)))
    assert len(run.account.daily) <= 3
    run.uses(range(4000, 4400))
    assert len(run.account.daily) <= 60 + 8


def test_late_events_do_not_end_a_silence(run: Run) -> None:
    run.uses(range(90))
    run.close(at(100, 1))
    assert run.account.alerts
    assert run.apply(usage(at(92, 9), arrives=at(100, 1))) == []
    assert [each.change.value for each in run.apply(usage(at(100, 2)))] == ["resolved"]


def test_activity_that_is_still_in_an_open_day_prevents_a_silence() -> None:
    def silent_until(day: int) -> Run:
        run = Run(Engine(DetectionConfig()))
        run.uses(range(90))
        run.close(at(day, 0.9))
        return run

    day = next(day for day in range(90, 120) if silent_until(day + 1).transitions)
    run = silent_until(day)
    # Shortly before the day that would say so is judged, the account is back.
    assert run.apply(usage(at(day, 0.95))) == run.close(at(day, 1)) == []
    assert silent_until(day).close(at(day, 1)) != []


@pytest.mark.parametrize("gap", [0, 1, 10, 400])
def test_the_clock_may_stand_still_or_leap(run: Run, gap: int) -> None:
    run.uses(range(40))
    now = at(40) + gap * DAY_MS
    run.close(now)
    assert run.close(now) == []
    assert run.close(now - DAY_MS) == []
    assert run.account.closed == FIRST_DAY + 38 + gap


def test_a_day_that_begins_late_closes_before_the_one_that_began_first(run: Run) -> None:
    run.uses(range(33))
    run.apply(usage(at(36, 0.2)), usage(at(35, 23.9), arrives=at(36, 0.5)))
    assert {day: sum(counts.values()) for day, counts in run.engine.habits.open.items()} == {
        FIRST_DAY + 35: 1,
        FIRST_DAY + 36: 1,
    }
    run.close(at(36, 1))
    assert run.account.habit.closed_active_day == FIRST_DAY + 35
    run.close(at(37, 1))
    assert run.account.habit.closed_active_day == FIRST_DAY + 36
