"""What the two usage signals make of the channels: guards, holds, and what they leave to each other."""

from __future__ import annotations

from random import Random
from statistics import geometric_mean

import pytest

from schemas.alerts import Change, Kind, Severity, Transition
from streams.detection.calibration import CLOCK, DROP, JOINT, SILENCE
from streams.detection.config import DAY_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.fleet import NEUTRAL
from tests.unit.detection.building import FIRST_DAY, Run, at, command, usage


def low(run: Run, days: range) -> None:
    """One event on each weekday."""
    run.uses(days, a_day=1)


def said(transition: Transition) -> float:
    """How frequent a transition says that false alarms like it are."""
    value = transition.evidence["false_alarms_per_account_year"]
    assert isinstance(value, float)
    return value


def test_nothing_opens_on_fewer_missing_events_than_asked_for() -> None:
    for expected, opens in ((3.0, True), (1_000.0, False)):
        run = Run(Engine(DetectionConfig(expected_events=expected)))
        run.uses(range(90))
        run.close(at(150))
        assert bool(run.transitions) is opens
        run = Run(Engine(DetectionConfig(expected_events=expected)))
        run.uses(range(90), a_day=12)
        low(run, range(90, 120))
        run.close(at(120))
        assert bool(run.transitions) is opens


def test_no_fewer_events_are_missing_than_active_days() -> None:
    """An account that stops in its first weeks teaches its rate of events to come down."""
    run = Run(Engine(DetectionConfig()))
    run.uses(range(14), a_day=1)
    run.close(at(70))
    assert run.transitions
    for each in run.transitions:
        usual = next(reason.values["active_days_a_week"] for reason in each.reasons if reason.code == "usual_activity")
        days = each.evidence["clock_days"]
        assert each.evidence["expected"] >= usual / 7 * days - 0.1  # type: ignore[operator]


def test_a_drop_is_over_when_it_has_been_for_the_hold_time() -> None:
    run = Run(Engine(DetectionConfig(drop_hold_days=5)))
    run.uses(range(91), a_day=12)
    low(run, range(91, 112))
    run.close(at(112, 1))
    rules = run.engine.rules
    assert run.account.alert(Kind.USAGE_DROP) is not None
    lowest = rules.thresholds.of(run.account.habit.rate(NEUTRAL)).drop[0]
    calm: list[int] = []
    for day in range(112, 200):
        run.uses(range(day, day + 1), a_day=14)
        run.close(at(day + 1, 1))
        if run.account.alert(Kind.USAGE_DROP) is None:
            break
        if run.account.habit.evidence < lowest:
            calm.append(day)
    assert run.transitions[-1].at == at(calm[0] + 5 + 1, 1)
    assert len(calm) == 5


def test_what_a_reported_silence_piled_up_is_forgotten_as_the_evidence_falls() -> None:
    run = Run(Engine(DetectionConfig()))
    run.uses(range(91), a_day=4)
    run.close(at(105))
    run.uses(range(105, 112), a_day=4)
    habit = run.account.habit
    assert habit.score > 10
    # The floor has come down with the score: what comes now is measured from there.
    assert habit.floor == pytest.approx(habit.score, abs=0.5)
    run.apply(*(usage(at(119, hour)) for hour in range(9, 13)))
    assert run.account.alert(Kind.USAGE_DROP) is None


def test_silence_speaks_for_the_drop_channel_while_it_is_open() -> None:
    run = Run(Engine(DetectionConfig()))
    run.uses(range(91), a_day=8)
    run.close(at(150))
    assert run.changes()[-1] == "usage_silence escalated critical"
    # Neither its own score nor the clock had come that far: the drop channel had.
    last = run.transitions[-1]
    levels = run.engine.rules.thresholds.of(run.account.habit.rate(NEUTRAL))
    score, clock_days = last.evidence["score"], last.evidence["clock_days"]
    assert isinstance(score, float)
    assert isinstance(clock_days, float)
    assert score < levels.silence[2]
    assert clock_days < levels.clock[2]
    # And so it says how rare it is: by the channel that had come farthest, and never as more frequent than was asked.
    asked = DetectionConfig().alert_false_alarms
    opened = next(each for each in run.transitions if each.severity is Severity.WARNING)
    assert said(opened) <= asked
    assert said(last) <= asked / 10


def test_a_silence_gets_as_severe_as_its_channels_are_together_which_its_numbers_show() -> None:
    run = Run(Engine(DetectionConfig()))
    run.uses(range(91), a_day=5)
    run.close(at(120))
    critical = next(each for each in run.transitions if each.severity is Severity.CRITICAL)
    rate, thresholds = run.account.habit.rate(NEUTRAL), run.engine.rules.thresholds
    by_channel = []
    for channel, name in ((DROP, "drop_score"), (SILENCE, "score"), (CLOCK, "clock_days")):
        score = critical.evidence[name]
        assert isinstance(score, float)
        assert score < thresholds.of(rate)[channel][2], "no channel by itself"
        by_channel.append(thresholds.false_alarms(channel, score, rate))
    by_channel[DROP] = max(by_channel[DROP], min(by_channel[SILENCE], by_channel[CLOCK]))
    together = geometric_mean(by_channel) / 10**JOINT
    assert said(critical) == pytest.approx(together, rel=0.01)
    assert together <= DetectionConfig().alert_false_alarms / 10 < min(by_channel)


def test_a_drop_that_is_open_when_the_silence_begins_keeps_its_own_channel() -> None:
    run = Run(Engine(DetectionConfig()))
    run.uses(range(91), a_day=12)
    low(run, range(91, 112))
    run.close(at(112, 2))
    assert run.account.alert(Kind.USAGE_DROP) is not None
    for day in range(113, 150):
        if run.account.alert(Kind.USAGE_SILENCE) is None:
            run.close(at(day, 2))
    silence = run.account.alert(Kind.USAGE_SILENCE)
    assert silence is not None
    assert silence.severity is Severity.WATCH


@pytest.mark.parametrize("seed", range(3))
def test_a_drop_gets_no_more_severe_than_a_silence_that_is_open(seed: int) -> None:
    random = Random(seed)
    run = Run(Engine(DetectionConfig(alert_false_alarms=0.02, watch_false_alarms=5.0)))
    for day in range(120):
        run.apply(usage(at(day, 9)), usage(at(day, 10)))
    day = 120
    while run.account.alert(Kind.USAGE_DROP) is None:
        if random.random() < 0.5:
            run.apply(usage(at(day, 9)))
        day += 1
        run.close(at(day, 2))
    run.close(at(day + 60, 2))
    assert run.changes()[-1] == "usage_silence escalated critical"
    silence = -1
    for each in run.transitions:
        if each.kind is Kind.USAGE_SILENCE:
            silence = each.severity.rank if each.change is not Change.RESOLVED else -1
        elif each.change is Change.ESCALATED:
            assert each.severity.rank > silence


def test_the_silence_is_since_the_last_activity_and_the_drop_since_it_left_normal() -> None:
    run = Run(Engine(DetectionConfig()))
    run.uses(range(91))
    run.close(at(120))
    assert run.transitions[0].since == at(88, 12)  # a Friday
    run = Run(Engine(DetectionConfig()))
    run.uses(range(91), a_day=12)
    low(run, range(91, 120))
    run.close(at(120))
    (drop, *_) = [each for each in run.transitions if each.kind is Kind.USAGE_DROP]
    assert (FIRST_DAY + 88) * 86_400_000 <= drop.since <= at(92)


@pytest.mark.parametrize(("kind", "a_day"), [(Kind.USAGE_DROP, 1), (Kind.USAGE_SILENCE, 0)])
def test_the_last_28_closed_days_are_told_when_it_opens_or_gets_worse_and_then_forgotten(
    kind: Kind, a_day: int
) -> None:
    run = Run(Engine(DetectionConfig()))
    run.uses(range(91), a_day=12)
    run.uses(range(91, 118), a_day=a_day)
    run.close(at(118))
    run.apply(command("acknowledge", at(118, 2)))
    run.apply(command("snooze", at(118, 3), id_="c-2", until=at(119)), command("unsnooze", at(118, 4), id_="c-3"))
    told = [each for each in run.transitions if each.kind is kind]
    assert [each.change for each in told[-3:]] == [Change.ACKNOWLEDGED, Change.SNOOZED, Change.WOKEN]
    assert all("daily" not in each.evidence for each in told[-3:])
    for each in told[:-3]:
        judged = (each.at - at(0, 1)) // DAY_MS - 1
        days = range(judged - 27, judged + 1)
        assert each.evidence["daily"] == tuple((12 if day < 91 else a_day) * (day % 7 < 5) for day in days)
    assert b"daily" not in run.account.encode()
    assert all("daily" not in each.evidence for each in run.engine.picture(run.account, at(118, 5)).alerts)
