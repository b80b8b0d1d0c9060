"""Accounts that are used less than once in two weeks: once the fleet has shown how long such stay away, the time since
the last event is all they are judged by."""

from __future__ import annotations

from math import log10
from random import Random
from typing import NamedTuple

import pytest

from schemas.alerts import Kind, Severity, Transition
from streams.detection.calibration import DROP
from streams.detection.config import DAY_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.habits import CLOCK, QUIET, SCORE
from streams.detection.health import health
from streams.detection.signals.base import Firing
from streams.detection.signals.usage_silence import Scores, UsageSilenceSignal, level_of
from streams.detection.standing import in_words, standing_of
from tests.plain import Plain
from tests.unit.detection.building import at, usage

CONFIG = DetectionConfig(alert_false_alarms=1.0, watch_false_alarms=2.0)
ACCOUNTS, STOPPED, DAYS, STOP = 60, 6, 800, 600
EVERY = 28
"""Days between events in the mean; from half to one and a half times as many."""
RATES = (0.03, 0.5)
"""Of those who come seldom, and of those who come often."""


class Fleet(NamedTuple):
    plain: Plain
    forecasts: dict[str, int]
    """Of those who stop, on the day they do."""

    def rate(self, name: str) -> float:
        engine = self.plain.engine
        return self.plain.account(name).habit.rate(engine.rules.fleet(engine.habits.closed))

    def told(self, name: str) -> list[Transition]:
        kinds = (Kind.USAGE_SILENCE, Kind.USAGE_DROP)
        return [each for each in self.plain.told.get(name, []) if each.kind in kinds and each.at > at(STOP)]


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    """Some of those who come seldom stop for good, of the others nobody. Two come a third as often: one that came
    daily, and one that came seldom."""
    random, plain = Random(5), Plain(Engine(CONFIG))
    every = {f"a-{number}": EVERY for number in range(ACCOUNTS)} | {"often": 1, "seldom": 24}
    every |= {f"b-{number}": 3 for number in range(ACCOUNTS // 3)}
    due = dict.fromkeys(every, 0)
    stopped = [f"a-{number}" for number in range(STOPPED)]
    forecasts = dict[str, int]()
    for day in range(DAYS):
        for name, days in every.items():
            if due[name] == day:
                plain.apply(usage(at(day, 9))._replace(account=name))
                gap = random.randint(days // 2, 3 * days // 2)
                due[name] += max(gap, 1) * (3 if day >= STOP and name in ("often", "seldom") else 1)
                if name in stopped and due[name] >= STOP:
                    due[name] = -1
        plain.close(at(day + 1, 1))
        if day == STOP:
            pictures = {name: plain.engine.picture(plain.account(name), at(day + 1, 1)) for name in stopped}
            forecasts = {name: each.silent_at for name, each in pictures.items() if each.silent_at is not None}
    return Fleet(plain, forecasts)


def test_a_silence_is_told_by_days_alone_however_few_events_are_missing(fleet: Fleet) -> None:
    rules, early = fleet.plain.engine.rules, 0
    for name in (f"a-{number}" for number in range(STOPPED)):
        assert rules.thresholds.is_seldom(fleet.rate(name))
        told = fleet.told(name)
        assert {each.kind for each in told} == {Kind.USAGE_SILENCE}
        assert told[-1].severity is Severity.CRITICAL
        assert all("with each other" in str(each.reasons) for each in told)
        for each in told:
            days, said = each.evidence["clock_days"], each.evidence["false_alarms_per_account_year"]
            assert isinstance(days, float)
            assert isinstance(said, float)
            early += fleet.rate(name) * days < rules.config.expected_events
            by_days = rules.thresholds.silence_false_alarms(fleet.rate(name), 0.0, 0.0, days)
            if each.severity is not Severity.CRITICAL:  # of which more is known by now
                assert abs(log10(said / by_days)) < 0.2, "by what was known then"
    assert early >= STOPPED


def test_the_forecast_is_about_the_day_on_which_it_is_told(fleet: Fleet) -> None:
    """Thresholds move a little meanwhile."""
    assert len(fleet.forecasts) == STOPPED
    for name, forecast in fleet.forecasts.items():
        warned = next(each.at for each in fleet.told(name) if each.severity is not Severity.WATCH)
        assert abs(forecast - warned) <= 7 * DAY_MS


def test_days_have_their_own_thresholds_whatever_the_other_channels_say(fleet: Fleet) -> None:
    thresholds = fleet.plain.engine.rules.thresholds
    days = thresholds.days(0.03)
    assert 0 < days[0] < days[1] < days[2] < thresholds.of(0.03).clock[2]
    for level, least in enumerate(days, 1):
        assert thresholds.silence_level(0.03, 90.0, 90.0, least + 0.1) == level
        assert thresholds.silence_level(0.03, 90.0, 90.0, least - 0.1) == level - 1
    assert thresholds.days(0.07) == thresholds.of(0.07).clock
    assert thresholds.silence_level(0.07, 90.0, 90.0, 0.0) == 3


def test_a_fall_of_theirs_is_none(fleet: Fleet) -> None:
    assert Kind.USAGE_DROP in {each.kind for each in fleet.told("often")}
    for name in ("seldom", *(f"a-{number}" for number in range(ACCOUNTS))):
        assert Kind.USAGE_DROP not in {each.kind for each in fleet.told(name)}


def test_nor_does_it_take_so_many_missing_events_for_the_one_who_came_nearest(fleet: Fleet) -> None:
    account = fleet.plain.account(f"a-{ACCOUNTS - 1}")
    standing = standing_of(account, fleet.plain.engine.rules)
    assert standing.name == "silence"
    assert standing.fewest == 0.0
    assert "events were missing" not in in_words(standing)


def test_a_fall_raises_neither_how_severe_nor_how_rare_a_silence_of_theirs_is(fleet: Fleet) -> None:
    name = f"a-{ACCOUNTS - 1}"
    rules, account = fleet.plain.engine.rules, fleet.plain.account(name)
    rate, days = fleet.rate(name), rules.thresholds.days(0.03)
    assert level_of(Scores(90.0, 90.0, days[0] + 0.1), rate, rules.thresholds, by_drop=True) == 1
    before = account.habit.score
    account.habits.set(account.row, SCORE, 90.0)
    evidence = UsageSilenceSignal(rules).describe(account, at(DAYS), Firing(Severity.WATCH)).evidence
    account.habits.set(account.row, SCORE, before)
    by_days = rules.thresholds.silence_false_alarms(rate, 0.0, 0.0, account.habit.clock_days)
    assert evidence["false_alarms_per_account_year"] == pytest.approx(by_days, rel=0.01)


def test_their_health_goes_by_days(fleet: Fleet) -> None:
    account = fleet.plain.account(f"a-{ACCOUNTS - 1}")
    habits, row, habit = account.habits, account.row, account.habit
    habits.set(row, QUIET, 900.0)
    habits.set(row, CLOCK, 1.0)
    [silence] = [each for each in health(account, fleet.plain.engine.rules, at(DAYS)).factors if each.name == "silence"]
    habits.set(row, QUIET, habit.quiet)
    habits.set(row, CLOCK, habit.clock_days)
    assert silence.points == 0.0


def test_whose_silences_are_for_good_gets_more_of_the_false_alarms_for_silences(fleet: Fleet) -> None:
    rules = fleet.plain.engine.rules
    more = [
        rules.thresholds.alert_false_alarms(rate) / rules.thresholds.alert_false_alarms(rate, DROP) for rate in RATES
    ]
    assert more[0] > 1.1 * more[1]
    assert more[0] > 1.0 > more[1]
    often = fleet.plain.account("often")
    habits, row, before = often.habits, often.row, often.habit.score
    habits.set(row, SCORE, 90.0)
    standing = standing_of(often, rules)
    habits.set(row, SCORE, before)
    assert standing.name == "drop of the rate"
    assert standing.needed == pytest.approx(1.0 / rules.thresholds.alert_false_alarms(fleet.rate("often"), DROP))


def test_before_the_fleet_has_shown_it_they_are_judged_like_any_other() -> None:
    plain = Plain(Engine(CONFIG))
    for day in range(0, 10 * EVERY, EVERY):
        plain.apply(usage(at(day, 9)))
    plain.close(at(DAYS))
    assert not plain.engine.rules.thresholds.is_seldom(1.0 / EVERY)
    first = next(each for each in plain.told["acme"] if each.kind is Kind.USAGE_SILENCE)
    missed = first.evidence["expected"]
    assert isinstance(missed, float)
    assert missed >= CONFIG.expected_events
