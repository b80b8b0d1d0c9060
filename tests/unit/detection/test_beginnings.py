"""New accounts that are late or slow, beside what became of those before them."""

from __future__ import annotations

import pytest

from streams.detection.beginnings import BEGUN, HAD, LEFT, LIVED, NONE_YET, OVER, SLOW, Beginnings
from streams.detection.config import DetectionConfig
from streams.detection.curve import WEEKS
from streams.detection.engine import Engine
from streams.detection.lessons import NO_LESSONS, Lessons
from streams.detection.sequels import Sequels
from streams.detection.state import Account
from tests.unit.detection.building import Run, at, update, usage

DAY = 20_000


def fleet_whose_new_accounts_come(after: int, *, alarms: float = 0.2, late: int = 60) -> Run:
    """Fifty old accounts, and 60 that start on day 1, of which so many are used for the first time after so many days,
    and the others at once. Acme starts on day 60, and is never used."""
    run = Run(Engine(DetectionConfig(alert_false_alarms=alarms)))
    for day in range(135):
        for number in range(50):
            run.plain.apply(usage(at(day))._replace(account=f"old-{number}"))
        for number in range(60):
            if day == 1:
                run.plain.apply(update(at(1), started_at=at(1))._replace(account=f"new-{number}"))
            if day >= 1 + (after if number < late else 0):
                run.plain.apply(usage(at(day, 12))._replace(account=f"new-{number}"))
        if day == 60:
            run.apply(update(at(60), started_at=at(60)))
    run.close(at(135))
    return run


def test_where_others_come_at_once_who_does_not_is_told_of_after_the_time_that_is_set() -> None:
    run = fleet_whose_new_accounts_come(2)
    assert run.changes()[:2] == ["onboarding_stalled opened warning", "onboarding_stalled escalated critical"]
    assert [each.at for each in run.transitions[:2]] == [at(74), at(88)]


def test_where_others_come_after_weeks_it_is_a_watch_until_the_few_that_came_later_are_few_enough() -> None:
    run = fleet_whose_new_accounts_come(30)
    opened, escalated = run.transitions[:2]
    assert run.changes()[:2] == ["onboarding_stalled opened watch", "onboarding_stalled escalated warning"]
    assert opened.at == at(74)
    assert at(60 + 35) <= escalated.at <= at(60 + 56)
    assert Account.decode("acme", run.account.encode()).newcomer == run.account.newcomer


def test_the_knob_says_how_many_may_still_come() -> None:
    """A tenth of the new ones come after 30 days: that is too many for some, and not for others."""
    run = fleet_whose_new_accounts_come(30, late=6, alarms=1.0)
    assert run.changes()[0] == "onboarding_stalled opened warning"
    run = fleet_whose_new_accounts_come(30, late=6, alarms=0.2)
    assert run.changes()[0] == "onboarding_stalled opened watch"


def test_who_left_before_came_no_more_and_who_was_seen_to_says_nothing() -> None:
    of_all = {(week, NONE_YET): 20 for week in range(3, WEEKS + 1)}
    come = Beginnings().learn(DAY, of_all | {(1, HAD): 60, (1, NONE_YET): 40, (2, NONE_YET): 20, (2, HAD): 20})
    gone = Beginnings().learn(DAY, of_all | {(1, HAD): 60, (1, NONE_YET): 40, (2, NONE_YET): 20, (2, LEFT): 20})
    later, without = come.later(1), gone.later(1)
    assert later is not None
    assert without is not None
    assert without < later / 2


def test_what_fewer_than_50_did_says_nothing() -> None:
    assert Beginnings().learn(DAY, {(1, HAD): 49, BEGUN: 49, OVER: 49}).late(0.5) is None
    assert Beginnings().learn(DAY, {BEGUN: 49, OVER: 49}).slow_and_lived() is None


def test_until_first_weeks_are_over_all_that_are_slow_may_live() -> None:
    young = Beginnings().learn(DAY, {BEGUN: 100, SLOW: 30, OVER: 10, LIVED: 1})
    assert young.slow_and_lived() == pytest.approx(0.3)
    assert young.learn(DAY, {OVER: 90, LIVED: 4}).slow_and_lived() == pytest.approx(0.05)
    assert Beginnings.unpack(young.pack()).pack() == young.pack()


def test_what_the_version_before_said_of_new_accounts_is_read() -> None:
    sequels = Sequels()
    sequels.begun[1, 5] = 3
    sequels.came[1, HAD] = 2
    packed = sequels.pack()
    assert packed is not None
    assert Sequels.unpack(packed).came == {(1, HAD): 2}
    assert (Sequels.unpack(packed[:2]).begun, Sequels.unpack(packed[:2]).came) == ({(1, 5): 3}, {})
    known = NO_LESSONS.learn(DAY, sequels)
    assert Lessons.unpack(known.pack()).pack() == known.pack()
    assert Lessons.unpack(known.pack()[:2]).beginnings.late(0.5) is None
