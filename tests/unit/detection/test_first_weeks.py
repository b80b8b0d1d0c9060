"""The first weeks of new accounts, beside what is usual for one."""

from __future__ import annotations

import pytest

from schemas.alerts import Resolution
from streams.detection.config import DetectionConfig
from streams.detection.curve import Curve
from streams.detection.day_sums import DaySums
from streams.detection.engine import Engine
from streams.detection.fleet_log import FleetLog, offer
from streams.detection.state import Account
from tests.unit.detection.building import FIRST_DAY, Run, at, update, usage

SLOW = [0, 9]
"""Days on which an account is used that begins slowly."""


def others(run: Run, day: int, new: int) -> None:
    """A day of an old fleet, and of so many accounts that began on day 42 and are used on five days a week."""
    for number in range(50):
        run.plain.apply(usage(at(day))._replace(account=f"old-{number}"))
    for number in range(new if day >= 42 and day % 7 < 5 else 0):
        run.plain.apply(usage(at(day, 1))._replace(account=f"new-{number}"))


def begins(days: list[int], *, until: int, new: int = 60, go_on: bool = True) -> Run:
    """Among such others an account begins on day 85, and is used on these days from then on."""
    run = Run(Engine(DetectionConfig()))
    for day in range(85 + until):
        if day < 85 or go_on:
            others(run, day, new)
        if day - 85 in days:
            run.apply(usage(at(day, 9), user=f"user-{day % 2}"))
    run.close(at(85 + until))
    return run


def test_who_begins_far_more_slowly_than_others_is_told_of_after_two_weeks_of_it() -> None:
    run = begins(SLOW, until=20)
    assert run.changes() == ["onboarding_stalled opened warning"]
    (opened,) = run.transitions
    assert opened.at == at(85 + 14, 1), "as the second week is closed"
    assert opened.headline == "Used on 2 days in its first 2 weeks; 10 are usual for a new account."
    assert opened.evidence == {"weeks": 2, "active_days": 2, "usual_active_days": 10}
    (reason,) = opened.reasons
    assert reason.text == "The account started on 1 April 2025: 2 events since then, by 2 people."
    assert Account.decode("acme", run.account.encode()).newcomer == run.account.newcomer


def test_catching_up_is_the_end_of_it() -> None:
    run = begins([*SLOW, *range(15, 21)], until=30)
    assert run.changes() == ["onboarding_stalled opened warning", "onboarding_stalled resolved warning"]
    assert run.transitions[1].resolution is Resolution.RECOVERED
    assert run.transitions[1].at == at(85 + 21, 1)


def test_who_never_catches_up_is_new_no_more_after_90_days() -> None:
    run = begins(SLOW, until=130)
    onboarding = [each for each in run.transitions if each.kind == "onboarding_stalled"]
    assert [each.change for each in onboarding] == ["opened", "resolved"]
    assert (onboarding[1].resolution, onboarding[1].at) == (Resolution.EXPIRED, at(85 + 90, 9))


@pytest.mark.parametrize("days", [[0, 2, 3, 8, 9], [0, 7, 9, 14, 16]])
def test_one_slow_week_or_a_few_days_less_say_nothing(days: list[int]) -> None:
    assert begins(days, until=26).changes() == []


def test_what_fewer_than_50_accounts_did_says_nothing() -> None:
    assert begins(SLOW, until=40, new=49).changes() == []


def test_while_nothing_comes_in_of_anybody_nobody_is_slow() -> None:
    assert begins(SLOW, until=30, go_on=False).changes() == []


def test_an_account_that_is_done_with_its_first_weeks_keeps_nothing_of_them() -> None:
    run = begins([day for day in range(90) if day % 7 < 5], until=90)
    assert run.account.newcomer is None


def test_a_record_that_tells_of_a_start_begins_it_too_and_an_account_of_ones_own_tells_nothing() -> None:
    run = Run(Engine(DetectionConfig(onboarding_days=60)))
    for day in range(100):
        others(run, day, 60)
        if day == 85:
            run.apply(update(at(85), started_at=at(85)))
            run.plain.apply(update(at(85), internal=True, started_at=at(85))._replace(account="ours"))
    run.close(at(100))
    assert run.changes() == ["onboarding_stalled opened warning"]
    assert run.plain.account("ours").newcomer is None
    (_, rows) = run.engine.learnt.lessons(run.engine.habits.closed).curve.pack()
    of_none = [count for _, days, count in rows if days == 0]
    assert of_none == pytest.approx([1.0], rel=0.1), "of one account, and of its first week so far"


def test_what_is_usual_is_forgotten_by_half_within_half_a_year() -> None:
    curve = Curve().learn(20_000, {(1, 7): 100})
    assert curve.learn(20_180, {(1, 0): 60}).usual(1) == 0
    assert curve.learn(20_020, {(1, 0): 60}).usual(1) == 7
    assert Curve.unpack(curve.pack()).pack() == curve.pack()


def test_in_a_fleet_of_which_many_never_begin_only_those_are_far_below() -> None:
    curve = Curve().learn(20_000, {(2, 0): 30, (2, 1): 10, (2, 8): 60})
    assert [curve.far_below(2, days) for days in (0, 1, 2)] == [True, False, False]


def test_before_a_day_is_closed_again_it_is_judged_by_what_was_known_then() -> None:
    """A crash leaves an offer in the log: who does the day again has read already how it was decided."""
    learnt = FleetLog(DetectionConfig())
    sums = DaySums()
    learnt.take(0, offer(0, FIRST_DAY, sums))
    sums.sequels.begun[1, 5] = 60
    learnt.take(1, offer(0, FIRST_DAY + 1, sums))
    for each in (learnt, FleetLog(DetectionConfig(), stored=learnt.encode())):
        assert each.lessons(FIRST_DAY).curve.usual(1) is None
        assert each.lessons(FIRST_DAY + 1).curve.usual(1) == 5
        each.closed(FIRST_DAY + 1)
        assert each.lessons(FIRST_DAY).curve.usual(1) == 5, "the day before is over for good"
