"""How rare a score is, by the excursions that came to nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detection.calibration import CHANNELS, CLOCK, DROP, SHARED, SILENCE, Calibration
from streams.detection.tiers import CLOCK_COLD, DROP_COLD, MEASURED_AT, SILENCE_COLD, TIERS

NOBODY = np.zeros(TIERS, np.int64)


def learnt(peaks: np.ndarray, years: float, *, channel: int = DROP, tier: int = 2) -> Calibration:
    found = Calibration()
    found.book(channel, np.full(peaks.size, tier), peaks)
    found.watch(np.array([tier]), np.array([years * 365.25]))
    return found


@pytest.mark.parametrize(("channel", "scale"), [(DROP, 2.0), (SILENCE, 1.0), (CLOCK, 4.0)])
def test_a_score_says_how_many_as_high_there_are_in_a_year_also_beyond_the_highest(channel: int, scale: float) -> None:
    rng = np.random.default_rng(1)
    found = learnt(rng.exponential(scale, 40_000), 1_000.0, channel=channel).scale(NOBODY)
    for a_year in (10.0, 1.0, 0.1, 0.01, 0.001):
        height = scale * np.log(40.0 / a_year)
        (score,) = found.of(channel, np.array([2]), np.array([height]))
        assert score == pytest.approx(-np.log10(a_year), abs=0.2)
    assert not found.cold[channel].any(), "the neighbours lend"


def test_a_cold_start_is_the_table() -> None:
    scale = Calibration().scale(NOBODY)
    assert scale.cold.all()
    for channel, table in ((DROP, DROP_COLD), (SILENCE, SILENCE_COLD), (CLOCK, CLOCK_COLD)):
        scores = scale.of(channel, np.arange(TIERS), np.array(table))
        assert scores == pytest.approx(np.log10(SHARED / MEASURED_AT), abs=0.02)


def test_what_little_is_known_counts_little_as_long_as_the_fleet_is_young() -> None:
    peaks = np.random.default_rng(1).exponential(0.3, 300)  # short excursions are over first
    young = learnt(peaks, 30.0).scale(np.full(TIERS, 4_000))
    old = learnt(peaks, 30.0).scale(NOBODY)
    cold = Calibration().scale(NOBODY)
    at = (DROP, np.array([2]), np.array([4.0]))
    assert young.of(*at) == pytest.approx(cold.of(*at), abs=0.1)
    assert old.of(*at) > cold.of(*at) + 1


@given(st.integers(0, 2**32), st.integers(0, CHANNELS - 1))
def test_a_higher_score_is_never_less_rare(seed: int, channel: int) -> None:
    rng = np.random.default_rng(seed)
    found = learnt(rng.gamma(0.5, 3.0, rng.integers(1, 500)), float(rng.uniform(1, 100)), channel=channel)
    scale = found.scale(rng.integers(0, 1_000, TIERS))
    heights = np.sort(rng.uniform(0, 80, 50))
    for tier in range(TIERS):
        assert (np.diff(scale.of(channel, np.full(50, tier), heights)) >= -1e-9).all()
