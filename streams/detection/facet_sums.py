"""What a home partition's accounts say of a day about facets: whole numbers, so that those of several partitions add up
to the same whatever their order."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from streams.detection.facets import CALIBRATED
from streams.detection.peak_sums import PEAKS_WIDTH, PeakSums


class FacetSums:
    """By calibration the peaks, and what there was against what was expected; of sources that is in `SourceSums`."""

    def __init__(self) -> None:
        self.against: npt.NDArray[np.int64] = np.zeros((CALIBRATED, 3), np.int64)
        """Weighted counts, weighted expectation, and the accounts that speak for the fleet."""
        self.peaks: dict[int, PeakSums] = {}
        """Of facets that some account has."""

    def of(self, facet: int) -> PeakSums:
        """The peaks of a facet, to be added to."""
        if facet not in self.peaks:
            self.peaks[facet] = PeakSums()
        return self.peaks[facet]

    def __iadd__(self, other: Self) -> Self:
        self.against += other.against
        for facet, peaks in other.peaks.items():
            mine = self.of(facet)
            mine += peaks
        return self

    def pack(self) -> list[Any] | None:
        """As plain data; None for nothing."""
        if not self.peaks:
            return None
        packed: list[Any] = []
        for facet, peaks in sorted(self.peaks.items()):
            numbers = peaks.numbers()
            places = numbers.nonzero()[0]
            packed.append([facet, self.against[facet].tolist(), places.tolist(), numbers[places].tolist()])
        return packed

    @classmethod
    def unpack(cls, packed: Any) -> Self:
        """What `pack` gave."""
        sums = cls()
        for facet, against, places, values in packed:
            sums.against[facet] = against
            numbers = np.zeros(PEAKS_WIDTH, np.int64)
            numbers[places] = values
            sums.of(facet).set_numbers(numbers)
        return sums
