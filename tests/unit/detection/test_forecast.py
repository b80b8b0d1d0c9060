"""When an account will be called silent, held against when it is."""

from __future__ import annotations

from random import Random

import pytest

from schemas.alerts import Kind, Severity
from streams.detection.config import DAY_MS, DetectionConfig
from streams.detection.engine import Engine
from tests.unit.detection.building import FIRST_DAY, Run, at, bills, usage

pytestmark = pytest.mark.slow

RATES = (0.05, 0.2, 0.6, 2.0, 5.0, 30.0)


def lived(random: Random, days: int, active: float, a_day: int, *, weekends: bool) -> Run:
    run = Run(Engine(DetectionConfig(alert_false_alarms=random.choice([0.05, 0.2, 2.0]))))
    for day in range(days):
        if (weekends or day % 7 < 5) and random.random() < active:
            run.apply(*(usage(at(day, 8 + n / 4)) for n in range(random.randint(1, a_day))))
    run.close(at(days, 1))
    return run


@pytest.mark.parametrize(
    "seed", [*range(5), *(pytest.param(each, marks=pytest.mark.thorough) for each in range(5, 20))]
)
def test_on_that_day_the_silence_is_a_warning(seed: int) -> None:
    random = Random(seed)
    active = random.choice([0.15, 0.5, 0.9, 1.0])
    run = lived(random, random.randint(90, 200), active, random.choice([1, 3, 12]), weekends=random.random() < 0.5)
    now = at(run.engine.habits.closed + 1 - FIRST_DAY, 1)
    forecast = run.engine.picture(run.account, now).silent_at
    open_already = run.account.alert(Kind.USAGE_SILENCE)
    if forecast is None:
        assert open_already is not None
        assert open_already.severity is not Severity.WATCH
        return
    before = [run.engine.rules.thresholds.of(rate) for rate in RATES]
    run.close(now + 400 * DAY_MS)
    told = [each for each in run.transitions if each.kind is Kind.USAGE_SILENCE and each.at > now]
    warned = next(each.at for each in told if each.severity is not Severity.WATCH)
    told_by_same = before == [run.engine.rules.thresholds.of(rate) for rate in RATES]
    assert abs(forecast - warned) <= (0 if told_by_same else DAY_MS), "thresholds may move a little meanwhile"


def test_activity_today_puts_it_off_and_whoever_is_not_judged_has_none(run: Run) -> None:
    run.uses(range(90))
    before = run.engine.picture(run.account, at(90)).silent_at
    run.uses(range(90, 94))
    run.apply(usage(at(94, 9)))
    after = run.engine.picture(run.account, at(94, 10)).silent_at
    assert before is not None
    assert after is not None
    assert before < after
    run.apply(bills("subscription.started", at(94, 11)), bills("subscription.paused", at(94, 12)))
    assert run.engine.picture(run.account, at(94, 12)).silent_at is None
    new = Run(Engine(DetectionConfig()))
    new.uses(range(5))
    assert new.engine.picture(new.account, at(5)).silent_at is None
