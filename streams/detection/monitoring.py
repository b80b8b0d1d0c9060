"""From which day on an account is known well enough to be judged."""

import numpy as np

from streams.detection.config import DetectionConfig
from streams.detection.habits import FIRST_DAY, MONITORED_DAY, READY_DAY, Column, Mask


def monitor(v: Column, recent: Column, active: Mask, day: int, config: DetectionConfig) -> Mask:
    """After `day` was folded into rows `v` with their last active days `recent`: those that are monitored from it on.
    Changes both in place."""
    rows = (active & (v[MONITORED_DAY] < 0.0)).nonzero()[0]
    if rows.size:
        days = recent[:, rows]
        days[:-1] = days[1:]
        days[-1] = day
        recent[:, rows] = days
        ready = np.maximum(day, v[FIRST_DAY, rows] + config.monitored_age_days)
        known = (days[0] >= 0.0) & (ready - days[0] < config.monitored_window_days)
        v[READY_DAY, rows] = np.where(known, ready, -1.0)
    begins: Mask = (v[MONITORED_DAY] < 0.0) & (v[READY_DAY] >= 0.0) & (v[READY_DAY] <= day)
    v[MONITORED_DAY, begins] = day
    return begins
