"""How rare a score is, by the excursions that came to nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detection.calibration import (
    ALONE,
    BINS,
    CHANNELS,
    CLOCK,
    DROP,
    JOINT,
    SHARED,
    SHARED_JOINT,
    SILENCE,
    Calibration,
    count,
    none,
    place,
)
from streams.detection.config import DetectionConfig
from streams.detection.thresholds import Thresholds
from streams.detection.tiers import CLOCK_COLD, DROP_COLD, MEASURED_AT, SILENCE_COLD, TIERS, tiers_of

NOBODY = np.zeros(TIERS, np.int64)
RATES_OF_LOSS = ([1.0] * TIERS, [1.2, 0.5, 0.5, 0.5, 0.5, 0.5])
"""A year, by tier."""
YEARS = [200.0, 400.0, 800.0, 600.0, 300.0, 200.0]


def learnt(peaks: np.ndarray, years: float, *, channel: int = DROP, tier: int = 2) -> Calibration:
    found = Calibration()
    found.book(channel, np.full(peaks.size, tier), peaks)
    found.watch(np.array([tier]), np.array([years * 365.25]))
    return found


@pytest.mark.parametrize(("channel", "scale"), [(DROP, 2.0), (SILENCE, 1.0), (CLOCK, 4.0)])
def test_a_score_says_how_many_as_high_there_are_in_a_year_also_beyond_the_highest(channel: int, scale: float) -> None:
    rng = np.random.default_rng(1)
    found = learnt(rng.exponential(scale, 40_000), 1_000.0, channel=channel).scale(NOBODY, none())
    for a_year in (10.0, 1.0, 0.1, 0.01, 0.001):
        height = scale * np.log(40.0 / a_year)
        (score,) = found.of(channel, np.array([2]), np.array([height]))
        assert score == pytest.approx(-np.log10(a_year), abs=0.2)
    assert not found.cold[channel].any(), "the neighbours lend"


def test_what_is_rare_goes_by_a_tiers_own_tail_once_it_has_shown_it() -> None:
    peaks = np.random.default_rng(1).exponential(1.0, 40_000)
    once_in_20_000_years = np.array([np.log(40.0 * 20_000.0)])
    told = []
    for accounts in (1_000, 4_000):  # a year of each, and a quarter
        watched = np.zeros(TIERS, np.int64)
        watched[2] = accounts
        found = learnt(peaks, 1_000.0, channel=SILENCE).scale(watched, none())
        told += found.of(SILENCE, np.array([2]), once_in_20_000_years).tolist()
    assert told[0] == pytest.approx(np.log10(20_000.0), abs=0.5), "where the table counts as well"
    assert told[1] < told[0] - 1.0, "that of the cold start holds"


def test_a_cold_start_is_the_table() -> None:
    scale = Calibration().scale(NOBODY, none())
    assert scale.cold.all()
    for channel, table in ((DROP, DROP_COLD), (SILENCE, SILENCE_COLD), (CLOCK, CLOCK_COLD)):
        scores = scale.of(channel, np.arange(TIERS), np.array(table))
        assert scores == pytest.approx(np.log10(SHARED / MEASURED_AT), abs=0.02)


def test_what_little_is_known_counts_little_as_long_as_the_fleet_is_young() -> None:
    peaks = np.random.default_rng(1).exponential(0.3, 300)  # short excursions are over first
    young = learnt(peaks, 30.0).scale(np.full(TIERS, 4_000), none())
    old = learnt(peaks, 30.0).scale(NOBODY, none())
    cold = Calibration().scale(NOBODY, none())
    at = (DROP, np.array([2]), np.array([4.0]))
    assert young.of(*at) == pytest.approx(cold.of(*at), abs=0.1)
    assert old.of(*at) > cold.of(*at) + 1


def test_the_table_counts_by_the_time_it_stands_for_and_not_by_how_loud_it_is() -> None:
    """Far below where it was measured it has a hundred times as many as there are."""
    low = np.random.default_rng(1).uniform(0.0, 4.0, 20_000)
    found = learnt(np.append(low, np.full(300, 12.0)), 1_000.0, tier=3).scale(np.full(TIERS, 1_000), none())
    cold, at = Calibration().scale(NOBODY, none()), (DROP, np.array([3]), np.array([9.0]))
    assert cold.of(*at) < -1.5, "more than 30 a year"
    assert found.of(*at) > 0.2, "half of one; .3 were seen"


@pytest.mark.parametrize("channel", [DROP, SILENCE, CLOCK])
def test_what_a_young_fleet_has_not_seen_yet_is_as_rare_as_the_table_has_it(channel: int) -> None:
    """However steep its curve is: three weeks of 2,000 accounts, of which nothing was high."""
    peaks = np.random.default_rng(1).exponential(0.2, 4_000)
    young = learnt(peaks, 115.0, channel=channel, tier=0).scale(np.full(TIERS, 2_000), none())
    cold = Calibration().scale(NOBODY, none())
    table = (DROP_COLD, SILENCE_COLD, CLOCK_COLD)[channel][0]
    at = (channel, np.zeros(9, np.intp), np.linspace(1.0, 3.0, 9) * table)
    assert (young.of(*at) <= cold.of(*at) + 0.1).all()


def test_a_few_excursions_that_the_table_does_not_have_are_heard_at_once_and_in_all_tiers() -> None:
    """Five accounts for half a year, of which each comes to 9 nats four times: by the table once in 46 years."""
    found = learnt(np.full(20, 9.0), 2.5, channel=SILENCE).scale(np.full(TIERS, 5), none())
    cold = Calibration().scale(NOBODY, none())
    height = np.array([7.0])
    for tier in range(TIERS):
        at = (SILENCE, np.array([tier]), height)
        times = 10.0 ** float((cold.of(*at) - found.of(*at)).item())
        assert times > 2.0, f"tier {tier}"
    assert found.cold.all(), "it is no fleet's own scale yet"


def test_peaks_that_are_all_alike_say_nothing_of_higher_ones() -> None:
    """Whoever comes once a week is silent for six days a week: that is no reason to wait for months."""
    found = learnt(np.full(30, 6.0), 0.6, channel=CLOCK, tier=1).scale(NOBODY, none())
    cold = Calibration().scale(NOBODY, none())
    at = (CLOCK, np.array([1]), np.array([40.0]))
    assert found.of(*at) == pytest.approx(cold.of(*at), abs=0.5)


@given(st.integers(0, 2**32), st.integers(0, CHANNELS - 1))
def test_what_little_is_known_makes_no_score_rarer_than_the_table_does(seed: int, channel: int) -> None:
    rng = np.random.default_rng(seed)
    found = learnt(rng.gamma(0.5, 3.0, rng.integers(1, 19)), float(rng.uniform(0.01, 4)), channel=channel)
    scale = found.scale(rng.integers(0, 1_000, TIERS), rng.poisson(0.02, (CHANNELS, TIERS, BINS)))
    cold = Calibration().scale(NOBODY, none())
    assert scale.cold.all()
    for tier in range(TIERS):
        at = (channel, np.full(50, tier), np.linspace(0.0, 20.0, 50))
        assert (scale.of(*at) <= cold.of(*at) + 1e-9).all()


def test_what_is_not_over_counts_so_that_a_young_fleet_knows_how_long_silences_become() -> None:
    """A silence a day for each of 40,000 accounts, of 8 days in the mean, and a look after 40 days."""
    rng = np.random.default_rng(2)
    begun, length = rng.uniform(0.0, 40.0, 40_000), rng.exponential(8.0, 40_000)
    over = begun + length <= 40.0
    found = learnt(length[over], 4_000.0, channel=CLOCK)
    ongoing = none()
    count(ongoing, CLOCK, np.full((~over).sum(), 2), (40.0 - begun)[~over])
    at = (CLOCK, np.array([2]), np.array([25.0]))
    right = -np.log10(4_000 / 400.0 * np.exp(-25.0 / 8.0))
    assert found.scale(NOBODY, ongoing).of(*at) == pytest.approx(right, abs=0.1)
    assert found.scale(NOBODY, none()).of(*at) > right + 0.2, "by those alone that are over it would seem rarer"


def looked_at(length: np.ndarray, after: float) -> tuple[Calibration, np.ndarray]:
    """Silences that begin at any time before, of a fleet with 8 a year and account; infinite ones are for good."""
    begun = np.random.default_rng(7).uniform(0.0, after, length.size)
    over = begun + length <= after
    found, ongoing = learnt(length[over], length.size / 8.0, channel=CLOCK), none()
    count(ongoing, CLOCK, np.full((~over).sum(), 2), (after - begun)[~over])
    return found, ongoing


@pytest.mark.parametrize("lost", [0.0, 0.05])
@pytest.mark.parametrize("after", [60.0, 90.0, 1_500.0])
def test_a_young_fleets_longest_silences_are_yet_to_end(after: float, lost: float) -> None:
    """How often 100 days are reached is known about before anybody has. A few more than a quarter as many stay away for
    twice as long."""
    rng = np.random.default_rng(2)
    length = 8.0 * rng.pareto(2.0, 40_000)
    length[rng.random(length.size) < lost] = np.inf
    found, ongoing = looked_at(length, after)
    heights, alive = np.array([70.0, 100.0]), np.isfinite(length)
    told = found.scale(NOBODY, ongoing).of(CLOCK, np.array([2, 2]), heights)
    right = [-np.log10(8.0 * ((length > each) & alive).mean()) for each in heights]
    assert told == pytest.approx(right, abs=0.35)
    assert np.diff(told) == pytest.approx(np.diff(right), abs=0.15)


@pytest.mark.parametrize("lost", [0, 30])
def test_where_all_have_come_back_in_time_losses_are_losses(lost: int) -> None:
    """Nobody who is alive stays away for more than 42 days."""
    length = np.append(np.random.default_rng(2).uniform(1.0, 42.0, 4_000), np.full(lost, np.inf))
    found, ongoing = looked_at(length, 400.0)
    told = found.scale(NOBODY, ongoing).of(CLOCK, np.array([2]), np.array([60.0]))
    assert told > -np.log10(30.0 / 500.0), "less often than those who are lost"


@pytest.mark.parametrize("leave", [1, 100])
def test_many_who_leave_at_once_are_called_a_week_later_than_one_is_at_most(leave: int) -> None:
    """Among a thousand accounts that come every 9 to 25 days; one is called after 35. For as long as so many have never
    been away for so long, they might all come back."""
    rng = np.random.default_rng(4)
    begun, length = rng.uniform(0.0, 180.0, 11_000), 18.0 * rng.weibull(4.0, 11_000)
    for day in range(127, 180, 7):
        over, now = begun + length <= day, begun < day
        found, ongoing = learnt(length[over], 1_000.0 * day / 365.25, channel=CLOCK, tier=0), none()
        away = np.append((day - begun)[now & ~over], np.full(leave, day - 120.0))
        count(ongoing, CLOCK, np.zeros(away.size, np.intp), away)
        scale = found.scale(np.full(TIERS, 1_000), ongoing)
        if Thresholds(DetectionConfig(alert_false_alarms=0.5), scale).days(1 / 16)[1] <= day - 120:
            break
    assert day - 120 <= (35 if leave == 1 else 42)


def test_who_was_acted_on_is_not_yet_to_come_back() -> None:
    """Whoever is away for 20 days is called, and comes back."""
    length = np.random.default_rng(2).uniform(1.0, 42.0, 4_000)
    helped = length >= 20.0
    found = learnt(length[~helped], 500.0, channel=CLOCK)
    count(found.acted, CLOCK, np.full(helped.sum(), 2), np.full(helped.sum(), 20.0))
    told = found.scale(NOBODY, none()).of(CLOCK, np.array([2]), np.array([19.5]))
    assert told == pytest.approx(-np.log10(helped.sum() / 500.0), abs=0.1)


def test_losses_are_no_excursions_however_many() -> None:
    rng = np.random.default_rng(3)
    found = learnt(rng.exponential(2.0, 4_000), 400.0, channel=SILENCE)
    lost = none()
    count(lost, SILENCE, np.full(2_000, 2), np.full(2_000, 35.0))
    at = (SILENCE, np.array([2]), np.array([6.0]))
    assert found.scale(NOBODY, lost).of(*at) == pytest.approx(found.scale(NOBODY, none()).of(*at), abs=0.05)


def test_success_does_not_teach_that_high_scores_are_rare() -> None:
    """Whoever comes to 4 is called, and comes back at once: beyond that it is told by those who were not called."""
    rng = np.random.default_rng(5)
    peaks, called = rng.exponential(2.0, 8_000), rng.random(8_000) < 0.8
    helped = called & (peaks >= 4.0)
    unhelped, found, deleted = learnt(peaks, 800.0), learnt(peaks[~helped], 800.0), learnt(peaks[~helped], 800.0)
    count(found.acted, DROP, np.full(helped.sum(), 2), np.full(helped.sum(), 4.0))
    at = (DROP, np.array([2]), np.array([7.0]))
    right = unhelped.scale(NOBODY, none()).of(*at)
    assert right - 0.15 < found.scale(NOBODY, none()).of(*at) < right
    assert deleted.scale(NOBODY, none()).of(*at) > right + 0.5


def test_where_all_are_acted_on_they_come_to_nothing_as_often_as_they_are_called() -> None:
    """How far they would have gone is told by the table of a cold start."""
    rng = np.random.default_rng(5)
    peaks = rng.exponential(2.0, 8_000)
    helped, ongoing = peaks >= 4.0, none()
    ongoing[DROP, 2, BINS // 2] = 300
    found = learnt(peaks[~helped], 800.0)
    count(found.acted, DROP, np.full(helped.sum(), 2), np.full(helped.sum(), 4.0))
    scale, cold = found.scale(NOBODY, ongoing), Calibration().scale(NOBODY, none())
    tier, heights = np.array([2, 2]), np.array([4.0, 9.0])
    assert scale.of(DROP, tier, heights)[0] == pytest.approx(-np.log10(helped.sum() / 800.0), abs=0.1)
    assert np.diff(scale.of(DROP, tier, heights)) == pytest.approx(np.diff(cold.of(DROP, tier, heights)), abs=0.05)


@pytest.mark.parametrize("height", [13.0, 28.0])
def test_a_single_one_on_which_nobody_acted_says_little_of_all_the_others(height: float) -> None:
    rng = np.random.default_rng(5)
    peaks = rng.exponential(2.0, 3_000)
    helped = peaks >= 8.0
    alone, beside = learnt(peaks[~helped], 800.0), learnt(np.append(peaks[~helped], height), 800.0)
    for found in (alone, beside):
        count(found.acted, DROP, np.full(helped.sum(), 2), np.full(helped.sum(), 8.0))
    critical = [found.scale(NOBODY, none()).at(DROP, 2, 2.0) for found in (alone, beside)]
    assert critical[1] == pytest.approx(critical[0], rel=0.1)


@given(st.integers(0, 2**32), st.integers(0, CHANNELS - 1))
def test_a_higher_score_is_never_less_rare(seed: int, channel: int) -> None:
    rng = np.random.default_rng(seed)
    found = learnt(rng.gamma(0.5, 3.0, rng.integers(1, 500)), float(rng.uniform(1, 100)), channel=channel)
    found.acted += rng.poisson(rng.choice([0.0, 0.02, 0.5]), found.acted.shape)
    scale = found.scale(rng.integers(0, 1_000, TIERS), rng.poisson(0.02, (CHANNELS, TIERS, BINS)), by_losses=True)
    assert np.isfinite(scale.scores).all()
    assert (scale.silence_shares > 0.0).all()
    heights = np.sort(rng.uniform(0, 80, 50))
    for tier in range(TIERS):
        assert (np.diff(scale.of(channel, np.full(50, tier), heights)) >= -1e-9).all()


def test_rare_accounts_get_more_of_the_false_alarms_and_all_together_what_is_asked() -> None:
    rng = np.random.default_rng(6)
    years = np.array([200.0, 100.0, 300.0, 50.0, 20.0, 80.0])
    found = Calibration()
    for tier, each in enumerate(years):
        found.book(DROP, np.full(int(40 * each), tier), rng.exponential(2.0, int(40 * each)))
        found.watch(np.array([tier]), np.array([each * 365.25]))
    scale = found.scale(NOBODY, none())
    assert np.average(scale.shares, weights=years) == pytest.approx(1.0)
    thresholds = Thresholds(DetectionConfig(alert_false_alarms=0.5), scale)
    levels = thresholds.alert(DROP, np.arange(TIERS))
    a_year = 40.0 * np.exp(-levels / 2.0)
    assert np.average(a_year, weights=years) == pytest.approx(0.5 / SHARED_JOINT, rel=0.15)
    assert a_year[0] > 1.5 * a_year[5]


def lasting(lost: list[int], years: list[float]) -> tuple[Calibration, np.ndarray]:
    """Silences of a day or two that were over, by tier, and those of 300 days that are not."""
    rng, found, ongoing = np.random.default_rng(3), Calibration(), none()
    for tier, (each, a_year) in enumerate(zip(lost, years, strict=True)):
        silences = int(60 * a_year)
        found.book(CLOCK, np.full(silences, tier), rng.uniform(1.0, 3.0, silences))
        found.watch(np.array([tier]), np.array([a_year * 365.25]))
        ongoing[CLOCK, tier, int(place(CLOCK, np.array([300.0]))[0])] = each
    return found, ongoing


def test_false_alarms_for_silences_go_to_the_tiers_whose_silences_are_for_good() -> None:
    same, more = ([int(each * a_year) for each, a_year in zip(rates, YEARS, strict=True)] for rates in RATES_OF_LOSS)
    found, ongoing = lasting(same, YEARS)
    alike = found.scale(NOBODY, ongoing, by_losses=True)
    assert alike.silence_shares == pytest.approx(alike.shares, rel=0.1), "as often in every tier"
    found, ongoing = lasting(more, YEARS)
    scale = found.scale(NOBODY, ongoing, by_losses=True)
    assert scale.shares.tolist() == alike.shares.tolist(), "falls have theirs as before"
    assert np.average(scale.silence_shares, weights=YEARS) == pytest.approx(1.0, rel=1e-3)
    ratio = scale.silence_shares / alike.shares
    assert ratio[0] / ratio[2] == pytest.approx(2.4, rel=0.1)
    assert found.scale(NOBODY, ongoing).silence_shares.tolist() == alike.shares.tolist(), "unless it is asked for"


def test_what_somebody_acted_on_is_no_loss() -> None:
    found, ongoing = lasting([100] * TIERS, YEARS)
    before = found.scale(NOBODY, ongoing, by_losses=True).silence_shares
    count(found.acted, CLOCK, np.full(3_000, 0), np.full(3_000, 4.0))
    count(ongoing, CLOCK, np.full(300, 0), np.full(300, 5.0))  # of whom somebody will be called, and come back
    assert found.scale(NOBODY, ongoing, by_losses=True).silence_shares == pytest.approx(before, rel=0.1)


def test_however_many_are_lost_nobody_is_called_all_the_time_and_no_tier_is_deaf() -> None:
    years = [20.0, 400.0, 800.0, 600.0, 300.0, 200.0]
    found, ongoing = lasting([5_000, 0, 0, 0, 0, 0], years)
    scale = found.scale(NOBODY, ongoing, by_losses=True)
    assert scale.silence_shares[0] == 4.0
    assert (scale.silence_shares[1:] >= 0.5 * scale.shares[1:]).all()


def test_what_is_not_known_of_a_tier_is_no_loss_of_it() -> None:
    found, ongoing = lasting([2_000, 200, 400, 300, 150, 100], YEARS)
    found.peaks[CLOCK, 0] = 0
    found.book(CLOCK, np.zeros(3, np.intp), np.full(3, 2.0))
    scale = found.scale(NOBODY, ongoing, by_losses=True)
    assert scale.silence_shares == pytest.approx(scale.shares, rel=0.1)


def test_a_tier_has_to_know_itself_how_long_its_accounts_stay_away() -> None:
    found, _ = lasting([0] * TIERS, [1.0, *YEARS[1:]])
    assert not found.scale(NOBODY, none()).is_seldom(0.03), "the neighbour's curve is none of its own"
    found, _ = lasting([0] * TIERS, YEARS)
    assert found.scale(NOBODY, none()).is_seldom(0.03)


def test_a_few_losses_are_no_rule() -> None:
    years = [20.0, 40.0, 80.0, 60.0, 30.0, 20.0]
    found, ongoing = lasting([2, 0, 0, 0, 0, 0], years)
    scale = found.scale(NOBODY, ongoing, by_losses=True)
    assert 1.0 < scale.silence_shares[0] / scale.shares[0] < 1.2
    thresholds = Thresholds(DetectionConfig(alert_false_alarms=0.5), scale)
    for tier, rate in enumerate((0.05, 0.2, 0.6, 2.0, 5.0, 30.0)):
        assert thresholds.alert_false_alarms(rate) == pytest.approx(0.5 * scale.silence_shares[tier])
        assert thresholds.alert_false_alarms(rate, DROP) == pytest.approx(0.5 * scale.shares[tier])


@given(st.integers(0, 2**32))
def test_a_silence_is_the_rarer_the_more_any_channel_says_and_a_fall_by_itself_is_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    peaks, years = rng.gamma(0.5, 3.0, rng.integers(1, 500)), float(rng.uniform(1, 100))
    found = learnt(peaks, years, channel=CLOCK, tier=int(rng.integers(0, TIERS)))
    scale = found.scale(rng.integers(0, 1_000, TIERS), rng.poisson(0.02, (CHANNELS, TIERS, BINS)))
    heights, rate = rng.uniform(0, 60, (CHANNELS, 50)), np.exp(rng.uniform(-4, 4, 50))
    tier, seldom = tiers_of(rate), scale.seldom(rate)
    together = scale.silence(rate, *heights)
    one_by_one = [scale.one_silence(*each) for each in zip(rate.tolist(), *heights.tolist(), strict=True)]
    assert one_by_one == pytest.approx(together)
    assert seldom.tolist() == [scale.is_seldom(each) for each in rate.tolist()]
    assert (together[seldom] == scale.of(CLOCK, tier, heights[CLOCK])[seldom] + ALONE).all()
    for channel in range(CHANNELS):
        more = heights.copy()
        more[channel] += rng.uniform(0, 20, 50)
        assert (scale.silence(rate, *more) >= together - 1e-9).all()
    quiet = np.maximum(scale.of(SILENCE, tier, heights[SILENCE]), scale.of(CLOCK, tier, heights[CLOCK]))
    assert (together <= np.maximum(quiet, -1.0) + JOINT + 1e-9).all(), "the fall alone"
