"""Folding a day into the habits of many accounts at once: three channels, each learning as it judges.

*Drop* (S): a one-sided cumulative sum of the log-likelihood ratio "40% of normal" against "normal", for negative
binomial counts (Page 1954; for over-dispersed counts Hoehle and Paul 2008), in nats. With y the day's count, mu its
expectation, m the expectation discounted for an uncertain baseline and 1/k the learnt dispersion, a day adds
`y ln(rho (k+m)/(k+rho m)) + k ln((k+m)/(k+rho m))`, and the sum never falls below 0.

*Silence* (E): a gamma-Poisson model of active days (Fader and Hardie's Pareto, without the death).

*Clock*: operating days since the last active one.
"""

from math import log
from typing import Final

import numpy as np

from streams.detection.fleet import FleetDay
from streams.detection.habits import (
    ACTED,
    ACTIVE,
    ACTIVE_EXPOSURE,
    ACTIVE_TOTAL,
    ACTIVE_WEEK,
    CLOCK,
    CLOSED_ACTIVE_DAY,
    DENOMINATOR,
    EVENTS,
    EXPOSURE,
    FIRST_DAY,
    FLOOR,
    HALF_LIFE,
    LEFT_DAY,
    NUMERATOR,
    PEAK,
    PEAK_TIER,
    PENDING_EVENTS,
    PENDING_EXPOSURE,
    QUIET,
    REBASELINED,
    SCORE,
    SILENCE_OVER,
    WEEK,
    WEEK_TOTAL,
    Column,
    Mask,
    Rows,
    active_rates,
    active_weights,
    dispersions,
    known_shares,
    rates,
    weights,
)
from streams.detection.tiers import tiers_of

RATIO: Final = 0.4
"""rho: the drop channel is tuned to find a fall to 40% of the normal rate."""
_LOG_RATIO: Final = log(RATIO)
_ACTIVE_HALF_LIFE: Final = 720.0
_KEPT_A_WEEK: Final = 0.95
_DISPERSION_FROM_AGE: Final = 14.0
_DISPERSION_BELOW: Final = 4.0
_DISPERSION_KEPT: Final = 0.995
_QUIET_AGE: Final = 30.0
"""No evidence of a drop grows in an account's first 30 days."""
REBASELINE_DAYS: Final = 60.0
REBASELINE_EVENTS: Final = 15.0
"""A drop that lasts more than 60 days, and 15 expected events, is the account's new normal. (The days alone would
give a sparse account a new normal on a handful of expected events; asking for both halves the re-baselines.) It becomes
so on an active day: being gone is no way of being normal."""
_REST: Final = 0.5
_BUSY: Final = 0.5


def fold(v: Column, y: Column, day: int, weekday: int, fleet: FleetDay, relative: Column | float = 1.0) -> None:
    """Fold one day into rows `v` (columns as in `habits`, one row an account, changed in place), of which each has
    begun or begins on that day; `y` are their events. Days come in order, and none is left out. `relative`: by what
    each one's factor differs from the fleet's, as its events come from other sources."""
    active = y > 0.0
    first = v[FIRST_DAY]
    first[first < 0.0] = day
    np.copyto(v[PEAK], np.where(v[SCORE] > 0.0, np.maximum(v[PEAK], v[SCORE]), 0.0))
    acted, over = v[ACTED], v[PEAK] <= 0.0
    acted[(active | (acted == SILENCE_OVER)) & over] = 0.0
    acted[active & (acted > 0.0)] = SILENCE_OVER
    _drop(v, y, active, day, weekday, fleet, relative)
    _quiet(v, active, weekday, fleet, relative)
    _learn_week(v, y, active.nonzero()[0], day, weekday)


def _drop(
    v: Column, y: Column, active: Mask, day: int, weekday: int, fleet: FleetDay, relative: Column | float
) -> None:
    age = day - v[FIRST_DAY]
    score, left = v[SCORE], v[LEFT_DAY]
    exposure = weights(v, weekday, fleet) * (fleet.factor * relative)
    rate = rates(v, fleet)
    mu = rate * exposure
    _learn_dispersion(v, y, mu, (score < _DISPERSION_BELOW) & (age >= _DISPERSION_FROM_AGE))
    k, quiet = _terms(v, mu, fleet)
    gain = k * quiet + y * (quiet + _LOG_RATIO)
    np.copyto(gain, 0.0, where=(gain > 0.0) & (age < _QUIET_AGE))
    score += gain
    v[PENDING_EVENTS] += y
    v[PENDING_EXPOSURE] += exposure
    new_normal = (score > 0.0) & active & (left >= 0.0) & (day - left > REBASELINE_DAYS)
    new_normal &= rate * v[PENDING_EXPOSURE] >= REBASELINE_EVENTS
    v[REBASELINED] = new_normal
    score[new_normal] = 0.0
    calm = score <= 0.0
    leaves = (~calm & (left < 0.0)).nonzero()[0]
    left[leaves] = day
    v[PEAK_TIER, leaves] = tiers_of(rate[leaves])
    np.minimum(v[FLOOR], score, out=v[FLOOR])
    commit(v, calm.nonzero()[0])


def _terms(v: Column, mu: Column, fleet: FleetDay) -> tuple[Column, Column]:
    """k, and ln((k+m)/(k+rho m)) where mu are expected."""
    k = 1.0 / dispersions(v, fleet)
    m = mu * known_shares(v)
    return k, np.log((k + m) / (k + RATIO * m))


def added_by_nothing(m: float, k: float) -> float:
    """What a day without events adds to S of an account that is older than 30 days, where m are expected."""
    return k * log((k + m) / (k + RATIO * m))


def _learn_dispersion(v: Column, y: Column, mu: Column, learns: Mask) -> None:
    square = mu * mu
    excess = np.minimum((y - mu) ** 2 - mu, 25.0 * (mu + square))
    np.copyto(v[NUMERATOR], _DISPERSION_KEPT * v[NUMERATOR] + excess, where=learns)
    np.copyto(v[DENOMINATOR], _DISPERSION_KEPT * v[DENOMINATOR] + square, where=learns)


def commit(v: Column, rows: Rows) -> None:
    """What is pending is normal after all."""
    pending = v[PENDING_EXPOSURE, rows]
    kept = np.exp2(pending / -HALF_LIFE)
    v[EVENTS, rows] = v[EVENTS, rows] * kept + v[PENDING_EVENTS, rows]
    v[EXPOSURE, rows] = v[EXPOSURE, rows] * kept + pending
    for column in (PENDING_EVENTS, PENDING_EXPOSURE, SCORE, FLOOR):
        v[column, rows] = 0.0
    v[LEFT_DAY, rows] = -1.0


def operating(weight: Column, active_rate: Column) -> Column:
    """What a day comes to on the clock. A day of rest counts with its weight: else a busy account would be called
    silent every weekend, as the thresholds of busy accounts are less than three days. One that is active once a week
    has no days of rest."""
    days: Column = np.where((weight < _REST) & (active_rate >= _BUSY), weight, 1.0)
    return days


def operating_day(weight: float, active_rate: float) -> float:
    """`operating` of one account."""
    return weight if weight < _REST and active_rate >= _BUSY else 1.0


def _quiet(v: Column, active: Mask, weekday: int, fleet: FleetDay, relative: Column | float) -> None:
    weight = active_weights(v, weekday, fleet)
    v[CLOCK] += operating(weight, active_rates(v, fleet)) * np.minimum(fleet.factor * relative, 1.0)
    v[QUIET] += weight * (fleet.active_factor * relative)
    rows = active.nonzero()[0]
    if not rows.size:
        return
    quiet = v[QUIET, rows]
    kept = np.exp2(quiet / -_ACTIVE_HALF_LIFE)
    v[ACTIVE, rows] = v[ACTIVE, rows] * kept + 1.0
    v[ACTIVE_EXPOSURE, rows] = v[ACTIVE_EXPOSURE, rows] * kept + quiet
    v[QUIET, rows] = 0.0
    v[CLOCK, rows] = 0.0


def _learn_week(v: Column, y: Column, rows: Rows, day: int, weekday: int) -> None:
    if not rows.size:
        return
    # The decay is applied when an active day comes, so that an account's weights stay as they are while it is silent.
    before = v[CLOSED_ACTIVE_DAY, rows]
    kept = np.where(before >= 0.0, _KEPT_A_WEEK ** ((day - before) / 7.0), 1.0)
    for own in (WEEK, ACTIVE_WEEK):  # each with its total
        v[own : own + 8, rows] *= kept
    count = y[rows]
    v[WEEK + weekday, rows] += count
    v[WEEK_TOTAL, rows] += count
    v[ACTIVE_WEEK + weekday, rows] += 1.0
    v[ACTIVE_TOTAL, rows] += 1.0
    v[CLOSED_ACTIVE_DAY, rows] = day
