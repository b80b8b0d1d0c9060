"""This week against the usual week: the second rule that everybody tries."""

import numpy as np

from tests.bench.detection.arrays import Counts, Mask, Scores
from tests.bench.detection.method import Setting

WEEK, WEEKS = 7, 8


class Ratio:
    """How far the last seven days fell below `limit` times the mean of the eight weeks before them; an account with no
    events in those has nothing to fall from."""

    def __init__(self, limit: float = 0.5) -> None:
        self._limit = limit

    def begin(self, setting: Setting) -> None:
        self._days = np.zeros((WEEK * (WEEKS + 1), setting.accounts))
        self._number = 0

    def day(self, counts: Counts, monitored: Mask) -> Scores:
        self._days[self._number % len(self._days)] = counts.sum(axis=0)
        recent = (self._number - np.arange(WEEK)) % len(self._days)
        self._number += 1
        week = self._days[recent].sum(axis=0)
        usual = (self._days.sum(axis=0) - week) / WEEKS
        return np.where(usual > 0, self._limit - week / np.maximum(usual, 1e-9), -np.inf)
