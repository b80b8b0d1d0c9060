"""What a home partition's accounts say of a day about the fleet, before the day is folded into them: sums of whole
numbers, so that those of several partitions add up to the same whatever their order."""

from typing import Any, Self

import numpy as np

from streams.detection import flow
from streams.detection.calibration import CALIBRATED_EVERY
from streams.detection.facet_sums import FacetSums
from streams.detection.fleet import FleetDay
from streams.detection.fleet_learning import WIDTH, Sums, sums_of
from streams.detection.habits import Column
from streams.detection.peak_sums import PEAKS_WIDTH, PeakSums
from streams.detection.sequels import Sequels
from streams.detection.source_sums import SourceSums
from streams.detection.thresholds import Thresholds


class DaySums(PeakSums):
    """Sums for the fleet's learning, for the calibration of the whole of activity, and of sources, facets and flow; and
    how accounts went on."""

    def __init__(self) -> None:
        super().__init__()
        self.fleet: Sums = np.zeros(WIDTH, np.int64)
        self.sources = SourceSums()
        self.facets = FacetSums()
        self.flow: dict[int, flow.Counts] = {}
        self.sequels = Sequels()

    def add(self, v: Column, y: Column, day: int, weekday: int, known: FleetDay, thresholds: Thresholds) -> None:
        """Add rows `v` (columns as in `habits`), of which each has begun or begins on the day, with its events `y`.
        `known` and `thresholds` are as of the day before."""
        self.fleet += sums_of(v, y, day, weekday, known)
        self.book(v, y, day, known, thresholds)
        if day % CALIBRATED_EVERY == 0:
            self.survey(v, y, known)

    def __iadd__(self, other: Self) -> Self:
        super().__iadd__(other)
        self.fleet += other.fleet
        self.sources += other.sources
        self.facets += other.facets
        self.sequels += other.sequels
        flow.add(self.flow, other.flow)
        return self

    def pack(self) -> list[Any]:
        """As plain data: where the numbers are that are not 0, and which; the sources, the flow, the facets and the
        sequels."""
        numbers = np.concatenate((self.fleet, self.numbers()))
        places = numbers.nonzero()[0]
        packed = [places.tolist(), numbers[places].tolist(), self.sources.pack(), flow.pack(self.flow)]
        facets, sequels = self.facets.pack(), self.sequels.pack()
        if sequels is not None:
            return [*packed, facets or [], sequels]
        return packed if facets is None else [*packed, facets]

    @classmethod
    def unpack(cls, packed: Any) -> Self:
        """What `pack` gave."""
        numbers = np.zeros(WIDTH + PEAKS_WIDTH, np.int64)
        numbers[packed[0]] = packed[1]
        sums = cls()
        sums.sources, sums.flow = SourceSums.unpack(packed[2]), flow.unpack(packed[3])
        sums.fleet = numbers[:WIDTH]
        sums.set_numbers(numbers[WIDTH:])
        if len(packed) > 4:
            sums.facets = FacetSums.unpack(packed[4])
        if len(packed) > 5:
            sums.sequels = Sequels.unpack(packed[5])
        return sums
