"""What a home partition's accounts say of a day about the sources that events come from: whole numbers, so that those
of several partitions add up to the same whatever their order."""

from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from streams.detection.fleet_learning import against
from streams.detection.sources import BUCKETS, SOURCES, Columns, Sources

_USES: Final = 0.05
"""An account has its say about a source from this share on."""


class SourceSums:
    """By source what there was against what was expected, and of how many accounts; by bucket how many accounts were
    active, and whose name it goes by."""

    def __init__(self) -> None:
        self.of: npt.NDArray[np.int64] = np.zeros((SOURCES, 3), np.int64)
        """Weighted events, weighted expectation, and the accounts, of each source."""
        self.active: dict[int, int] = {}
        self.names: dict[int, tuple[int, str]] = {}

    def add(self, mu: Columns, counts: Columns, shares: Columns) -> None:
        """Add accounts that speak for the fleet: `mu` is what was expected of each, `counts` [source, row] what there
        was, `shares` [source, row] what it is used to."""
        for source in range(SOURCES):
            of_source = mu * shares[source]
            self.of[source, :2] += against(counts[source], of_source)
            self.of[source, 2] += int((shares[source] >= _USES).sum())

    def see(self, sources: Sources, day: int) -> None:
        """Add who was active on which source."""
        for bucket, counts in sources.open.get(day, {}).items():
            if bucket < BUCKETS:
                self.active[bucket] = self.active.get(bucket, 0) + len(counts)
        names = sources.names.get(day, {})
        self._name({bucket: (most, name) for bucket, (most, name) in names.items() if bucket in self.active})

    def __iadd__(self, other: Self) -> Self:
        self.of += other.of
        for bucket, accounts in other.active.items():
            self.active[bucket] = self.active.get(bucket, 0) + accounts
        self._name(other.names)
        return self

    def _name(self, names: dict[int, tuple[int, str]]) -> None:
        for bucket, name in names.items():
            if bucket not in self.names or name > self.names[bucket]:
                self.names[bucket] = name

    def pack(self) -> list[Any] | None:
        """As plain data; None for nothing."""
        if not self.active and not self.of.any():
            return None
        named = [(bucket, self.active[bucket], *self.names[bucket]) for bucket in sorted(self.active)]
        return [self.of.ravel().tolist(), named]

    @classmethod
    def unpack(cls, packed: Any) -> Self:
        """What `pack` gave."""
        sums = cls()
        if packed is not None:
            sums.of = np.array(packed[0], np.int64).reshape(SOURCES, 3)
            for bucket, accounts, most, name in packed[1]:
                sums.active[bucket] = accounts
                sums.names[bucket] = (most, name)
        return sums
