"""Thresholds: the cold-start table and its scaling."""

from __future__ import annotations

from math import expm1, log

import numpy as np
import pytest

from streams.detection.calibration import CLOCK, DROP, SHARED, SHARED_JOINT, SILENCE, Calibration, none
from streams.detection.config import DetectionConfig
from streams.detection.thresholds import Thresholds, reached
from streams.detection.tiers import TIERS

RATES = [0.05, 0.2, 0.6, 2.0, 5.0, 30.0]
TABLE = {
    "drop": [1.6, 3.7, 7.3, 13.6, 17.7, 19.3],
    "silence": [4.3, 5.3, 6.2, 6.9, 3.1, 1.6],
    "clock": [75, 37, 17, 11, 3.7, 1.8],
}


def test_at_half_a_false_alarm_a_year_they_are_the_measured_ones() -> None:
    thresholds = Thresholds(DetectionConfig(alert_false_alarms=0.5, watch_false_alarms=0.5), shared=SHARED)
    for channel, values in TABLE.items():
        assert [getattr(thresholds.of(rate), channel)[1] for rate in RATES] == pytest.approx(values, rel=2e-3)
        assert [getattr(thresholds.of(rate), channel)[0] for rate in RATES] == pytest.approx(values, rel=2e-3)


@pytest.mark.parametrize("asked", [0.05, 0.2, 1.0, 3.0])
def test_fewer_false_alarms_ask_for_more_evidence_by_a_tail_whose_slope_is_not_known_well(asked: float) -> None:
    thresholds = Thresholds(DetectionConfig(alert_false_alarms=asked, watch_false_alarms=9.0))
    asked *= SHARED / SHARED_JOINT  # the three together take a part
    for tier, rate in enumerate(RATES):
        levels = thresholds.of(rate)
        rarer = log(0.5 / asked)  # exponential; beyond what was measured the mean over slopes of shape 2
        silence = TABLE["silence"][tier] + (2.0 * expm1(rarer / 2.0) if rarer > 0.0 else rarer)
        assert levels.silence[1] == pytest.approx(max(silence, 0.1), rel=1e-3)
        scaled = TABLE["clock"][tier] * silence / TABLE["silence"][tier]
        assert levels.clock[1] == pytest.approx(max(scaled, 0.1), rel=1e-3)
        if levels.drop[1] > 0.1:
            false_alarms = thresholds.false_alarms(DROP, levels.drop[1], rate)
            assert false_alarms == pytest.approx(asked * SHARED_JOINT / SHARED)


@pytest.mark.parametrize("rate", [0.01, 0.0999, 0.1, 0.3, 1, 3, 9.99, 10, 1000])
def test_a_watch_comes_before_a_warning_and_a_warning_before_critical(rate: float) -> None:
    for config in (DetectionConfig(), DetectionConfig(alert_false_alarms=5.0, watch_false_alarms=1.0)):
        for levels in Thresholds(config).of(rate):
            assert 0 < levels[0] <= levels[1] <= levels[2]


def test_a_critical_alert_is_a_tenth_as_frequent() -> None:
    thresholds = Thresholds(DetectionConfig(alert_false_alarms=0.3))
    levels = thresholds.of(0.6)
    assert thresholds.false_alarms(DROP, levels.drop[2], 0.6) == pytest.approx(0.03)
    assert thresholds.false_alarms(SILENCE, levels.silence[2], 0.6) == pytest.approx(0.03)
    assert thresholds.false_alarms(CLOCK, levels.clock[2], 0.6) == pytest.approx(0.03)


@pytest.mark.parametrize("asked", [0.001, 0.2, 100.0])
def test_beyond_the_scale_a_silence_is_critical_whatever_is_asked(asked: float) -> None:
    thresholds = Thresholds(DetectionConfig(alert_false_alarms=asked, watch_false_alarms=100.0))
    assert [thresholds.silence_level(rate, 500.0, 500.0, 5_000.0) for rate in RATES] == [3] * len(RATES)


def test_however_many_are_asked_a_silence_of_which_no_channel_says_anything_is_none() -> None:
    thresholds = Thresholds(DetectionConfig(alert_false_alarms=6.8, watch_false_alarms=6.8))
    rare = RATES[:4]  # by the table, a busy account's first silent day is more than nothing
    assert [thresholds.silence_level(rate, 0.0, 0.0, 0.0) for rate in rare] == [0] * len(rare)


def test_a_threshold_is_reached_by_its_own_value() -> None:
    assert [reached(score, (1.0, 2.0, 3.0)) for score in (0.99, 1.0, 1.5, 2.0, 3.0, 9.0)] == [0, 1, 1, 2, 3, 3]


def test_a_silence_is_told_with_the_false_alarms_at_which_it_is_an_alert() -> None:
    rng = np.random.default_rng(4)
    thresholds = Thresholds(DetectionConfig(alert_false_alarms=0.3))
    rate, *scores = np.exp(rng.uniform(-4, 4, 500)), *rng.uniform(0, 40, (3, 500))
    levels = thresholds.silence(rate, *scores)
    assert set(levels.tolist()) == {0, 1, 2, 3}
    for level, a_day, *heights in zip(levels.tolist(), rate.tolist(), *(each.tolist() for each in scores), strict=True):
        false_alarms = thresholds.silence_false_alarms(a_day, *heights)
        assert (false_alarms <= thresholds.alert_false_alarms(a_day)) is (level >= 2)
        assert (false_alarms <= thresholds.alert_false_alarms(a_day) / 10) is (level >= 3)


def test_whoever_stands_below_the_lowest_of_all_channels_is_nothing_to_anybody() -> None:
    rng = np.random.default_rng(5)
    peaks = Calibration()
    for channel in range(3):
        for tier in range(TIERS):
            peaks.book(channel, np.full(400, tier), rng.exponential(2.0 + tier, 400))
    peaks.watch(np.arange(TIERS), np.full(TIERS, 40_000.0))
    for scale in (None, peaks.scale(np.zeros(TIERS, np.int64), none())):
        thresholds = Thresholds(DetectionConfig(), scale)
        rate, scores = np.exp(rng.uniform(-4, 4, 20_000)), 12.0 * rng.random((3, 20_000)) ** 3
        least = np.array([thresholds.least[DROP], *thresholds.least_together])
        below = (scores < least[:, None]).all(axis=0)
        assert 0 < below.sum() < 20_000
        assert not thresholds.silence(rate, *scores)[below].any()
        assert not (scores[0] >= thresholds.columns(rate).drop).any(axis=0)[below].any()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"alert_false_alarms": 0.0}, "alert_false_alarms must be more than 0"),
        ({"watch_false_alarms": float("nan")}, "watch_false_alarms must be more than 0"),
        ({"grace_ms": -1}, "grace_ms must not be negative"),
        ({"kept_days": 7}, "kept_days must be at least 28"),
        ({"monitored_active_days": 200}, "must not be more than monitored_window_days"),
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DetectionConfig(**wrong)  # type: ignore[arg-type]
