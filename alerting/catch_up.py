"""What happened while nobody was told: alerts of the past, counted as they come and told as one message. Pure.

A first run reads weeks of history, and so does a worker that comes back after a long stop. What it finds out about then
is on the alerts topic like everything else; people are told how much it was, and which accounts it left at risk.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from typing import Final, Self

import orjson

from alerting.notification import AtRisk, CatchUp
from schemas.alerts import Change, Transition
from schemas.errors import StateError, VersionError

VERSION: Final = 1
SHOWN: Final = 10
"""Accounts that are named."""


def in_order(accounts: Iterable[AtRisk], shown: int = SHOWN) -> tuple[AtRisk, ...]:
    """Those with the most money at risk, then the most severe; so many at most."""
    ordered = sorted(accounts, key=lambda each: (-each.priority, -each.severity, each.since, each.account_id))
    return tuple(ordered[:shown])


def whole(parts: Iterable[CatchUp]) -> CatchUp:
    """One message of the parts of several home partitions, which are at least one. It is the same in any order."""
    return reduce(_together, sorted(parts, key=lambda each: each.part or 0)).model_copy(update={"part": None})


def _together(one: CatchUp, other: CatchUp) -> CatchUp:
    risk = Counter(one.at_risk_minor) + Counter(other.at_risk_minor)
    return one.model_copy(
        update={
            "at": max(one.at, other.at),
            "first_at": min(one.first_at, other.first_at),
            "last_at": max(one.last_at, other.last_at),
            "opened": one.opened + other.opened,
            "resolved": one.resolved + other.resolved,
            "open_alerts": one.open_alerts + other.open_alerts,
            "open_accounts": one.open_accounts + other.open_accounts,
            "at_risk_minor": dict(risk),
            "accounts": in_order((*one.accounts, *other.accounts)),
        }
    )


@dataclass(frozen=True, slots=True)
class PastCounts:
    """Changes of alerts that nobody was told of, since the last message about them. Times in milliseconds."""

    opened: int = 0
    resolved: int = 0
    first_at: int | None = None
    last_at: int = -1
    told: int | None = None
    """What is of before this time was told before the state began anew, and does not count."""

    def __bool__(self) -> bool:
        """Whether there is something to tell."""
        return self.first_at is not None

    def count(self, transition: Transition, *, raised: bool) -> Self:
        """With one more change, of those that somebody would have been told of. `raised`: the alert had been, before
        it."""
        change, at = transition.change, transition.at
        if self.told is not None and at < self.told:
            return self
        opens = change is Change.OPENED or (change is Change.ESCALATED and not raised)
        return replace(
            self,
            opened=self.opened + opens,
            resolved=self.resolved + (change is Change.RESOLVED),
            first_at=at if self.first_at is None else min(at, self.first_at),
            last_at=max(at, self.last_at),
        )

    def encode(self) -> bytes:
        """A row of a table."""
        return orjson.dumps((VERSION, self.opened, self.resolved, self.first_at, self.last_at, self.told))

    @classmethod
    def decode(cls, stored: bytes | None) -> Self:
        """The inverse; nothing, where nothing is stored. Raises `StateError` for damage, and for what a newer version
        wrote."""
        if stored is None:
            return cls()
        try:
            version, *values = orjson.loads(stored)
            if version != VERSION:
                raise VersionError(f"what is counted of the past, of version {version}: this worker reads {VERSION}")
            return cls(*values)
        except (ValueError, TypeError) as error:
            raise StateError(f"what is counted of the past is damaged: {error}") from error
