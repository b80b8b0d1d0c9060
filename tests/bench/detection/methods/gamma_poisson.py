"""Silence in surprise: active days as a Poisson stream whose rate has a gamma prior, so that the score is minus the
logarithm of the probability that an account with this history is quiet for so long (Lomax)."""

import numpy as np

from tests.bench.detection.arrays import Counts, Mask, Scores
from tests.bench.detection.method import Setting
from tests.bench.detection.methods.weekdays import Weekdays, started

HALF_LIFE = 720.0


class GammaPoisson:
    """0 on active days and before the first."""

    def begin(self, setting: Setting) -> None:
        self._weekdays = Weekdays(setting.accounts, setting.first_weekday, 15.0)
        self._seen = np.zeros(setting.accounts, dtype=bool)
        self._active, self._exposure, self._quiet = (np.zeros(setting.accounts) for _ in range(3))

    def day(self, counts: Counts, monitored: Mask) -> Scores:
        active = counts.any(axis=0)
        rates = (0.5 + self._active[monitored]) / (1.0 + self._exposure[monitored])
        prior = 0.5 / ((float(np.median(rates)) if len(rates) else 0.2) + 0.02)
        self._quiet = np.where(self._seen, self._quiet + self._weekdays.weight(), 0.0)
        score: Scores = (0.5 + self._active) * np.log1p(self._quiet / (prior + self._exposure))
        decay = 0.5 ** (self._quiet / HALF_LIFE)
        self._active = np.where(active, decay * self._active + 1, self._active)
        self._exposure = np.where(active, decay * self._exposure + self._quiet, self._exposure)
        self._quiet = np.where(active, 0.0, self._quiet)
        self._seen = started(self._seen, counts)
        self._weekdays.learn(active.astype(float))
        return np.where(active | ~self._seen, 0.0, score)
