"""The drop, silence and clock channels."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detection.calendar import weekday
from streams.detection.clock import Clock
from streams.detection.drop import Drop
from streams.detection.fleet import NEUTRAL, FleetDay
from streams.detection.silence import Silence
from tests.unit.detection.reference import Reference

FIRST = 20_000


@given(
    st.floats(0.02, 1.0),
    st.sampled_from([1.0, 4.0, 15.0]),
    st.sampled_from([1.0, 0.6, 1.25]),
    st.integers(0, 2**32),
)
def test_they_are_what_the_design_says(active: float, a_day: float, factor: float, seed: int) -> None:
    random = Random(seed)
    fleet = FleetDay(factor=factor, active_factor=factor, largest_factor=1.25)
    drop, silence, clock, reference = Drop(), Silence(), Clock(), Reference()
    for age in range(300):
        busy = active if age % 140 < 90 else active / 10
        count = 0
        if age == 0 or random.random() < busy:
            count = 1 + round(random.expovariate(1 / a_day))
        day = FIRST + age
        drop.close_day(day, weekday(day), count, age, fleet)
        clock.close_day(count > 0, silence.operating(weekday(day), fleet), fleet)
        silence.close_day(day, weekday(day), count > 0, fleet)
        reference.close(day, count, age, g=factor)
        assert drop.score == pytest.approx(reference.S, rel=1e-9, abs=1e-9)
        assert drop.left_day == reference.since
        assert drop.baseline.rate(fleet.median_rate) == pytest.approx(reference.lam(1.02), rel=1e-9, abs=1e-9)
        assert silence.score(fleet) == pytest.approx(reference.E(0.52), rel=1e-9, abs=1e-9)
        assert clock.days == pytest.approx(reference.C, rel=1e-9, abs=1e-9)


def learnt(a_day: int = 4, days: int = 100) -> tuple[Drop, Silence, int]:
    """A weekday account's channels after some weeks, and the next day."""
    drop, silence = Drop(), Silence()
    for age in range(days):
        day = FIRST + age
        count = a_day if weekday(day) < 5 else 0
        drop.close_day(day, weekday(day), count, age, NEUTRAL)
        silence.close_day(day, weekday(day), count > 0, NEUTRAL)
    return drop, silence, FIRST + days


def test_the_baseline_does_not_learn_from_a_decline_until_it_is_over() -> None:
    drop, _, day = learnt()
    before = drop.baseline.rate(NEUTRAL.median_rate)
    for age in range(100, 140):
        count = 1 if weekday(FIRST + age) < 5 else 0
        drop.close_day(FIRST + age, weekday(FIRST + age), count, age, NEUTRAL)
    assert drop.score > 5
    assert drop.baseline.rate(NEUTRAL.median_rate) == before
    assert drop.left_day in range(day - 2, day + 4)


def test_a_silent_year_is_no_new_normal_but_the_day_after_it_is() -> None:
    drop, _, day = learnt()
    for age in range(100, 465):
        drop.close_day(FIRST + age, weekday(FIRST + age), 0, age, NEUTRAL)
    assert not drop.rebaselined
    assert drop.baseline.rate(NEUTRAL.median_rate) > 2
    drop.close_day(day + 365, weekday(day + 365), 1, 465, NEUTRAL)
    assert drop.rebaselined
    assert drop.score == 0
    assert drop.baseline.rate(NEUTRAL.median_rate) < 1


def test_nothing_rises_in_an_accounts_first_30_days() -> None:
    drop = Drop()
    for age in range(30):
        drop.close_day(FIRST + age, weekday(FIRST + age), 5 if age < 10 else 0, age, NEUTRAL)
        assert drop.score == 0
    drop.close_day(FIRST + 30, weekday(FIRST + 30), 0, 30, NEUTRAL)
    assert drop.score > 0


def test_a_quiet_weekend_weighs_little_for_those_who_rest_on_weekends() -> None:
    drop, silence, _ = learnt(days=102)  # up to a Wednesday
    gains = drop.silent_gains(NEUTRAL)
    assert max(gains[5:]) < min(gains[:5]) / 5
    weights = silence.week.weights(NEUTRAL.active_profile)
    assert max(weights[5:]) < min(weights[:5]) / 2


def test_a_day_on_which_nobodys_events_came_is_no_evidence() -> None:
    outage = FleetDay(factor=0.02, active_factor=0.02)
    drop, silence, day = learnt(days=102)
    clock = Clock()
    for age in range(5):
        drop.close_day(day + age, weekday(day + age), 0, 102 + age, outage)
        silence.close_day(day + age, weekday(day + age), False, outage)
        clock.close_day(False, 1.0, outage)
    assert drop.score < 0.3
    assert silence.score(NEUTRAL) < 0.3
    assert clock.days == pytest.approx(0.1)


@given(st.floats(0.1, 12.0), st.integers(1, 200))
def test_the_silence_that_reaches_a_score_is_its_inverse(score: float, days: int) -> None:
    _, silence, _ = learnt(days=days)
    silence.quiet = silence.quiet_at(score, NEUTRAL)
    assert silence.score(NEUTRAL) == pytest.approx(score)


@given(st.integers(31, 200), st.integers(1, 60))
def test_what_a_silent_day_adds_is_foretold_exactly_or_from_above(days: int, silent: int) -> None:
    drop, silence, day = learnt(days=days)
    for age in range(silent):
        today = weekday(day + age)
        foretold = drop.silent_gains(NEUTRAL)[today]
        weight = silence.silent_gains(NEUTRAL)[today]
        score, quiet, settled = drop.score, silence.quiet, drop.score >= 4
        drop.close_day(day + age, today, 0, days + age, NEUTRAL)
        silence.close_day(day + age, today, False, NEUTRAL)
        if settled:
            assert drop.score - score == pytest.approx(foretold, rel=1e-9)
        else:
            assert drop.score - score <= foretold
        assert silence.quiet - quiet == pytest.approx(weight)
