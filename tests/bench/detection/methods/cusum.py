"""One-sided CUSUM of a fall to `rho` of the usual rate, for Poisson and for negative binomial counts (Page 1954;
Lucas 1985 for counts). Both learn the usual rate with a half-life of 60 days, the decline itself included: what a
textbook gives, and what our own channel improves on."""

import numpy as np

from tests.bench.detection.arrays import Counts, Mask, Scores
from tests.bench.detection.method import Setting
from tests.bench.detection.methods.weekdays import Weekdays, started

HALF_LIFE = 60.0
RHO = 0.4


class Cusum:
    """With `dispersed` the counts are negative binomial, of a dispersion learnt for each account."""

    def __init__(self, *, dispersed: bool) -> None:
        self._dispersed = dispersed

    def begin(self, setting: Setting) -> None:
        self._weekdays = Weekdays(setting.accounts, setting.first_weekday, 30.0)
        self._seen = np.zeros(setting.accounts, dtype=bool)
        self._events, self._days, self._sum = (np.zeros(setting.accounts) for _ in range(3))
        self._surplus = np.full(setting.accounts, 10.0)
        self._square = np.full(setting.accounts, 20.0)

    def day(self, counts: Counts, monitored: Mask) -> Scores:
        number = counts.sum(axis=0).astype(float)
        weight = self._weekdays.weight()
        rate = (0.5 + self._events) / (0.5 + self._days)
        mean = rate * weight
        if self._dispersed:
            size = 1 / np.clip(self._surplus / self._square, 0.02, 4.0)
            step = number * np.log(RHO * (size + mean) / (size + RHO * mean))
            step += size * np.log((size + mean) / (size + RHO * mean))
            error = np.minimum((number - mean) ** 2 - mean, 25 * (mean + mean**2))
            self._surplus = np.where(self._seen, 0.995 * self._surplus + error, self._surplus)
            self._square = np.where(self._seen, 0.995 * self._square + mean**2, self._square)
        else:
            step = number * np.log(RHO) + (1 - RHO) * mean
        self._sum = np.where(monitored, np.maximum(0.0, self._sum + step), 0.0)
        self._seen = started(self._seen, counts)
        decay = np.where(self._seen, 0.5 ** (1 / HALF_LIFE), 1.0)
        self._events = decay * self._events + number
        self._days = decay * self._days + np.where(self._seen, weight, 0.0)
        self._weekdays.learn(number)
        return self._sum
