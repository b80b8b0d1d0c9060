"""Peaks of excursions that are over, with the time they were watched for in, and, on days of a calibration, how many
accounts [tier] are watched and how far excursions have come that are not over. Whole numbers, as `day_sums.py` has
them."""

from typing import Final, Self

import numpy as np

from streams.detection.calibration import (
    BINS,
    CHANNELS,
    CLOCK,
    DROP,
    SILENCE,
    Calibration,
    Counts,
    count,
    none,
)
from streams.detection.fleet import FleetDay
from streams.detection.habits import (
    ACTED,
    CLOSED_ACTIVE_DAY,
    MONITORED_DAY,
    PEAK,
    PEAK_TIER,
    SCORE,
    SILENCE_OVER,
    Column,
    Mask,
    Rows,
    rates,
    silences,
)
from streams.detection.habits import (
    CLOCK as CLOCK_DAYS,
)
from streams.detection.thresholds import Thresholds
from streams.detection.tiers import TIERS, tiers_of

_BINS: Final = CHANNELS * TIERS * BINS
PEAKS_WIDTH: Final = 2 * TIERS + 3 * _BINS


class PeakSums:
    """Of the whole of activity, or of one facet."""

    def __init__(self) -> None:
        self.calibration = Calibration()
        self.watched: Counts = np.zeros(TIERS, np.int64)
        self.ongoing: Counts = none()

    def book(self, v: Column, y: Column, day: int, known: FleetDay, thresholds: Thresholds) -> None:
        """Add the excursions of rows `v` (columns as in `habits`) that are over by the day, on which they had `y`."""
        tier = tiers_of(rates(v, known))
        watched = v[MONITORED_DAY] >= 0.0
        over = (watched & (v[SCORE] <= 0.0) & (v[PEAK] > 0.0)).nonzero()[0]
        self._book(v, DROP, over, _tiers_of_peaks(v, tier, over), v[PEAK, over], thresholds)
        back = (watched & (y > 0.0)).nonzero()[0]  # what an account does not come back from is no false alarm
        since = np.maximum(v[CLOSED_ACTIVE_DAY, back], v[MONITORED_DAY, back])
        self.calibration.watch(tier[back], day - since)
        self._book(v, SILENCE, back, tier[back], silences(v[:, back], known), thresholds)
        self._book(v, CLOCK, back, tier[back], v[CLOCK_DAYS, back], thresholds)

    def survey(self, v: Column, y: Column, known: FleetDay) -> None:
        """Add who is watched of rows `v`, and the excursions that are not over."""
        tier = tiers_of(rates(v, known))
        watched: Mask = v[MONITORED_DAY] >= 0.0
        self.watched += np.bincount(tier[watched], minlength=TIERS)
        low = (watched & (v[SCORE] > 0.0)).nonzero()[0]
        count(self.ongoing, DROP, _tiers_of_peaks(v, tier, low), np.maximum(v[PEAK, low], v[SCORE, low]))
        rows = (watched & (y <= 0.0) & (v[CLOCK_DAYS] > 0.0)).nonzero()[0]
        count(self.ongoing, SILENCE, tier[rows], silences(v[:, rows], known))
        count(self.ongoing, CLOCK, tier[rows], v[CLOCK_DAYS, rows])

    def _book(self, v: Column, channel: int, rows: Rows, tier: Rows, peaks: Column, thresholds: Thresholds) -> None:
        """Of those on which somebody acted no more is known than that they came up to their alert; an account's next
        silence is its own, while the fall goes on."""
        acted = (v[ACTED, rows] > 0.0) & ((channel == DROP) | (v[ACTED, rows] < SILENCE_OVER))
        for mine, counts in ((~acted, self.calibration.peaks), (acted, self.calibration.acted)):
            rose = (mine & (peaks > 0.0)).nonzero()[0]
            if rose.size:
                height = peaks[rose]
                if counts is self.calibration.acted:
                    height = np.minimum(height, thresholds.alert(channel, tier[rose]))
                count(counts, channel, tier[rose], height)

    def __iadd__(self, other: Self) -> Self:
        self.calibration += other.calibration
        self.watched += other.watched
        self.ongoing += other.ongoing
        return self

    def numbers(self) -> Counts:
        """All of them in a row."""
        of_bins = (self.calibration.peaks, self.calibration.acted, self.ongoing)
        parts = (self.watched, self.calibration.days, *(each.ravel() for each in of_bins))
        return np.concatenate(parts, dtype=np.int64)

    def set_numbers(self, numbers: Counts) -> None:
        """What `numbers` gave."""
        self.watched, self.calibration.days, of_bins = np.split(numbers, (TIERS, 2 * TIERS))
        self.calibration.peaks, self.calibration.acted, self.ongoing = of_bins.reshape(3, CHANNELS, TIERS, BINS)


def _tiers_of_peaks(v: Column, tier: Rows, rows: Rows) -> Rows:
    """To which tier an excursion of the drop channel belongs: that in which it began. What it ends with is the lower
    rate that it came to."""
    began: Rows = np.where(v[PEAK_TIER, rows] >= 0.0, v[PEAK_TIER, rows], tier[rows]).astype(np.intp)
    return began
