"""How likely an account is lost within 90 days of an alert, by kind, severity and tier: from what became of earlier
ones, beside what was judged beforehand."""

from collections.abc import Mapping
from typing import Any, Final

from schemas.alerts import Kind, Severity

HORIZON_DAYS: Final = 90
TIER_LENGTH: Final = 64
ALL: Final = ""
"""Stands for a tier where all of them are counted."""
PRIOR: Final = {
    Kind.USAGE_DROP: (0.05, 0.12, 0.25),
    Kind.USAGE_SILENCE: (0.06, 0.18, 0.35),
    Kind.KEY_ACTION_STOPPED: (0.05, 0.12, 0.25),
    Kind.BREADTH_DECLINE: (0.04, 0.1, 0.2),
    Kind.PAYMENT_FAILED: (0.05, 0.12, 0.35),
    Kind.CARD_EXPIRING: (0.01, 0.03, 0.08),
    Kind.CANCEL_INTENT: (0.1, 0.2, 0.35),
    Kind.CHAMPION_GONE: (0.03, 0.08, 0.2),
    Kind.ONBOARDING_STALLED: (0.05, 0.15, 0.3),
    Kind.NEGATIVE_FEEDBACK: (0.03, 0.07, 0.15),
    Kind.CANCEL_SCHEDULED: (0.5, 0.7, 0.85),
    Kind.PAUSED: (0.15, 0.3, 0.5),
    Kind.DOWNGRADE: (0.04, 0.1, 0.2),
    Kind.SEATS_REDUCED: (0.04, 0.08, 0.15),
    Kind.RENEWAL_AT_RISK: (0.1, 0.2, 0.35),
}
"""The probability by severity, as it is judged beforehand."""
_OTHER: Final = (0.04, 0.1, 0.2)
_PRIOR_ALERTS: Final = 20.0
"""The prior weighs as much as so many alerts that were followed."""
_KIND_ALERTS: Final = 20.0
"""What is known of a kind and severity weighs as much as so many of a tier's own."""
_HALF_LIFE: Final = 730.0
"""Days after which what was learnt weighs half."""
_LEAST: Final = 0.05
"""Less of a tier is forgotten."""
_TIERS: Final = 32
"""So many tiers are told apart, the first ones: the others have the probability of all."""

Cell = tuple[str, int, str]
"""Kind, rank of the severity, tier."""
Followed = Mapping[Cell, tuple[int, int]]
"""By cell: alerts that were followed, and how many of them came before a loss."""


class Odds:
    """What is known by a day; it never changes. The posterior means of beta-binomial models, one on top of the other:
    a kind and severity begins at its prior, a tier of it at what is known of the kind and severity. So one alert more
    moves a probability by a twenty-first at most.

    >>> Odds().probability(Kind.CANCEL_SCHEDULED, Severity.WARNING)
    0.7
    >>> learnt = Odds().learn(20_000, {("cancel_scheduled", 1, "free"): (20, 20)})
    >>> [round(learnt.probability(Kind.CANCEL_SCHEDULED, Severity.WARNING, tier), 3) for tier in (None, "free")]
    [0.85, 0.925]
    """

    __slots__ = ("_counts", "_day")

    def __init__(self, day: int = -1, counts: Mapping[Cell, tuple[float, float]] | None = None) -> None:
        self._day = day
        self._counts = counts or {}
        """What became of alerts, as `Followed`, with the weight that each has left on that day."""

    def probability(self, kind: Kind, severity: Severity, tier: str | None = None) -> float:
        """That an account of this tier is lost within 90 days of such an alert."""
        rank = severity.rank
        alerts, lost = self._counts.get((kind.value, rank, ALL), (0.0, 0.0))
        known = (_PRIOR_ALERTS * PRIOR.get(kind, _OTHER)[rank] + lost) / (_PRIOR_ALERTS + alerts)
        own = self._counts.get((kind.value, rank, tier[:TIER_LENGTH])) if tier else None
        if own is None:
            return known
        alerts, lost = own
        return (_KIND_ALERTS * known + lost) / (_KIND_ALERTS + alerts)

    def learn(self, day: int, followed: Followed) -> "Odds":
        """What is known by `day`, on which so many alerts have been followed for long enough."""
        if not followed:
            return self
        left = 0.5 ** ((day - self._day) / _HALF_LIFE) if self._day >= 0 else 1.0
        counts = {cell: (alerts * left, lost * left) for cell, (alerts, lost) in self._counts.items()}
        counts = {cell: each for cell, each in counts.items() if cell[2] == ALL or each[0] >= _LEAST}
        tiers = {tier for _, _, tier in counts if tier != ALL}
        for (kind, rank, tier), (alerts, lost) in sorted(followed.items()):
            if tier != ALL and tier not in tiers and len(tiers) < _TIERS:
                tiers.add(tier)
            for each in (ALL, tier) if tier in tiers else (ALL,):
                had = counts.get((kind, rank, each), (0.0, 0.0))
                counts[kind, rank, each] = (had[0] + alerts, had[1] + lost)
        return Odds(day, counts)

    def pack(self) -> list[Any]:
        """As plain data."""
        return [self._day, [[*cell, *each] for cell, each in sorted(self._counts.items())]]

    @classmethod
    def unpack(cls, packed: list[Any]) -> "Odds":
        """What `pack` gave."""
        day, rows = packed
        return cls(day, {(kind, rank, tier): (alerts, lost) for kind, rank, tier, alerts, lost in rows})
