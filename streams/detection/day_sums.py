"""What a home partition's accounts say of a day about the fleet, before the day is folded into them: sums of whole
numbers, so that those of several partitions add up to the same whatever their order."""

from typing import Any, Final, Self

import numpy as np

from streams.detection import flow
from streams.detection.calibration import (
    BINS,
    CALIBRATED_EVERY,
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
from streams.detection.fleet_learning import WIDTH, Sums, sums_of
from streams.detection.habits import (
    ACTED,
    CLOSED_ACTIVE_DAY,
    MONITORED_DAY,
    PEAK,
    PEAK_TIER,
    SCORE,
    Column,
    Mask,
    Rows,
    rates,
    silences,
)
from streams.detection.habits import (
    CLOCK as CLOCK_DAYS,
)
from streams.detection.source_sums import SourceSums
from streams.detection.thresholds import Thresholds
from streams.detection.tiers import TIERS, tiers_of

_PEAKS: Final = CHANNELS * TIERS * BINS


class DaySums:
    """Sums for the fleet's learning, peaks of excursions that are over with the time they were watched for in, and, on
    days of a calibration, how many accounts [tier] are watched and how far excursions have come that are not over."""

    def __init__(self) -> None:
        self.fleet: Sums = np.zeros(WIDTH, np.int64)
        self.calibration = Calibration()
        self.watched: Counts = np.zeros(TIERS, np.int64)
        self.sources = SourceSums()
        self.flow: dict[int, flow.Counts] = {}
        self.ongoing: Counts = none()

    def add(self, v: Column, y: Column, day: int, weekday: int, known: FleetDay, thresholds: Thresholds) -> None:
        """Add rows `v` (columns as in `habits`), of which each has begun or begins on the day, with its events `y`.
        `known` and `thresholds` are as of the day before."""
        self.fleet += sums_of(v, y, day, weekday, known)
        tier = tiers_of(rates(v, known))
        watched = v[MONITORED_DAY] >= 0.0
        over = (watched & (v[SCORE] <= 0.0) & (v[PEAK] > 0.0)).nonzero()[0]
        self._book(v, DROP, over, _tiers_of_peaks(v, tier, over), v[PEAK, over], thresholds)
        back = (watched & (y > 0.0)).nonzero()[0]  # what an account does not come back from is no false alarm
        since = np.maximum(v[CLOSED_ACTIVE_DAY, back], v[MONITORED_DAY, back])
        self.calibration.watch(tier[back], day - since)
        self._book(v, SILENCE, back, tier[back], silences(v[:, back], known), thresholds)
        self._book(v, CLOCK, back, tier[back], v[CLOCK_DAYS, back], thresholds)
        if day % CALIBRATED_EVERY == 0:
            self._survey(v, watched, watched & (y <= 0.0), tier, known)

    def _book(self, v: Column, channel: int, rows: Rows, tier: Rows, peaks: Column, thresholds: Thresholds) -> None:
        """Excursions that are over. Of those on which somebody acted no more is known than that they came up to their
        alert."""
        acted = v[ACTED, rows] > 0.0
        for mine, counts in ((~acted, self.calibration.peaks), (acted, self.calibration.acted)):
            rose = (mine & (peaks > 0.0)).nonzero()[0]
            if rose.size:
                height = peaks[rose]
                if counts is self.calibration.acted:
                    height = np.minimum(height, thresholds.alert(channel, tier[rose]))
                count(counts, channel, tier[rose], height)

    def _survey(self, v: Column, watched: Mask, quiet: Mask, tier: Rows, known: FleetDay) -> None:
        """Those who are watched, and excursions that are not over."""
        self.watched += np.bincount(tier[watched], minlength=TIERS)
        low = (watched & (v[SCORE] > 0.0)).nonzero()[0]
        count(self.ongoing, DROP, _tiers_of_peaks(v, tier, low), np.maximum(v[PEAK, low], v[SCORE, low]))
        rows = (quiet & (v[CLOCK_DAYS] > 0.0)).nonzero()[0]
        count(self.ongoing, SILENCE, tier[rows], silences(v[:, rows], known))
        count(self.ongoing, CLOCK, tier[rows], v[CLOCK_DAYS, rows])

    def __iadd__(self, other: Self) -> Self:
        self.fleet += other.fleet
        self.calibration += other.calibration
        self.watched += other.watched
        self.sources += other.sources
        self.ongoing += other.ongoing
        flow.add(self.flow, other.flow)
        return self

    def pack(self) -> list[Any]:
        """As plain data: where the numbers are that are not 0, and which; the sources and the flow."""
        of_bins = (self.calibration.peaks, self.calibration.acted, self.ongoing)
        parts = (self.fleet, self.watched, self.calibration.days, *(each.ravel() for each in of_bins))
        numbers = np.concatenate(parts, dtype=np.int64)
        places = numbers.nonzero()[0]
        sources = self.sources.pack()
        return [places.tolist(), numbers[places].tolist(), sources, flow.pack(self.flow)]

    @classmethod
    def unpack(cls, packed: Any) -> Self:
        """What `pack` gave."""
        numbers = np.zeros(WIDTH + 2 * TIERS + 3 * _PEAKS, np.int64)
        numbers[packed[0]] = packed[1]
        sums = cls()
        sums.sources, sums.flow = SourceSums.unpack(packed[2]), flow.unpack(packed[3])
        sums.fleet, sums.watched, sums.calibration.days, of_bins = np.split(
            numbers, (WIDTH, WIDTH + TIERS, WIDTH + 2 * TIERS)
        )
        sums.calibration.peaks, sums.calibration.acted, sums.ongoing = of_bins.reshape(3, CHANNELS, TIERS, BINS)
        return sums


def _tiers_of_peaks(v: Column, tier: Rows, rows: Rows) -> Rows:
    """To which tier an excursion of the drop channel belongs: that in which it began. What it ends with is the lower
    rate that it came to."""
    began: Rows = np.where(v[PEAK_TIER, rows] >= 0.0, v[PEAK_TIER, rows], tier[rows]).astype(np.intp)
    return began
