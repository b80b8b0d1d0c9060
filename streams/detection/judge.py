"""Whom a closed day concerns: the accounts whose engagement signals may have something to say, out of all.

It is the signals that judge, one account at a time. This is what they ask for, on columns: an account that is left out
is one of which they would say nothing.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.detection.calibration import DROP
from streams.detection.config import DetectionConfig
from streams.detection.fleet import FleetDay
from streams.detection.habits import (
    ACTIVE,
    ACTIVE_EXPOSURE,
    CALM_DAY,
    CLOCK,
    DROP_LEVEL,
    FLOOR,
    LAST_DAY,
    MONITORED_DAY,
    MUTED,
    PENDING_EXPOSURE,
    PRIOR,
    QUIET,
    REBASELINED,
    SCORE,
    SILENCE_LEVEL,
    Column,
    Mask,
    Rows,
    rates,
    silences,
)
from streams.detection.thresholds import Thresholds

Levels = npt.NDArray[np.int64]
"""How severe, for each row: 1 is a watch, 2 a warning, 3 critical."""


class OpenAlerts(NamedTuple):
    """Open alerts of rows: how severe each is, 0 where there is none; and what of S a silence has accounted for."""

    silence: Column
    drop: Column
    floor: Column


class Told(NamedTuple):
    """What a day would tell of rows."""

    silence: Levels
    """Of a silence that is new or more severe than before; else 0."""
    drop: Levels
    """How severe the fall is, whatever is open."""
    enough: Mask
    """Whether a fall has cost enough events for one to be told."""


def concerned(v: Column, day: int, fleet: FleetDay, thresholds: Thresholds, config: DetectionConfig) -> Rows:
    """Of rows `v`, into which `day` was folded."""
    # First those who stand high enough for anything in any tier, as ln(1 + x) <= x: few, of whom the rest is asked.
    drop, (silence, clock) = thresholds.least[DROP], thresholds.least_together
    high = (v[SCORE] - v[FLOOR] >= drop) | (v[CLOCK] >= clock) | (v[DROP_LEVEL] > 0.0) | (v[CALM_DAY] >= 0.0)
    high |= (PRIOR + v[ACTIVE]) * v[QUIET] >= silence * (PRIOR / fleet.median_active_rate + v[ACTIVE_EXPOSURE])
    rows = (high & (v[MONITORED_DAY] >= 0.0)).nonzero()[0]
    found: Rows = rows[_concerned(v[:, rows], day, fleet, thresholds, config)]
    return found


def _concerned(v: Column, day: int, fleet: FleetDay, thresholds: Thresholds, config: DetectionConfig) -> Mask:
    alerts = OpenAlerts(v[SILENCE_LEVEL], v[DROP_LEVEL], v[FLOOR])
    told = told_on(v, day, alerts, rates(v, fleet), silences(v, fleet), thresholds, config)
    low = told.enough & (told.drop > np.maximum(alerts.drop, alerts.silence))
    low &= (alerts.drop > 0.0) | (alerts.silence == 0.0)
    heard: Mask = ((told.silence > 0) | low) & (v[MUTED] == 0.0)
    calm = (v[CALM_DAY] >= 0.0) | ((alerts.drop > 0.0) & ((told.drop == 0) | (v[REBASELINED] > 0.0)))
    found: Mask = heard | calm
    return found


def told_on(
    v: Column,
    day: int,
    alerts: OpenAlerts,
    rate: Column,
    silence: Column,
    thresholds: Thresholds,
    config: DetectionConfig,
) -> Told:
    """Of rows `v`, into which `day` was folded, with their rates and E. See `usage_drop` and `usage_silence` for the
    rules."""
    seldom, opened = thresholds.seldom(rate), alerts.drop > 0
    score, expected = v[SCORE] - alerts.floor, config.expected_events
    drop = (score >= thresholds.columns(rate).drop).sum(axis=0)
    drop[seldom & ~opened] = 0
    quiet = thresholds.silence(rate, score, silence, v[CLOCK])
    quiet = np.where((quiet > 0) & ~opened, np.maximum(quiet, drop), quiet)
    new = (v[LAST_DAY] < day) & (quiet > alerts.silence)
    new &= (alerts.silence > 0) | seldom | (rate * v[CLOCK] >= expected)
    return Told(np.where(new, quiet, 0), drop, opened | (rate * v[PENDING_EXPOSURE] >= expected))
