"""What a home's accounts came to since the last day was closed, for the fleet to learn from: how new ones began, what
became of those that were late or slow, and whether alerts were followed by a loss. Whole numbers, so that those of
several partitions add up to the same whatever their order."""

from collections import Counter
from typing import Any, Self

from streams.detection.odds import Cell


class Sequels:
    """Offered with the sums of the day that closes next, and begun anew when it is closed."""

    def __init__(self) -> None:
        self.begun: Counter[tuple[int, int]] = Counter()
        """See `curve.Begun`."""
        self.came: Counter[tuple[int, int]] = Counter()
        """See `beginnings.Came`."""
        self.followed: dict[Cell, tuple[int, int]] = {}
        """See `odds.Followed`."""

    def follow(self, cell: Cell, *, lost: bool) -> None:
        """An alert was followed for long enough."""
        self._add(cell, 1, int(lost))

    def _add(self, cell: Cell, alerts: int, lost: int) -> None:
        had = self.followed.get(cell, (0, 0))
        self.followed[cell] = (had[0] + alerts, had[1] + lost)

    def __iadd__(self, other: Self) -> Self:
        self.begun.update(other.begun)
        self.came.update(other.came)
        for cell, (alerts, lost) in other.followed.items():
            self._add(cell, alerts, lost)
        return self

    def pack(self) -> list[Any] | None:
        """As plain data; None for nothing."""
        if not self.begun and not self.came and not self.followed:
            return None
        begun = [[*cell, count] for cell, count in sorted(self.begun.items())]
        followed = [[*cell, *counts] for cell, counts in sorted(self.followed.items())]
        return [begun, followed, [[*cell, count] for cell, count in sorted(self.came.items())]]

    @classmethod
    def unpack(cls, packed: Any) -> Self:
        """What `pack` gave."""
        sequels = cls()
        begun, followed, *came = packed if packed is not None else ((), ())
        for weeks, days, count in begun:
            sequels.begun[weeks, days] = count
        for kind, rank, tier, alerts, lost in followed:
            sequels.followed[kind, rank, tier] = (alerts, lost)
        for week, what, count in came[0] if came else ():
            sequels.came[week, what] = count
        return sequels
