"""Who is told about a transition: routes in order, the first that matches wins unless it lets others match too."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from alerting.quiet import Quiet
from schemas.alerts import AlertState, Change, Kind, Severity, Transition

BILLING_KINDS = frozenset(
    {
        Kind.PAYMENT_FAILED,
        Kind.CARD_EXPIRING,
        Kind.CANCEL_SCHEDULED,
        Kind.DOWNGRADE,
        Kind.SEATS_REDUCED,
        Kind.PAUSED,
    }
)
TOLD_KINDS = BILLING_KINDS | {Kind.USAGE_DROP, Kind.USAGE_SILENCE, Kind.RENEWAL_AT_RISK, Kind.TELEMETRY_STALLED}
"""The kinds that are told unless settings say otherwise. The others are for the board until they have earned it."""

TOLD_CHANGES = frozenset({Change.OPENED, Change.ESCALATED, Change.WOKEN, Change.RESOLVED})
"""Acknowledged and snoozed are not told: whoever did it knows, and the alert is to go quiet."""

QUIETENING = frozenset({Change.ACKNOWLEDGED, Change.SNOOZED})
"""Routes that hold anything back hear of these all the same: of such an alert they remind nobody."""

SHOWN_CHANGES = TOLD_CHANGES | {Change.ACKNOWLEDGED, Change.SNOOZED}
"""What a channel is told that keeps an alert's message up to date: so its buttons are those of its state."""

DEFAULT = "default"
"""The route that takes the notifications of a broken one."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where messages go, and which. Raises `ValueError` for an impossible one.

    `channel`: what carries them. `minimum_severity`: a watch is told in digests only. `continues`: the routes after
    this one may match as well. `quiet`: when, and how much at most.
    """

    name: str = DEFAULT
    channel: Literal["slack", "bot", "console"] = "slack"
    minimum_severity: Severity = Severity.WARNING
    kinds: frozenset[Kind] = TOLD_KINDS
    changes: frozenset[Change] = TOLD_CHANGES
    continues: bool = False
    quiet: Quiet = field(default_factory=Quiet)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", self.name):
            raise ValueError("a route's name has 1 to 64 of a-z, 0-9, _ and -, and starts with a letter or digit")
        if self.minimum_severity is Severity.WATCH and self.quiet.digest_at is None:
            allowed = "minimum_severity is warning or critical; watches are never told but in a digest (digest_at)"
            raise ValueError(f"route {self.name}: {allowed}")

    def wants(self, transition: Transition) -> bool:
        """Whether this route tells the transition. What happens to an alert while it is snoozed is not told.

        The severity of a resolved transition is the alert's last one, and severity never comes down before: so a
        resolved alert is told exactly where it had been told (or would have been, had it not been snoozed).
        """
        return (
            transition.kind in self.kinds
            and transition.change in self.changes
            and (transition.state is not AlertState.SNOOZED or transition.change is Change.SNOOZED)
            and transition.severity.rank >= self.minimum_severity.rank
        )


def route(transition: Transition, routes: Iterable[Route]) -> list[str]:
    """The names of the routes that tell this transition, in order; none at all is usual."""
    names: list[str] = []
    for candidate in routes:
        if candidate.wants(transition):
            names.append(candidate.name)
            if not candidate.continues:
                break
    return names


def listeners(transition: Transition, routes: Iterable[Route]) -> list[str]:
    """The names of the routes that do not tell this transition, but take note of it if they know of the alert."""
    if transition.change not in QUIETENING:
        return []
    return [each.name for each in routes if each.quiet.gathers and transition.change not in each.changes]
