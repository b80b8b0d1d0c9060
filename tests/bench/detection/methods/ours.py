"""slackwater's own channels, as the engine folds them, with what is learnt of the fleet and of the channels' scores."""

import numpy as np

from streams.detection.calibration import CLOCK, DROP, SILENCE, Calibration
from streams.detection.fleet_learning import FleetLearning, sums_of
from streams.detection.fold import fold
from streams.detection.habits import CLOCK as CLOCK_DAYS
from streams.detection.habits import CLOSED_ACTIVE_DAY, FIRST_DAY, SCORE, Habits, rates, silences
from streams.detection.tiers import TIERS, tiers_of
from tests.bench.detection.arrays import Counts, Mask, Scores
from tests.bench.detection.method import Setting

_NOTHING = -9.0
_WEEK = 7


class Ours:
    """Sources are added up. Thresholds are learnt without labels, from the first day on."""

    def begin(self, setting: Setting) -> None:
        self._weekday, self._day = setting.first_weekday, 0
        self._habits = Habits()
        for account in range(setting.accounts):
            self._habits.row(str(account))
        self._fleet, self._calibration = FleetLearning(), Calibration()
        self._scale = self._calibration.scale(np.zeros(TIERS, np.int64))
        self._peak = np.zeros(setting.accounts)
        self._watched_from = np.full(setting.accounts, -1.0)

    def day(self, counts: Counts, monitored: Mask) -> Scores:
        day, weekday = self._day, (self._weekday + self._day) % 7
        self._day += 1
        events = counts.sum(axis=0).astype(float)
        v = self._habits.values[:, : events.size]
        fleet = self._fleet.decide(weekday, sums_of(v, events, day, weekday, self._fleet.known))
        rows = ((v[FIRST_DAY] >= 0) | (events > 0)).nonzero()[0]
        own, y, watched = v[:, rows], events[rows], self._watched_from[rows]
        tier = tiers_of(rates(own, fleet))
        back = (y > 0) & (watched >= 0)
        since = np.maximum(own[CLOSED_ACTIVE_DAY], watched)
        self._calibration.watch(tier[back], (day - since)[back])
        for channel, peaks in ((SILENCE, silences(own, fleet)), (CLOCK, own[CLOCK_DAYS])):
            over = back & (peaks > 0)
            self._calibration.book(channel, tier[over], peaks[over])
        fold(own, y, day, weekday, fleet)
        peaks = np.maximum(self._peak[rows], own[SCORE])
        over = (own[SCORE] <= 0) & (peaks > 0)
        self._calibration.book(DROP, tier[over & (watched >= 0)], peaks[over & (watched >= 0)])
        self._peak[rows] = np.where(over, 0.0, peaks)
        judged = monitored[rows]
        self._watched_from[rows] = np.where((watched < 0) & judged, day, watched)
        v[:, rows] = own
        tier = tiers_of(rates(own, fleet))
        if day % _WEEK == _WEEK - 1:
            self._scale = self._calibration.scale(np.bincount(tier[judged], minlength=TIERS))
        channels = ((DROP, own[SCORE]), (SILENCE, silences(own, fleet)), (CLOCK, own[CLOCK_DAYS]))
        highest = np.max([self._scale.of(channel, tier, score) for channel, score in channels], axis=0)
        scores = np.full(events.size, _NOTHING)
        scores[rows] = np.where(judged, highest, _NOTHING)
        return scores
