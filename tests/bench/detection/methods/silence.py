"""Silence in days: the rule that everybody starts with."""

import numpy as np

from tests.bench.detection.arrays import Counts, Mask, Scores
from tests.bench.detection.method import Setting


class Silence:
    """Days since the last event, less `limit`: above 0 when an account has been quiet for longer than usual."""

    def __init__(self, limit: float = 0.0) -> None:
        self._limit = limit

    def begin(self, setting: Setting) -> None:
        self._quiet = np.full(setting.accounts, -np.inf)

    def day(self, counts: Counts, monitored: Mask) -> Scores:
        self._quiet = np.where(counts.any(axis=0), 0.0, self._quiet + 1)
        return self._quiet - self._limit
