"""Whom a closed day concerns: the accounts whose engagement signals may have something to say, out of all.

It is the signals that judge, one account at a time. This is what they ask for, on columns: an account that is left out
is one of which they would say nothing.
"""

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


def concerned(v: Column, day: int, fleet: FleetDay, thresholds: Thresholds, config: DetectionConfig) -> Rows:
    """Of rows `v`, into which `day` was folded. See `usage_drop` and `usage_silence` for the rules."""
    # First those who stand high enough for anything in any tier, as ln(1 + x) <= x: few, of whom the rest is asked.
    drop, (silence, clock) = thresholds.least[DROP], thresholds.least_together
    high = (v[SCORE] - v[FLOOR] >= drop) | (v[CLOCK] >= clock) | (v[DROP_LEVEL] > 0.0) | (v[CALM_DAY] >= 0.0)
    high |= (PRIOR + v[ACTIVE]) * v[QUIET] >= silence * (PRIOR / fleet.median_active_rate + v[ACTIVE_EXPOSURE])
    rows = (high & (v[MONITORED_DAY] >= 0.0)).nonzero()[0]
    found: Rows = rows[_concerned(v[:, rows], day, fleet, thresholds, config)]
    return found


def _concerned(v: Column, day: int, fleet: FleetDay, thresholds: Thresholds, config: DetectionConfig) -> Mask:
    rate = rates(v, fleet)
    levels = thresholds.columns(rate)
    silence = silences(v, fleet)
    dropped, silent, seldom = v[DROP_LEVEL], v[SILENCE_LEVEL], thresholds.seldom(rate)
    drop_level = np.where(seldom & (dropped == 0.0), 0, _reached(v[SCORE] - v[FLOOR], levels.drop))
    quiet_level = thresholds.silence(rate, v[SCORE] - v[FLOOR], silence, v[CLOCK])
    by_all = np.where((quiet_level > 0) & (dropped == 0.0), np.maximum(quiet_level, drop_level), quiet_level)
    quiet = (v[LAST_DAY] < day) & (by_all > silent)
    quiet &= (silent > 0.0) | seldom | (rate * v[CLOCK] >= config.expected_events)
    low = (drop_level > dropped) & (
        (dropped > 0.0) | ((silent == 0.0) & (rate * v[PENDING_EXPOSURE] >= config.expected_events))
    )
    heard: Mask = (quiet | low) & (v[MUTED] == 0.0)
    calm = (v[CALM_DAY] >= 0.0) | ((dropped > 0.0) & ((drop_level == 0) | (v[REBASELINED] > 0.0)))
    found: Mask = heard | calm
    return found


def _reached(score: Column, levels: Column) -> npt.NDArray[np.int64]:
    level: npt.NDArray[np.int64] = (score >= levels).sum(axis=0)
    return level
