"""The bound: a CUSUM that is told the true expectation of every day and the true dispersion of every account."""

import numpy as np

from tests.bench.detection.arrays import Counts, Mask, Scores
from tests.bench.detection.fleet import Fleet
from tests.bench.detection.method import Setting

#: Falls to which it listens: to nearly nothing, and to a part.
RHOS = (0.02, 0.3)


class Oracle:
    """The highest of a few CUSUMs. It knows vacations and holidays beforehand, and nothing of the stories."""

    def __init__(self, fleet: Fleet) -> None:
        assert fleet.expected is not None
        assert fleet.size is not None
        self._expected = fleet.expected.sum(axis=0)
        self._size = fleet.size

    def begin(self, setting: Setting) -> None:
        self._number = 0
        self._sums = np.zeros((len(RHOS), setting.accounts))

    def day(self, counts: Counts, monitored: Mask) -> Scores:
        mean, size, number = self._expected[:, self._number], self._size, counts.sum(axis=0)
        self._number += 1
        for sums, rho in zip(self._sums, RHOS, strict=True):
            step = number * np.log(rho * (size + mean) / (size + rho * mean))
            step += size * np.log((size + mean) / (size + rho * mean))
            sums[:] = np.maximum(0.0, sums + step)
        highest: Scores = self._sums.max(axis=0)
        return highest
