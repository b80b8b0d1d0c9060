"""Who is told about a transition: routes in order, the first that matches wins unless it lets others match too."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from alerting.matchers import Matchers
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

_WITH_REASONS: Final = frozenset({Kind.CANCEL_SCHEDULED, Kind.DOWNGRADE})
"""The kinds of which it may be known why the customer wants it so."""

TOLD_CHANGES = frozenset({Change.OPENED, Change.ESCALATED, Change.WOKEN, Change.RESOLVED})
"""Acknowledged and snoozed are not told: whoever did it knows, and the alert is to go quiet."""

QUIETENING = frozenset({Change.ACKNOWLEDGED, Change.SNOOZED})
"""Routes that hold anything back hear of these all the same: of such an alert they remind nobody."""

SHOWN_CHANGES = TOLD_CHANGES | QUIETENING
"""What a channel is told that keeps an alert's message up to date: so its buttons are those of its state."""

_FOR_ALL: Final = QUIETENING | {Change.RESOLVED}
"""What asks for nothing, and concerns all who heard of the alert."""

DEFAULT: Final = "default"
"""The route that takes what no other does, the notifications of a broken one, and what is said of slackwater itself."""
SLACK: Final = "slack"
"""The channel of the settings `slack_*`."""
CONSOLE: Final = "console"
"""The channel that is this terminal."""


class Mention(StrEnum):
    """Whom a message calls, where their Slack id is known."""

    OWNER = "owner"
    TEAM = "team"


@dataclass(frozen=True, slots=True)
class Route:
    """Where messages go, which, and when. Raises `ValueError` for an impossible one.

    `channel`: the name of what carries them. `minimum_severity`: a watch is told in digests only. `continues`: the
    routes after this one may match as well. `quiet`: when, and how much at most.
    """

    name: str = DEFAULT
    channel: str = SLACK
    minimum_severity: Severity = Severity.WARNING
    kinds: frozenset[Kind] = TOLD_KINDS
    changes: frozenset[Change] = TOLD_CHANGES
    continues: bool = False
    matchers: Matchers = field(default_factory=Matchers)
    mentions: frozenset[Mention] = frozenset({Mention.OWNER})
    quiet: Quiet = field(default_factory=Quiet)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", self.name):
            raise ValueError("a route's name has 1 to 64 of a-z, 0-9, _ and -, and starts with a letter or digit")
        if self.minimum_severity is Severity.WATCH and self.quiet.digest_at is None:
            allowed = "minimum_severity is warning or critical; watches are never told but in a digest (digest_at)"
            raise ValueError(f"route {self.name}: {allowed}")

    def wants(self, transition: Transition) -> bool:
        """Whether this route tells the transition. What happens to an alert while it is snoozed is not told."""
        return next(self.refusals(transition), None) is None

    def refusals(self, transition: Transition) -> Iterator[str]:
        """Why not, a few words for each thing that it asks for and does not find."""
        kind, severity = transition.kind, transition.severity
        if kind not in self.kinds:
            yield f"kind is {kind.value}, asked for is {' or '.join(sorted(self.kinds))}"
        if severity.rank < self.minimum_severity.rank:
            yield f"severity is {severity.value}, asked for is {self.minimum_severity.value} at least"
        if transition.change not in self.changes:
            yield f"change is {transition.change.value}, told are {', '.join(sorted(self.changes))}"
        elif transition.state is AlertState.SNOOZED and transition.change is not Change.SNOOZED:
            yield "the alert is snoozed"
        yield from self.matchers.refusals(transition)

    def may_tell(self, kind: Kind, severity: Severity) -> bool:
        """Whether it tells such alerts of some accounts."""
        return kind in self.kinds and severity.rank >= self.minimum_severity.rank


def route(transition: Transition, routes: Iterable[Route]) -> list[str]:
    """The names of the routes that tell this transition, in order; none at all is usual."""
    return [each.name for each in _taking(transition, routes)]


def _taking(transition: Transition, routes: Iterable[Route]) -> Iterator[Route]:
    for candidate in routes:
        if candidate.wants(transition):
            yield candidate
            if not candidate.continues:
                return


def followers(transition: Transition, routes: Sequence[Route], told: Iterable[str]) -> list[str]:
    """The routes besides `told` that tell this transition if they have told of the alert before.

    An alert that is over is over for all who heard of it, and so is one that somebody has taken on, where that is told.
    Its account may have another owner, team or MRR by then, and an alert that turned critical may have gone to a route
    that comes before the one it opened on. The default route may have heard of any, from one that is broken, and the
    route that is told of the past of those.
    """
    if transition.change not in _FOR_ALL:
        return []
    heard = frozenset(told)
    # Severity never comes down: who does not tell of it now never did.
    may = [each for each in routes if each.may_tell(transition.kind, transition.severity)]
    if may:
        may += [each for each in routes if each.name == home_route(routes) and each not in may]
    return [each.name for each in may if each.name not in heard and transition.change in each.changes]


class Judged(NamedTuple):
    """What a route makes of a transition."""

    route: Route
    takes: bool
    why_not: tuple[str, ...]
    """Its own reasons, and the route before it that has the transition for itself."""


def judge(transition: Transition, routes: Iterable[Route]) -> list[Judged]:
    """What each route makes of it, for people: it agrees with `route`."""
    judged: list[Judged] = []
    last: str | None = None
    for each in routes:
        why_not = tuple(each.refusals(transition))
        matches = not why_not
        if last is not None:
            why_not = (*why_not, f"route {last} takes it, and does not continue")
        judged.append(Judged(each, not why_not, why_not))
        if matches and last is None and not each.continues:
            last = each.name
    return judged


def home_route(routes: Iterable[Route]) -> str | None:
    """The route that is told of slackwater itself and of the past: the default one, else the first."""
    names = [each.name for each in routes]
    return DEFAULT if DEFAULT in names else next(iter(names), None)


def doubts(routes: Iterable[Route]) -> Iterator[str]:
    """What is hardly meant: routes that can never tell anything, and alerts that nobody is told of."""
    before: list[Route] = []
    routes = tuple(routes)
    for each in routes:
        if (taker := next((other for other in before if _takes_all(other, each)), None)) is not None:
            yield f"route {each.name} can never match: route {taker.name} before it takes all that it asks for"
        elif not each.kinds:
            yield f"route {each.name} can never match: its kinds are recorded only, unless they are named in full"
        elif _asks_for_reasons(each.matchers) and _WITH_REASONS.isdisjoint(each.kinds):
            yield (
                f"route {each.name} can never match: reason classes are known of "
                f"{' and '.join(sorted(_WITH_REASONS))}, which are none of its kinds"
            )
        if not each.continues:
            before.append(each)
    if routes and not any(each.name == DEFAULT for each in routes):
        yield (
            f"there is no route named {DEFAULT}: what no route matches is told to nobody, and nobody takes over from a "
            "route that breaks"
        )


def _takes_all(before: Route, other: Route) -> bool:
    return (
        other.kinds <= before.kinds
        and other.changes <= before.changes
        and other.minimum_severity.rank >= before.minimum_severity.rank
        and before.matchers.covers(other.matchers)
    )


def _asks_for_reasons(matchers: Matchers) -> bool:
    return bool(matchers.reason_classes) or matchers.influenceable is not None


def listeners(transition: Transition, routes: Iterable[Route]) -> list[str]:
    """The names of the routes that do not tell this transition, but take note of it if they know of the alert."""
    if transition.change not in QUIETENING:
        return []
    return [each.name for each in routes if each.quiet.gathers and transition.change not in each.changes]
