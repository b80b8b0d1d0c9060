"""Alerts of an account that are followed for 90 days: was it lost by then?"""

from collections.abc import Iterator
from typing import Any, Final

from schemas.alerts import Kind, Severity
from streams.detection.config import DAY_MS
from streams.detection.odds import HORIZON_DAYS

HORIZON_MS: Final = HORIZON_DAYS * DAY_MS
_RANKS: Final = tuple(Severity)


class Following:
    """At most one of each kind and severity, from when the alert came to that severity; another one within these 90
    days is of the same story. That an account was lost is told at the end of the 90 days as well: were losses told
    before what was none, a growing fleet would seem to lose more than it does."""

    __slots__ = ("since",)

    def __init__(self) -> None:
        self.since: dict[tuple[Kind, Severity], int] = {}

    def __bool__(self) -> bool:
        return bool(self.since)

    def add(self, kind: Kind, severity: Severity, at: int) -> None:
        """An alert has come to a severity."""
        self.since.setdefault((kind, severity), at)

    def next_at(self) -> int:
        """When the first one is over."""
        return min(self.since.values()) + HORIZON_MS

    def over(self, at: int) -> Iterator[tuple[Kind, Severity, int]]:
        """Those that are, which are followed no more; with when they began."""
        for (kind, severity), since in list(self.since.items()):
            if since + HORIZON_MS <= at:
                del self.since[kind, severity]
                yield kind, severity, since

    def encode(self) -> list[Any]:
        """JSON values: kind, rank of the severity, and since when, one after the other."""
        values: list[Any] = []
        for (kind, severity), since in self.since.items():
            values += (kind.value, severity.rank, since)
        return values

    @classmethod
    def decode(cls, values: list[Any]) -> "Following":
        """The inverse of `encode`."""
        following = cls()
        for kind, rank, since in zip(values[::3], values[1::3], values[2::3], strict=True):
            following.since[Kind(kind), _RANKS[rank]] = since
        return following
