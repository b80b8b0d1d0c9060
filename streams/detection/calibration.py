"""How rare a score is, learnt without labels: from the excursions of accounts that came back.

Whoever rose and recovered was no loss, so the peaks of such excursions, by channel and rate tier, over the time in
which they happened, say how often a score is reached for nothing. Dead accounts add neither peaks nor time: both are
booked when activity comes back. Excursions that are not over, and those on which somebody acted, are censored, as in
survival analysis (Kaplan and Meier 1958): the long ones end last, so that by those alone that have ended the thresholds
of a young fleet would be too low; and what an account would have done unhelped is not known beyond its alert, only that
it came back.

On that scale, minus the decimal logarithm of excursions at least as high per account-year, all channels and tiers are
alike, and one knob sets every threshold.

All counts are whole numbers, and those of several partitions are added up.
"""

from bisect import bisect_right
from collections.abc import Mapping
from functools import cache
from math import log, log2, log10
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from streams.detection.habits import Column, Mask
from streams.detection.tiers import (
    CLOCK_COLD,
    DROP_COLD,
    MEASURED_AT,
    SELDOM,
    SILENCE_COLD,
    TIER_FROM,
    TIERS,
    Table,
    tiers_of,
)

Counts = npt.NDArray[np.int64]

CHANNELS: Final = 3
DROP: Final = 0
SILENCE: Final = 1
CLOCK: Final = 2
BINS: Final = 400
_STEPS = np.array([0.25, 0.1, 0.0])
"""Width of a bin of S and of E, in nats; the clock's are 40 to a doubling."""
_CLOCK_BINS: Final = 40.0
_DOUBLED: Final = int(_CLOCK_BINS)
"""So many bins of the clock further on, it is twice as many days."""
_SOME: Final = 3
"""Excursions from which a curve can be drawn at all."""
_ENOUGH: Final = 20
_ENOUGH_YEARS: Final = 5.0
_YEAR: Final = 365.25
_RAREST: Final = 1e-12
_TELLING: Final = 100.0
_SHOWN: Final = 1_000.0
"""Excursions from which a tier's own tail takes the place of the cold start's, if it was watched for long enough: by a
hundred, and by those that end first, it looks steeper than it is."""
_HIGH: Final = 0.02
_HIGHEST: Final = 0.002
_COLD_YEARS: Final = 0.3
"""For how long (years of each account) the cold start has a say in how quiet a fleet is: as the long excursions end
last, a young one looks quieter than it is."""
_SLOPE: Final = 2.0
"""How well the slope of the cold start's tails is known: the shape of its gamma distribution over fleets. With this one
the tails of nine fleets, five of them real, are as steep as the table's in the mean."""
_TABLE: Final = 1.0
"""How many excursions the table of a cold start is worth to a fleet that is louder than it: there are no fewer of them
for being looked at early."""
_GONE: Final = 20.0
"""Excursions that are taken to go on for ever beside those that do: one account that comes back when hardly anyone is
left to compare it with is no rule."""
_FOLLOWED: Final = 5.0
"""How many silences have to have come to a height for it to be known how many come back up to there."""
_HALVED: Final = _DOUBLED // 2
"""In so many bins of the clock half as many come back as in as many before: a quarter in a doubling of the days. At the
ends of the real fleets that were watched for long enough it is between a half and a quarter."""
CALIBRATED_EVERY: Final = 7
"""Days from one calibration to the next."""
SHARED: Final = 1.4
"""Three channels that partly rise together, and an account that is called once in four weeks at most, make about as
many alarms as this many channels would: measured, on simulated fleets and on real purchases."""
JOINT: Final = 0.5
"""Decades. A silence is seen by all three channels: the mean of their calibrated scores and this is about as rare as
one of them alone that stands so high. Measured as `SHARED` was."""
SHARED_JOINT: Final = 2.0
"""As `SHARED`, where that mean counts besides."""
ALONE: Final = log10(SHARED_JOINT)
"""What a channel is worth that has nobody to share with."""
_SILENT: Final = -1.0
"""What a channel counts for at least in that mean: how often it leaves 0 says nothing of a silence."""
_FAVOUR: Column = np.array([1.6, 1.25, 1.0, 0.8, 0.7, 0.7])
"""What share of the false alarms a tier gets beside the others. By Lorden's bound a delay is ln(1/FA) over the
information of a day, so that delays are least in the mean where shares go by one over that: about 45, 12, 4, 1.5 to
each other from 0.15 to 10 events a day. This is between that and the same for all, as nobody is to be called all the
time."""
_LOSSES: Final = 20.0
"""Losses as frequent as in the whole fleet that every tier has besides those that were seen: few are no rule."""
_MORE: Final = (0.5, 2.5)
"""By how many times a tier's losses may change its part at least and at most, beside the others, and ..."""
_MOST: Final = 4.0
"""... how large its share may become: an account has few gaps in a year, and people to be called for each."""


def place(channel: int, values: Column) -> Column:
    """Where scores lie on the scale of bins."""
    if channel == CLOCK:
        on_clock: Column = _CLOCK_BINS * np.log2(1.0 + values)
        return on_clock
    position: Column = values / float(_STEPS[channel])
    return position


def _from_place(channel: int, position: float) -> float:
    if channel == CLOCK:
        return float(2.0 ** (position / _CLOCK_BINS) - 1.0)
    return position * float(_STEPS[channel])


def none() -> Counts:
    """Of each channel, tier and bin."""
    return np.zeros((CHANNELS, TIERS, BINS), np.int64)


def count(counts: Counts, channel: int, tier: npt.NDArray[np.intp], scores: Column) -> None:
    """Add a channel's scores to counts [channel, tier, bin]."""
    where = np.minimum(place(channel, scores).astype(np.intp), BINS - 1)
    np.add.at(counts[channel], (tier, where), 1)


class Calibration:
    """Peaks of recovered excursions [channel, tier, bin], how far those came on which somebody acted, and the time
    [tier] (days) in which they were watched for."""

    def __init__(self) -> None:
        self.peaks: Counts = none()
        self.acted: Counts = none()
        self.days: Counts = np.zeros(TIERS, np.int64)

    def book(self, channel: int, tier: npt.NDArray[np.intp], peaks: Column) -> None:
        """Excursions that are over."""
        count(self.peaks, channel, tier, peaks)

    def watch(self, tier: npt.NDArray[np.intp], days: Column) -> None:
        """Time in which accounts were watched, up to an event of each."""
        np.add.at(self.days, tier, days.astype(np.int64))

    def __iadd__(self, other: Self) -> Self:
        self.peaks += other.peaks
        self.acted += other.acted
        self.days += other.days
        return self

    def scale(
        self, accounts: Counts, ongoing: Counts, drop_cold: Table = DROP_COLD, *, by_losses: bool = False
    ) -> "Scale":
        """Scores by channel and tier, as of what is known now. `accounts` are watched now, by tier, and excursions
        [channel, tier, bin] have come so far and are not over. `by_losses`: tiers in which silences are more often
        for good get more of the false alarms for silences."""
        scale = Scale(self.peaks, self.acted, ongoing, self.days, accounts, drop_cold)
        if by_losses and not scale.cold.all():
            favour = _FAVOUR * _more(self.peaks[CLOCK], self.acted[CLOCK], ongoing[CLOCK], self.days / _YEAR)
            scale.silence_shares = np.minimum(_shares(favour, self.days), _MOST)
        return scale


class Scale:
    """The calibrated score of a channel's score: minus the decimal logarithm of excursions at least as high per
    account-year that came to nothing."""

    def __init__(
        self,
        peaks: Counts,
        acted: Counts,
        ongoing: Counts,
        days: Counts,
        accounts: Counts,
        drop_cold: Table = DROP_COLD,
    ) -> None:
        self.scores: Column = np.empty((CHANNELS, TIERS, BINS + 1))
        """At the lower edge of each bin, and at the upper edge of the last one."""
        self.cold = np.ones((CHANNELS, TIERS), bool)
        """Nothing is known yet: the scores are those of a cold start."""
        self.shares: Column = np.ones(TIERS)
        """By tier, how many times the false alarms that are asked for: 1 in the mean of the time watched for, and each
        in a cold start; of falls ..."""
        self.silence_shares = self.shares
        """... and of silences, which may be less in the mean, as none is above `_MOST`."""
        years = days / _YEAR
        for channel in range(CHANNELS):
            table = np.array([_cold(channel, tier, drop_cold) for tier in range(TIERS)])
            learnt: dict[int, Column] = {}
            for tier in range(TIERS):
                if peaks[channel, tier].sum() >= _SOME and days[tier] > 0:
                    above = _above(channel, peaks[channel, tier], acted[channel, tier], ongoing[channel, tier])
                    told = _told(peaks[channel, tier], acted[channel, tier])
                    curve = learnt[tier] = _curve(channel, above, told, float(years[tier]), table[tier])
                    shown = above[0] >= _SHOWN and years[tier] >= _COLD_YEARS * accounts[tier]
                    if shown and (tail := _tail(above, told)):  # the table goes on as the tier itself does
                        _, highest = tail
                        table[tier, highest:] = table[tier, highest] + curve[highest:] - curve[highest]
            known = [tier for tier in learnt if _known(peaks[channel, tier], days[tier])]
            for tier in range(TIERS):
                score = table[tier]
                if known:
                    nearest = min(known, key=lambda each: (abs(each - tier), each))
                    score = _mixed(learnt[nearest], float(years[nearest]), score, int(accounts[nearest]))
                    self.cold[channel, tier] = False
                score = np.minimum(score, _as_loud(tier, table, learnt, years))
                self.scores[channel, tier] = np.maximum.accumulate(score)
        if not self.cold.all():
            self.shares = self.silence_shares = _shares(_FAVOUR, days)
        self._knows_seldom = _known(peaks[CLOCK, 0], days[0])

    def at(self, channel: int, tier: int, score: float) -> float:
        """The lowest score of a channel that comes to a calibrated one; beyond the scale, its end."""
        curve = self.scores[channel, tier]
        edge = int(curve.searchsorted(score))
        if edge == 0 or edge > BINS:
            return _from_place(channel, float(min(edge, BINS)))
        low, high = float(curve[edge - 1]), float(curve[edge])
        return _from_place(channel, edge - 1 + (score - low) / (high - low))

    def one(self, channel: int, tier: int, value: float) -> float:
        """`of` one score."""
        on_scale = _CLOCK_BINS * log2(1.0 + value) if channel == CLOCK else value / float(_STEPS[channel])
        position = min(on_scale, BINS - 1e-6)
        below = int(position)
        low: float = self.scores.item(channel, tier, below)
        high: float = self.scores.item(channel, tier, below + 1)
        return low + (position - below) * (high - low)

    def is_seldom(self, rate: float) -> bool:
        """`seldom` of one account."""
        return rate < SELDOM and self._knows_seldom

    def seldom(self, rate: Column) -> Mask:
        """Accounts that are used so seldom that the time since the last event is all there is to go by, once the fleet
        has shown how long such accounts stay away. What they do in a month is too little for a fall; and how often one
        of them came says little of its next gap, which in real fleets is about as long for all of them."""
        seldom: Mask = (rate < SELDOM) & self._knows_seldom
        return seldom

    def one_silence(self, rate: float, drop: float, silence: float, clock: float) -> float:
        """`silence` of one account."""
        tier = bisect_right(TIER_FROM, rate)
        if self.is_seldom(rate):
            return self.one(CLOCK, tier, clock) + ALONE
        fall = max(self.one(DROP, tier, drop), _SILENT)
        quiet = max(self.one(SILENCE, tier, silence), _SILENT)
        days = max(self.one(CLOCK, tier, clock), _SILENT)
        highest = max(quiet, days)
        return max(highest, (min(fall, highest) + quiet + days) / 3.0 + JOINT)

    def silence(self, rate: Column, drop: Column, silence: Column, clock: Column) -> Column:
        """Calibrated scores of silences: by E, by the clock, or by all three channels together, whichever is highest.
        In the last, what a fall says counts for no more than the silence itself does: a day without events is none,
        however low the account stood before. By the clock alone for accounts that are used `seldom`."""
        tier = tiers_of(rate)
        fall = np.maximum(self.of(DROP, tier, drop), _SILENT)
        quiet = np.maximum(self.of(SILENCE, tier, silence), _SILENT)
        days = np.maximum(self.of(CLOCK, tier, clock), _SILENT)
        highest = np.maximum(quiet, days)
        score: Column = np.maximum(highest, (np.minimum(fall, highest) + quiet + days) / 3.0 + JOINT)
        return np.where(self.seldom(rate), self.of(CLOCK, tier, clock) + ALONE, score)

    def of(self, channel: int, tier: npt.NDArray[np.intp], values: Column) -> Column:
        """Calibrated scores of a channel's scores."""
        position = np.minimum(place(channel, values), BINS - 1e-6)
        below = position.astype(np.intp)
        curve = self.scores[channel]
        low = curve[tier, below]
        score: Column = low + (position - below) * (curve[tier, below + 1] - low)
        return score


def _known(peaks: Counts, days: np.int64) -> bool:
    return bool(peaks.sum() >= _ENOUGH and days >= _ENOUGH_YEARS * _YEAR)


def _above(channel: int, peaks: Counts, acted: Counts, ongoing: Counts) -> Column:
    """How many recovered excursions there are above each edge, when those that are not over will go the way of those
    that are, as far as these are known: the rest are losses, but for some `_late` ones of the clock. (The same for E in
    its own unit made no difference.) Those on which somebody acted are over, at a height that is not known."""
    at_risk = _at_risk(peaks + acted + ongoing)
    goes_on = np.append(1.0, _goes_on(peaks, at_risk))
    away = np.append(1.0, _goes_on(peaks + acted, at_risk))
    recovers = goes_on - away[-1]
    if channel == CLOCK:
        recovers += _late(away, at_risk)
    expected: Column = at_risk[0] * recovers
    return expected


def _late(away: Column, at_risk: Column) -> Column:
    """Of silences of which no more is known than that they have come to the last edge for which enough were watched,
    the share that is yet to come back beyond each edge: a young fleet's longest ones have not had the time to end. As
    Escobar-Bach and Van Keilegom (2019) extrapolate the share that comes back, with a ratio that is the same for all
    fleets: that of a small one is known too badly."""
    end = int((at_risk >= _GONE + _FOLLOWED).nonzero()[0].max(initial=0))
    came_back = away[max(end - _HALVED, 0)] - away[end]
    yet = min(came_back, away[end] - _GONE / at_risk[0])
    share = max(yet - (away[end] - away[-1]), 0.0)  # the curve itself goes on a little
    beyond = np.maximum(np.arange(BINS + 1.0) - end, 0.0)
    late: Column = share * 0.5 ** (beyond / _HALVED)
    return late


def _at_risk(counts: Counts) -> Column:
    """How many there are in each bin or beyond it, with those that are taken to go on for ever."""
    at_risk: Column = counts[..., ::-1].cumsum(axis=-1)[..., ::-1] + _GONE
    return at_risk


def _goes_on(over: Counts, at_risk: Column) -> Column:
    """What share goes on beyond each bin, by Kaplan and Meier."""
    share: Column = (1.0 - over / at_risk).cumprod(axis=-1)
    return share


def _told(peaks: Counts, acted: Counts) -> int:
    """The last edge up to which those tell on which nobody acted: beyond it they are too few, beside the others of whom
    it is not known how far they would have gone."""
    above = np.append(peaks[::-1].cumsum()[::-1], 0)
    return int((above >= min(float(acted.sum()), _GONE, above[0])).nonzero()[0][-1])


def _shares(favour: Column, days: Counts) -> Column:
    """The same with a mean of 1 over the time watched for."""
    return favour * int(days.sum()) / float((favour * days).sum())


def _more(peaks: Counts, acted: Counts, ongoing: Counts, years: Column) -> Column:
    """By tier [tier, bin], how many times as often as in the whole fleet a silence is for good. Those on which somebody
    acted are taken to have come back after twice the days at which they were called."""
    over = peaks.copy()
    over[:, _DOUBLED:] += acted[:, :-_DOUBLED]
    over[:, -1] += acted[:, -_DOUBLED:].sum(axis=1)
    known = over.sum(axis=1) >= _ENOUGH
    at_risk = _at_risk(over + ongoing)
    for_good = at_risk[:, 0] * _goes_on(over, at_risk)[:, -1] - _GONE
    lost = np.where(known, np.maximum(for_good, 0.0), 0.0)
    expected = np.where(known, years, 0.0) * lost.sum() / max(years[known].sum(), 1e-9)
    more: Column = np.clip((lost + _LOSSES) / (expected + _LOSSES), *_MORE)
    return more


def _curve(channel: int, above: Column, told: int, years: float, table: Column) -> Column:
    """Interpolated between the edges; beyond the 0.2% highest peaks the line through the 2% and the 0.2%. Where those
    are too few, or all alike, it falls there as the table does; also beyond the edge up to which peaks tell."""
    edges = np.arange(BINS + 1.0)
    score = -np.log10(np.maximum(above, 0.5) / years)
    highest = max(min(_quantile(above, _HIGHEST * above[0]), told), 1)
    beyond = edges > highest
    if tail := _tail(above, told):
        high, _ = tail
        slope = max((score[highest] - score[high]) / _nats(channel, high, highest), 0.05)
        score[beyond] = score[highest] + slope * _nats_from(channel, highest, edges[beyond])
    else:
        score[beyond] = score[highest] + table[beyond] - table[highest]
    curve: Column = np.maximum.accumulate(score)
    return curve


def _tail(above: Column, told: int) -> tuple[int, int] | None:
    """The edges with 2% and 0.2% of the peaks above them, between which a tail has its slope; None where these are
    too few, or all alike."""
    total = above[0]
    high, highest = _quantile(above, _HIGH * total), min(_quantile(above, _HIGHEST * total), told)
    return (high, highest) if total >= _TELLING and high < highest else None


def _mixed(learnt: Column, years: float, cold: Column, accounts: int) -> Column:
    """The rate of both, by the time they stand for. Far below where the table was measured it goes on exponentially,
    however often that is, and would be the larger part for years: it counts for no more than one excursion a year."""
    table, young = _rate(cold), _COLD_YEARS * accounts
    most = np.minimum(1.0, 1.0 / table)
    score: Column = -np.log10((years * _rate(learnt) + young * most * table) / (years + young * most))
    return score


def _as_loud(tier: int, table: Column, learnt: Mapping[int, Column], years: Column) -> Column:
    """Scores of a tier by what is known of excursions [tier: curve], however little, where that is more than the
    `table` [tier, edge] of a cold start has. By how many times it is more in all tiers together comes before the tier's
    own: who is loud in one is loud in the others."""
    cold = _rate(table[tier])
    seen = np.zeros_like(cold)
    for each, curve in learnt.items():
        seen += years[each] * _rate(np.interp(table[tier], table[each], curve))
    watched = float(sum(years[each] for each in learnt))
    rate = cold * np.maximum((seen + _TABLE) / (watched * cold + _TABLE), 1.0)
    if tier in learnt:
        rate = (years[tier] * _rate(learnt[tier]) + _TABLE) / (years[tier] + _TABLE / rate)
    score: Column = -np.log10(rate)
    return score


def _rate(score: Column) -> Column:
    """Excursions an account-year."""
    rate: Column = np.maximum(10.0**-score, _RAREST)
    return rate


def _quantile(above: Column, count: float) -> int:
    """The last edge with at least so many peaks above it."""
    return max(int((above >= max(count, 1.0)).nonzero()[0][-1]), 1)


def _nats(channel: int, low: int, high: int) -> float:
    return float(_nats_from(channel, low, np.array([float(high)]))[0])


def _nats_from(channel: int, low: int, edges: Column) -> Column:
    """The distance between edges in the channel's own unit, along which its tail is straight."""
    if channel == CLOCK:
        days: Column = np.exp2(edges / _CLOCK_BINS) - np.exp2(low / _CLOCK_BINS)
        return days
    nats: Column = (edges - low) * float(_STEPS[channel])
    return nats


@cache
def _cold(channel: int, tier: int, drop_cold: Table) -> Column:
    """By the table of a cold start. The tails of a fleet are exponential with a slope of its own, so that in the mean
    over fleets they are heavier beyond where the table was measured (Lomax 1954)."""
    at = log10(SHARED / MEASURED_AT)
    edges = np.arange(BINS + 1.0)
    if channel == CLOCK:
        nats = (np.exp2(edges / _CLOCK_BINS) - 1.0) * SILENCE_COLD[tier] / CLOCK_COLD[tier] - SILENCE_COLD[tier]
    else:
        nats = edges * _STEPS[channel] - (drop_cold if channel == DROP else SILENCE_COLD)[tier]
    beyond = _SLOPE * np.log1p(np.maximum(nats, 0.0) / _SLOPE)
    score: Column = at + np.where(nats > 0.0, beyond, nats) / log(10.0)
    score[-1] = max(score[-1], -log10(_RAREST))  # what is beyond the scale is as rare as anybody may ask for
    return score
