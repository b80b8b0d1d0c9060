"""What a home partition's accounts say of a day about the fleet, before the day is folded into them: sums of whole
numbers, so that those of several partitions add up to the same whatever their order."""

from typing import Any, Final, Self

import numpy as np

from streams.detection import flow
from streams.detection.calibration import BINS, CHANNELS, CLOCK, DROP, SILENCE, Calibration, Counts
from streams.detection.fleet import FleetDay
from streams.detection.fleet_learning import WIDTH, Sums, sums_of
from streams.detection.habits import (
    CLOCK as CLOCK_DAYS,
)
from streams.detection.habits import (
    CLOSED_ACTIVE_DAY,
    MONITORED_DAY,
    PEAK,
    SCORE,
    Column,
    rates,
    silences,
)
from streams.detection.source_sums import SourceSums
from streams.detection.tiers import TIERS, tiers_of

_PEAKS: Final = CHANNELS * TIERS * BINS


class DaySums:
    """Sums for the fleet's learning, peaks of excursions that are over with the time they were watched for in, and how
    many accounts [tier] are watched."""

    def __init__(self) -> None:
        self.fleet: Sums = np.zeros(WIDTH, np.int64)
        self.calibration = Calibration()
        self.watched: Counts = np.zeros(TIERS, np.int64)
        self.sources = SourceSums()
        self.flow: dict[int, flow.Counts] = {}

    def add(self, v: Column, y: Column, day: int, weekday: int, known: FleetDay) -> None:
        """Add rows `v` (columns as in `habits`), of which each has begun or begins on the day, with its events `y`.
        `known` is what is known of the fleet by the day before."""
        self.fleet += sums_of(v, y, day, weekday, known)
        tier = tiers_of(rates(v, known))
        watched = v[MONITORED_DAY] >= 0.0
        self.watched += np.bincount(tier[watched], minlength=TIERS)
        over = (watched & (v[SCORE] <= 0.0) & (v[PEAK] > 0.0)).nonzero()[0]
        self.calibration.book(DROP, tier[over], v[PEAK, over])
        back = (watched & (y > 0.0)).nonzero()[0]  # what an account does not come back from is no false alarm
        since = np.maximum(v[CLOSED_ACTIVE_DAY, back], v[MONITORED_DAY, back])
        self.calibration.watch(tier[back], day - since)
        for channel, peaks in ((SILENCE, silences(v[:, back], known)), (CLOCK, v[CLOCK_DAYS, back])):
            rose = peaks > 0.0
            self.calibration.book(channel, tier[back][rose], peaks[rose])

    def __iadd__(self, other: Self) -> Self:
        self.fleet += other.fleet
        self.calibration += other.calibration
        self.watched += other.watched
        self.sources += other.sources
        flow.add(self.flow, other.flow)
        return self

    def pack(self) -> list[Any]:
        """As plain data: where the numbers are that are not 0, and which; the sources and the flow."""
        numbers = np.concatenate(
            (self.fleet, self.watched, self.calibration.days, self.calibration.peaks.ravel()), dtype=np.int64
        )
        places = numbers.nonzero()[0]
        sources = self.sources.pack()
        return [places.tolist(), numbers[places].tolist(), sources, flow.pack(self.flow)]

    @classmethod
    def unpack(cls, packed: Any) -> Self:
        """What `pack` gave."""
        numbers = np.zeros(WIDTH + 2 * TIERS + _PEAKS, np.int64)
        numbers[packed[0]] = packed[1]
        sums = cls()
        sums.sources, sums.flow = SourceSums.unpack(packed[2]), flow.unpack(packed[3])
        sums.fleet, sums.watched, sums.calibration.days, peaks = np.split(
            numbers, (WIDTH, WIDTH + TIERS, WIDTH + 2 * TIERS)
        )
        sums.calibration.peaks = peaks.reshape(CHANNELS, TIERS, BINS)
        return sums
