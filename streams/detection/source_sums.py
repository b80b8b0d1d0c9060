"""What a home partition's accounts say of a day about the sources that events come from: whole numbers, so that those
of several partitions add up to the same whatever their order."""

from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from streams.detection import fleet_learning
from streams.detection.fleet_learning import against, in_whole, real
from streams.detection.sources import BUCKETS, SOURCES, Columns, Sources

Mask = npt.NDArray[np.bool_]

_USES: Final = 0.05
"""An account has its say about a source from this share on."""


class OfSource(NamedTuple):
    """What all accounts together say of one source on a day."""

    came: float
    """Weighted events ..."""
    expected: float
    """... and what was expected of the accounts, by their normal."""
    accounts: int
    """How many of them use it."""
    nats: float
    """Minus the log of the probability that nothing comes, of all but the one who says most; 0 where so many accounts
    use it that it has a factor."""
    active: int
    """Accounts of which something came, whatever is known of them."""


class SourceSums:
    """By source what there was against what was expected, and of how many accounts; by bucket how many accounts were
    active, and whose name it goes by."""

    def __init__(self) -> None:
        self.of: npt.NDArray[np.int64] = np.zeros((SOURCES, 3), np.int64)
        """Weighted events, weighted expectation, and the accounts, of each source."""
        self.silence: npt.NDArray[np.int64] = np.zeros((SOURCES, 3), np.int64)
        """See `OfSource`: nats of all, nats of the one who says most, and the active accounts."""
        self.active: dict[int, int] = {}
        self.names: dict[int, tuple[int, str]] = {}

    def add(self, mu: Columns, counts: Columns, shares: Columns, dispersion: float) -> None:
        """Add accounts that speak for the fleet: `mu` is what was expected of each, `counts` [source, row] what there
        was, `shares` [source, row] what it is used to; `dispersion` the fleet's 1/k."""
        for source in range(SOURCES):
            of_source = mu * shares[source]
            self.of[source, :2] += against(counts[source], of_source)
            uses = (shares[source] >= _USES).nonzero()[0]
            self.of[source, 2] += uses.size
            if uses.size:
                nats = in_whole(np.log1p(of_source[uses] * dispersion) / dispersion)
                self.silence[source, 0] += nats.sum()
                self.silence[source, 1] = max(self.silence[source, 1], nats.max())

    def hear(self, counts: Columns, judged: Mask) -> None:
        """Add what came [source, row] from accounts that are `judged`, whether they speak for the fleet or not."""
        self.silence[: len(counts), 2] += np.count_nonzero((counts > 0.0) & judged, axis=1)

    def of_source(self, source: int) -> OfSource:
        """What is said of one."""
        came, expected, accounts = self.of[source]
        nats, most, active = self.silence[source]
        few = accounts < fleet_learning.FEWEST  # of all homes: else it has a factor
        return OfSource(real(came), real(expected), int(accounts), real(nats - most) if few else 0.0, int(active))

    def see(self, sources: Sources, day: int) -> None:
        """Add who was active on which source."""
        for bucket, counts in sources.open.get(day, {}).items():
            if bucket < BUCKETS:
                self.active[bucket] = self.active.get(bucket, 0) + len(counts)
        names = sources.names.get(day, {})
        self._name({bucket: (most, name) for bucket, (most, name) in names.items() if bucket in self.active})

    def __iadd__(self, other: Self) -> Self:
        self.of += other.of
        most = np.maximum(self.silence[:, 1], other.silence[:, 1])
        self.silence += other.silence
        self.silence[:, 1] = most
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
        return [self.of.ravel().tolist(), named, self.silence.ravel().tolist()]

    @classmethod
    def unpack(cls, packed: Any) -> Self:
        """What `pack` gave."""
        sums = cls()
        if packed is not None:
            sums.of = np.array(packed[0], np.int64).reshape(SOURCES, 3)
            if len(packed) > 2:
                sums.silence = np.array(packed[2], np.int64).reshape(SOURCES, 3)
            for bucket, accounts, most, name in packed[1]:
                sums.active[bucket] = accounts
                sums.names[bucket] = (most, name)
        return sums
