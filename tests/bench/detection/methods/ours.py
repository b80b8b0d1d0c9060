"""slackwater's own channels, as the engine folds them, with what is learnt of the fleet and of the channels' scores."""

import numpy as np

from streams.detection.calibration import CALIBRATED_EVERY, DROP, Calibration
from streams.detection.config import DetectionConfig
from streams.detection.day_sums import DaySums
from streams.detection.fleet_learning import FleetLearning
from streams.detection.fold import fold
from streams.detection.habits import CLOCK as CLOCK_DAYS
from streams.detection.habits import FIRST_DAY, MONITORED_DAY, PENDING_EXPOSURE, SCORE, Habits, rates, silences
from streams.detection.thresholds import Thresholds
from streams.detection.tiers import tiers_of
from tests.bench.detection.arrays import Counts, Mask, Scores
from tests.bench.detection.method import Setting

_NOTHING = -9.0
_EXPECTED = DetectionConfig().expected_events


class Ours:
    """Sources are added up. Thresholds are learnt without labels, from the first day on."""

    def begin(self, setting: Setting) -> None:
        self._weekday, self._day = setting.first_weekday, 0
        self._habits = Habits()
        for account in range(setting.accounts):
            self._habits.row(str(account))
        self._fleet, self._calibration = FleetLearning(), Calibration()
        self._scale = self._calibration.scale(DaySums().watched, DaySums().ongoing)
        self._unacted = Thresholds(DetectionConfig())
        """Stands for the thresholds of alerts, which say something only of excursions on which somebody acted."""

    def day(self, counts: Counts, monitored: Mask) -> Scores:
        day, weekday = self._day, (self._weekday + self._day) % 7
        self._day += 1
        events = counts.sum(axis=0).astype(float)
        v = self._habits.values[:, : events.size]
        rows = ((v[FIRST_DAY] >= 0) | (events > 0)).nonzero()[0]
        own, y, judged = v[:, rows], events[rows], monitored[rows]
        sums = DaySums()
        sums.add(own, y, day, weekday, self._fleet.known, self._unacted)
        self._calibration += sums.calibration
        if day % CALIBRATED_EVERY == 0:
            self._scale = self._calibration.scale(sums.watched, sums.ongoing, by_losses=True)
        fleet = self._fleet.decide(weekday, sums.fleet)
        fold(own, y, day, weekday, fleet)
        own[MONITORED_DAY, judged & (own[MONITORED_DAY] < 0)] = day
        v[:, rows] = own
        rate = rates(own, fleet)
        tier = tiers_of(rate)
        together = self._scale.silence(rate, own[SCORE], silences(own, fleet), own[CLOCK_DAYS])
        seldom = self._scale.seldom(rate)
        silent = (y == 0.0) & (seldom | (rate * own[CLOCK_DAYS] >= _EXPECTED))
        low = ~seldom & (silent | (rate * own[PENDING_EXPOSURE] >= _EXPECTED))
        fall = np.where(low, self._scale.of(DROP, tier, own[SCORE]), _NOTHING)
        fall += np.log10(self._scale.shares[tier])
        together = np.where(silent, together, _NOTHING) + np.log10(self._scale.silence_shares[tier])
        highest = np.maximum(fall, together)
        scores = np.full(events.size, _NOTHING)
        scores[rows] = np.where(judged, highest, _NOTHING)
        return scores
