"""The drop, silence and clock channels, and which day an account is monitored from."""

from __future__ import annotations

from functools import partial
from random import Random
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.detection import days as days_module
from streams.detection.book import Book
from streams.detection.calendar import weekday
from streams.detection.config import DetectionConfig
from streams.detection.days import Days
from streams.detection.fleet import NEUTRAL, FleetDay
from streams.detection.fold import fold
from streams.detection.habits import UNJUDGED, Habit, Habits, weights
from streams.detection.rules import Rules
from streams.detection.state import Account
from streams.detection.tally import Tally
from tests.examples import examples
from tests.unit.detection.reference import Reference

FIRST = 20_000


class One:
    """One account's habits."""

    def __init__(self) -> None:
        self.habits = Habits()
        self.row = self.habits.row("acme")

    def close(self, day: int, count: int, fleet: FleetDay = NEUTRAL) -> Habit:
        v = self.habits.values[:, :1]
        fold(v, np.array([float(count)]), day, weekday(day), fleet)
        return self.habit

    @property
    def habit(self) -> Habit:
        return self.habits.of(self.row)


@pytest.mark.slow
@settings(max_examples=examples(40))
@given(
    st.floats(0.02, 1.0),
    st.sampled_from([1.0, 4.0, 15.0]),
    st.sampled_from([1.0, 0.6, 1.25]),
    st.integers(0, 2**32),
)
def test_they_are_what_the_design_says(active: float, a_day: float, factor: float, seed: int) -> None:
    random = Random(seed)
    fleet = FleetDay(factor=factor, active_factor=factor)
    one, reference = One(), Reference()
    for age in range(300):
        busy = active if age % 140 < 90 else active / 10
        count = 0
        if age == 0 or random.random() < busy:
            count = 1 + round(random.expovariate(1 / a_day))
        habit = one.close(FIRST + age, count, fleet)
        reference.close(FIRST + age, count, age, g=factor)
        assert habit.score == pytest.approx(reference.S, rel=1e-9, abs=1e-9)
        assert habit.left_day == reference.since
        assert habit.rate(fleet) == pytest.approx(reference.lam(1.02), rel=1e-9, abs=1e-9)
        assert habit.silence(fleet) == pytest.approx(reference.E(0.52), rel=1e-9, abs=1e-9)
        assert habit.clock_days == pytest.approx(reference.C, rel=1e-9, abs=1e-9)


def learnt(a_day: int = 4, days: int = 100) -> One:
    """A weekday account after some weeks."""
    one = One()
    for age in range(days):
        one.close(FIRST + age, a_day if weekday(FIRST + age) < 5 else 0)
    return one


def test_the_baseline_does_not_learn_from_a_decline_until_it_is_over() -> None:
    one = learnt()
    before = one.habit.rate(NEUTRAL)
    for day in range(FIRST + 100, FIRST + 140):
        one.close(day, 1 if weekday(day) < 5 else 0)
    assert one.habit.score > 5
    assert one.habit.rate(NEUTRAL) == before
    assert one.habit.left_day in range(FIRST + 98, FIRST + 104)


def test_a_silent_year_is_no_new_normal_but_the_day_after_it_is() -> None:
    one = learnt()
    for day in range(FIRST + 100, FIRST + 465):
        one.close(day, 0)
    assert not one.habit.rebaselined
    assert one.habit.rate(NEUTRAL) > 2
    habit = one.close(FIRST + 465, 1)
    assert habit.rebaselined
    assert habit.score == 0
    assert habit.rate(NEUTRAL) < 1


def test_nothing_rises_in_an_accounts_first_30_days() -> None:
    one = One()
    for age in range(30):
        assert one.close(FIRST + age, 5 if age < 10 else 0).score == 0
    assert one.close(FIRST + 30, 0).score > 0


def test_a_quiet_weekend_weighs_little_for_those_who_rest_on_weekends() -> None:
    one = learnt(days=102)  # up to a Wednesday
    of_week = one.habit.weights(NEUTRAL)
    assert [weights(one.habits.values[:, :1], day, NEUTRAL) for day in range(7)] == of_week
    assert max(of_week[5:]) < min(of_week[:5]) / 2
    gains = []
    for day in range(FIRST + 102, FIRST + 109):
        before = one.habit
        after = one.close(day, 0)
        gains.append((weekday(day) >= 5, after.score - before.score, after.quiet - before.quiet))
    for channel in (1, 2):
        assert max(each[channel] for each in gains if each[0]) < min(each[channel] for each in gains if not each[0]) / 2


def test_a_day_on_which_nobodys_events_came_is_no_evidence() -> None:
    outage = FleetDay(factor=0.02, active_factor=0.02)
    one = learnt(days=102)
    for day in range(FIRST + 102, FIRST + 107):
        one.close(day, 0, outage)
    assert one.habit.score < 0.3
    assert one.habit.silence(NEUTRAL) < 0.3
    assert one.habit.clock_days == pytest.approx(0.1, abs=0.07)


def grown(counts: dict[str, list[int]], *, block: int, unjudged: set[str], order: list[str]) -> dict[str, bytes]:
    """The rows of several accounts after the same days, closed by blocks of some size."""
    rules, habits = Rules.of(DetectionConfig()), Habits(5)
    days = Days(rules, habits, Book(rules, Tally()))
    for account in order:
        habits.row(account)
        habits.set(habits.row(account), UNJUDGED, account in unjudged)
    habits.closed = FIRST - 1
    days._signals = ()
    with patch.object(days_module, "BLOCK", block):
        for number in range(len(next(iter(counts.values())))):
            day = FIRST + number
            habits.open[day] = {habits.row(name): each[number] for name, each in counts.items() if each[number]}
            list(days.close(partial(Account, habits=habits)))
    return {name: habits.values[:, habits.row(name)].tobytes() for name in counts}


@pytest.mark.slow
@settings(max_examples=examples(40))
@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 2**32))
def test_whoever_stands_beside_it_an_account_has_the_same_bits(accounts: int, block: int, seed: int) -> None:
    random = Random(seed)
    rates = {f"acct-{number}": random.choice([0.0, 0.05, 0.5, 3.0, 40.0]) for number in range(accounts)}
    counts = {
        name: [int(random.expovariate(1 / rate)) if rate else 0 for _ in range(80)] for name, rate in rates.items()
    }
    unjudged = {name for name in rates if random.random() < 0.2}
    together = grown(counts, block=block, unjudged=unjudged, order=random.sample(list(rates), accounts))
    for name in random.sample(list(counts), min(4, accounts)):
        alone = grown({name: counts[name]}, block=8_192, unjudged=unjudged, order=[name])
        assert together[name] == alone[name]


@pytest.mark.parametrize(
    ("active", "monitored"),
    [
        ([0, 1, 2, 3, 4], 30),
        ([0, 1, 2, 3, 40], 40),
        ([0, 1, 2, 3], None),
        ([0, 1, 2, 3, 185], None),
        ([0, 1, 2, 3, 185, 186, 187, 188], None),
        ([0, 1, 2, 3, 185, 186, 187, 188, 189], 189),
        ([0, 7, 14, 21, 179], 179),
        ([0, 7, 14, 21, 180], None),
    ],
)
def test_an_account_is_monitored_once_it_is_old_and_active_enough(active: list[int], monitored: int | None) -> None:
    rules, habits = Rules.of(DetectionConfig()), Habits(5)
    days = Days(rules, habits, Book(rules, Tally()))
    row, habits.closed = habits.row("acme"), FIRST - 1
    habits.open = {FIRST + day: {row: 1} for day in active}
    days._signals = ()
    for _ in range(200):
        list(days.close(partial(Account, habits=habits)))
    assert habits.of(row).monitored_day == (-1 if monitored is None else FIRST + monitored)
