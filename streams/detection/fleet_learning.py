"""Learning what the fleet is like: from sums over its accounts, in whole numbers, so that those of several partitions
add up to the same whatever their order.

A day's factor g compares what all accounts did with what was expected of them. Its scale is not identified by itself,
as every account's rate falls when g rises: a slow anchor holds it near 1.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from streams.detection.fleet import FLAT, FleetDay
from streams.detection.habits import (
    FIRST_DAY,
    SCORE,
    Column,
    Rows,
    active_rates,
    expected,
    expected_active,
    rates,
    silences,
)

Sums = npt.NDArray[np.int64]

_ONE: Final = 1 << 20
"""What 1 is in a sum."""
AGE: Final = 30
_SCORE: Final = 6.0
_QUIET: Final = 8.0
"""Accounts in a decline of their own say nothing about the fleet."""
_RATE_BINS: Final = 160
_RATES: Column = np.exp2((np.arange(_RATE_BINS, dtype=np.float64) + 0.5) / 8.0 - 8.0)
_ACTIVE_BINS: Final = 100
_ACTIVE_RATES: Column = (np.arange(_ACTIVE_BINS, dtype=np.float64) + 0.5) / 50.0
_PLAIN: Final = 10
WIDTH: Final = _PLAIN + _RATE_BINS + _ACTIVE_BINS

FEWEST = 50
"""A fleet of fewer accounts that are old enough says nothing of a day: one customer's decline would excuse itself."""
_SETTLING: Final = 45
"""Days by which the anchor is the mean of what there was against what was expected. That is no 1: an account comes with
an event, so that its rate is too high at first, and who has left is expected for long where events are rare. A factor
that took this for a mishap would stop every clock, the rates would stay as they are, and it would never end."""
FACTOR_LEAST: Final = 0.02
FACTOR_MOST: Final = 1.25
LENT: Final = 5.0
"""Weighted events by which a day is an ordinary one."""
_LENT_LESS: Final = 0.25


def sums_of(v: Column, y: Column, day: int, weekday: int, fleet: FleetDay) -> Sums:
    """What rows `v` say of a day on which they had `y` events, before it is folded in. `fleet` is what is known of the
    fleet by the day before."""
    rows = speaking(v, day, fleet)
    v, y = v[:, rows], y[rows]
    rate, active_rate = rates(v, fleet), active_rates(v, fleet)
    active = (y > 0.0).astype(float)
    sums = np.zeros(WIDTH, np.int64)
    mu = expected(v, weekday, fleet)
    sums[0:2] = against(y, mu)
    sums[2:4] = against(active, expected_active(v, weekday, fleet))
    capped = np.minimum(y, 4.0 * rate + 4.0)
    sums[4:6] = _whole(capped / (1.0 + rate)), _whole(rate / (1.0 + rate))
    sums[6:8] = _whole(active / (1.0 + active_rate)), _whole(active_rate / (1.0 + active_rate))
    square = np.where(mu > 0.3, mu * mu / (1.0 + mu * mu), 0.0)
    excess = np.minimum((y - mu) ** 2 - mu, 25.0 * (mu + mu * mu))
    sums[8:10] = _whole(np.where(mu > 0.3, excess / (1.0 + mu * mu), 0.0)), _whole(square)
    bins = np.clip((np.log2(np.maximum(rate, 1e-6)) + 8.0) * 8.0, 0, _RATE_BINS - 1).astype(np.intp)
    sums[_PLAIN : _PLAIN + _RATE_BINS] = np.bincount(bins, minlength=_RATE_BINS)
    bins = np.minimum(active_rate * 50.0, _ACTIVE_BINS - 1).astype(np.intp)
    sums[_PLAIN + _RATE_BINS :] = np.bincount(bins, minlength=_ACTIVE_BINS)
    return sums


def speaking(v: Column, day: int, fleet: FleetDay) -> Rows:
    """Who of rows `v` speaks for the fleet: who is old enough, and in no decline of its own."""
    counted = (v[FIRST_DAY] >= 0.0) & (day - v[FIRST_DAY] >= AGE)
    counted &= (v[SCORE] < _SCORE) & (silences(v, fleet) < _QUIET)
    rows: Rows = counted.nonzero()[0]
    return rows


def against(y: Column, mu: Column) -> tuple[int, int]:
    """What there was against what was expected, the busy weighing less, and no one much more than expected."""
    omega = 1.0 / (1.0 + mu)
    return _whole(omega * np.minimum(y, 4.0 * mu + 4.0)), _whole(omega * mu)


def in_whole(values: Column) -> Sums:
    """Numbers as they stand in a sum, see `real`."""
    whole: Sums = np.rint(values * _ONE).astype(np.int64)
    return whole


def _whole(values: Column) -> int:
    return int(in_whole(values).sum())


def speaks(sums: Sums) -> bool:
    """Whether a day with these sums says anything of the fleet: of a few accounts each is most of it."""
    return bool(sums[_PLAIN : _PLAIN + _RATE_BINS].sum() >= FEWEST)


class FleetLearning:
    """What is learnt of the fleet, day by day."""

    def __init__(self) -> None:
        self.days = 0
        self.anchor = self.active_anchor = 1.0
        self.week = [[0.0, 0.0] for _ in range(7)]
        self.active_week = [[0.0, 0.0] for _ in range(7)]
        self.excess = self.square = 0.0
        self.known = FleetDay()
        self.measured = 1.0
        """The newest day's factor, see `measured`."""
        self.tells = False
        """Whether the newest day's factor says something of the day: no more is lent to it than was expected, and it
        was not the first of its weekday, of which nobody knows whether it is one on which nobody ever works."""

    def decide(self, weekday: int, sums: Sums) -> FleetDay:
        """The fleet on the next day, by its sums; learns from them for the days after it."""
        if not speaks(sums):
            self.tells = False
            return self.known
        num, den, active_num, active_den = (real(each) for each in sums[:4])
        raw, active_raw = (num + LENT) / (den + LENT), (active_num + LENT) / (active_den + LENT)
        settling = self.days < _SETTLING
        self.days += 1
        if settling:
            self.anchor += (raw - self.anchor) / self.days
            self.active_anchor += (active_raw - self.active_anchor) / self.days
        factor, active_factor = raw / self.anchor, active_raw / self.active_anchor
        self.measured = measured(num, den * self.anchor)
        self.tells = den * self.anchor >= LENT and self.week[weekday][1] > 0.0
        today = replace(self.known, factor=clipped(factor), active_factor=clipped(active_factor))
        if not settling and factor > 0.6:
            self.anchor *= 1.0 + 0.02 * (min(factor, 1.3) - 1.0)
            self.active_anchor *= 1.0 + 0.02 * (min(active_factor, 1.3) - 1.0)
        if settling or factor > 0.6:
            self._learn(weekday, sums)
        return today

    def _learn(self, weekday: int, sums: Sums) -> None:
        for own, first in ((self.week, 4), (self.active_week, 6)):
            had, expected = own[weekday]
            own[weekday] = [0.97 * had + real(sums[first]), 0.97 * expected + real(sums[first + 1])]
        self.excess = 0.99 * self.excess + real(sums[8])
        self.square = 0.99 * self.square + real(sums[9])
        rates, active_rates = sums[_PLAIN : _PLAIN + _RATE_BINS], sums[_PLAIN + _RATE_BINS :]
        self.known = FleetDay(
            weekday_profile=_profile(self.week),
            median_rate=_median(rates, _RATES, 1.0) + 0.02,
            dispersion=min(max((self.excess + 0.5 * 20.0) / (self.square + 20.0), 0.02), 4.0),
            active_profile=_profile(self.active_week),
            median_active_rate=_median(active_rates, _ACTIVE_RATES, 0.5) + 0.02,
        )

    def pack(self) -> list[Any]:
        """As plain data."""
        known = [*self.known.weekday_profile, self.known.median_rate, self.known.dispersion]
        known += [*self.known.active_profile, self.known.median_active_rate]
        return [
            [self.days, self.anchor, self.active_anchor, self.excess, self.square],
            self.week,
            self.active_week,
            known,
        ]

    def unpack(self, packed: list[Any]) -> None:
        """Go on from what `pack` gave."""
        numbers, self.week, self.active_week, known = packed
        self.days, self.anchor, self.active_anchor, self.excess, self.square = numbers
        self.known = FleetDay(
            weekday_profile=tuple(known[:7]),
            median_rate=known[7],
            dispersion=known[8],
            active_profile=tuple(known[9:16]),
            median_active_rate=known[16],
        )


def real(whole: np.int64) -> float:
    """A sum as the number it stands for."""
    return int(whole) / _ONE


def clipped(factor: float) -> float:
    """A factor within its bounds."""
    return min(max(factor, FACTOR_LEAST), FACTOR_MOST)


def measured(came: float, expected: float) -> float:
    """A factor to which hardly anything is lent: where nothing came it is next to nothing, unless as little was
    expected."""
    return clipped((came + _LENT_LESS) / (expected + _LENT_LESS))


def _profile(week: list[list[float]]) -> tuple[float, ...]:
    ratios = [(had + 5.0) / (expected + 5.0) for had, expected in week]
    total = sum(ratios)
    return tuple(7.0 * ratio / total for ratio in ratios) if total > 0 else FLAT


def _median(counts: Sums, values: Column, without: float) -> float:
    total = int(counts.sum())
    if total < 20:
        return without
    return float(values[int((counts.cumsum() * 2 >= total).argmax())])
