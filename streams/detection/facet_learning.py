"""What is learnt of facets from all accounts: how rare their scores are, and when a facet has gone for all of them.

Each facet may raise a part of the false alarms that are asked for, besides those of the whole of activity, of which it
takes nothing: what is told of facets realises a small part of that, as few of them rise by chance. Main sources have
the largest, as they are told under the name of a kind that is sent.
"""

from base64 import b64decode, b64encode
from math import log
from typing import Any, Final
from zlib import compress, decompress

import numpy as np

from streams.detection import fleet_learning
from streams.detection.calibration import CALIBRATED_EVERY, SHARED
from streams.detection.config import DetectionConfig
from streams.detection.facet_sums import FacetSums
from streams.detection.facets import CALIBRATED
from streams.detection.fleet_learning import real
from streams.detection.peak_sums import PEAKS_WIDTH, PeakSums
from streams.detection.thresholds import Thresholds
from streams.detection.tiers import DROP_COLD, MEASURED_AT, TIERS, Table

_SHARES: Final = (0.1, 0.1, 0.25)
_FALLS: Final = (1.0, 1.0, 4.0)
"""A main source's fall may make so many times its part: most that stand so high are moves to another source, or the
account does elsewhere what is missing, and of these nothing is told (`signals/fallen_source.py`)."""
_WEEKLY: Table = (log(365.25 / 7.0 / MEASURED_AT),) * TIERS
"""Of a cumulative sum of log-likelihood ratios the chance of an alarm at h is at most exp(-h) at each step (Lorden
1971): breadth has one a week, and begins with that. Rarer than it was measured elsewhere, that is as little trusted as
any other tail of a cold start: people are not as independent as a bound has it."""
_DROP_COLD = (DROP_COLD, _WEEKLY, DROP_COLD)
"""By calibration."""
_PRIOR: Final = 5.0
_GONE: Final = 0.1
"""Below this, what is left of a facet is none: its events have another name now, or come without users."""
_LOW: Final = 0.6
"""Above this a facet is as it is: its accounts' own activity accounts for the rest."""


class FacetLearning:
    """Day by day, as `FleetLog` goes on."""

    def __init__(self, config: DetectionConfig) -> None:
        self._config = config
        self._known = [PeakSums() for _ in range(CALIBRATED)]
        """As of the thresholds. What is watched, and not over, is that of the newest survey."""
        self._since = FacetSums()
        self._factors: dict[int, list[float]] = {}
        """Of days on which some facet was low."""
        self.thresholds: list[Thresholds] = []
        """By calibration."""
        self.calibrate()

    def factor(self, facet: int, day: int) -> float:
        """What there was of a facet on a day, of all accounts and against their normal: 1 unless it was low."""
        factors = self._factors.get(day)
        return 1.0 if factors is None else factors[facet]

    def take(self, day: int, sums: FacetSums, kept_days: int) -> None:
        """The next decided day. Factors are kept for so many days. To be followed by `calibrate` on days of one."""
        factors = [_factor(*sums.against[facet]) for facet in range(CALIBRATED)]
        if min(factors) < 1.0:
            self._factors[day] = factors
        for old in [each for each in self._factors if each <= day - kept_days]:
            del self._factors[old]
        self._since += sums
        if day % CALIBRATED_EVERY == 0:
            for facet, known in enumerate(self._known):
                known.calibration += self._since.of(facet).calibration
                surveyed = sums.of(facet)
                known.watched, known.ongoing = surveyed.watched, surveyed.ongoing
            self._since = FacetSums()

    def calibrate(self) -> None:
        """Set thresholds by what is known."""
        self.thresholds = []
        for known, share, falls, cold in zip(self._known, _SHARES, _FALLS, _DROP_COLD, strict=True):
            scale = known.calibration.scale(known.watched, known.ongoing, cold)
            self.thresholds.append(Thresholds(self._config, scale, share, SHARED, falls))

    def pack(self) -> list[Any]:
        """As plain data."""
        numbers = np.concatenate([known.numbers() for known in self._known])
        return [b64encode(compress(numbers.tobytes())).decode(), self._since.pack(), list(self._factors.items())]

    def unpack(self, packed: list[Any]) -> None:
        """Go on from what `pack` gave. To be followed by `calibrate`."""
        numbers, since, factors = packed
        raw = np.frombuffer(decompress(b64decode(numbers)), np.int64).reshape(-1, PEAKS_WIDTH)
        for known, own in zip(self._known, raw, strict=False):  # of what has come since, nothing is known
            known.set_numbers(own.copy())
        self._since = FacetSums() if since is None else FacetSums.unpack(since)
        self._factors = {day: [*each, *[1.0] * (CALIBRATED - len(each))] for day, each in factors}


def _factor(had: np.int64, expected: np.int64, accounts: np.int64) -> float:
    if accounts < fleet_learning.FEWEST:
        return 1.0
    factor = (real(had) + _PRIOR) / (real(expected) + _PRIOR)
    return 1.0 if factor >= _LOW else factor if factor >= _GONE else 0.0
