"""ADWIN and Page-Hinkley of river, one detector for each account, told of what falls.

Both are fed the account's usage in units of its own: the count over the mean of its first `SETTLING` days of life on
the same scale for all accounts. That is kinder to them than raw counts, on which one setting cannot suit accounts of
0.1 and of 100 events a day.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.bench.detection import packages
from tests.bench.detection.arrays import Counts, Mask, Scores
from tests.bench.detection.method import Setting
from tests.bench.detection.methods.weekdays import Weekdays, started

SETTLING = 30


class Drift:
    """An alarm (1) on the day on which an account's detector sees a change for the lower."""

    def __init__(self, make: Callable[[], Any], fell: Callable[[Any, float], bool]) -> None:
        self._make = make
        self._fell = fell

    def begin(self, setting: Setting) -> None:
        self._detectors: dict[int, Any] = {}
        self._weekdays = Weekdays(setting.accounts, setting.first_weekday, 30.0)
        self._seen = np.zeros(setting.accounts, dtype=bool)
        self._events, self._age = np.zeros(setting.accounts), np.zeros(setting.accounts)
        self._past: list[Scores] = []

    def day(self, counts: Counts, monitored: Mask) -> Scores:
        number = counts.sum(axis=0).astype(float)
        weight = self._weekdays.weight()
        self._seen = started(self._seen, counts)
        settled = self._age >= SETTLING
        self._events += np.where(self._seen & ~settled, number, 0.0)
        self._age += self._seen
        usual = (0.5 + self._events) / (1.0 + np.minimum(self._age, SETTLING))
        values = np.where(settled, np.minimum(number / (usual * weight), 10.0), np.nan)
        self._past.append(values.astype(np.float32))
        alarms = np.zeros(len(number))
        for account in np.flatnonzero(settled & monitored).tolist():
            if account not in self._detectors:
                self._detectors[account] = self._informed(account)
            alarms[account] = self._fell(self._detectors[account], float(values[account]))
        self._weekdays.learn(number)
        return alarms

    def _informed(self, account: int) -> Any:
        """A detector that knows the past of an account that is monitored from today on. Nobody asks before."""
        detector = self._make()
        for day in self._past[:-1]:
            if not np.isnan(day[account]):
                self._fell(detector, float(day[account]))
        return detector


def adwin(delta: float) -> Drift:
    """ADWIN (Bifet and Gavalda 2007): `delta` is its bound on false detections."""
    packages.use()
    from river import drift

    def fell(detector: Any, value: float) -> bool:
        before = detector.estimation
        detector.update(value)
        return bool(detector.drift_detected and detector.estimation < before)

    return Drift(lambda: drift.ADWIN(delta=delta, clock=1, grace_period=5), fell)


def page_hinkley(threshold: float, delta: float = 0.1) -> Drift:
    """Page-Hinkley (Page 1954): the sum of what is missing beyond `delta` at which it sees a change."""
    packages.use()
    from river import drift

    def fell(detector: Any, value: float) -> bool:
        detector.update(value)
        return bool(detector.drift_detected)

    return Drift(lambda: drift.PageHinkley(threshold=threshold, delta=delta, alpha=1.0, mode="down"), fell)
