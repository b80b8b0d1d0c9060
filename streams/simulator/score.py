"""The score card: alert transitions held against the truth. Pure: the same input gives the same card.

A *case* is an account with a story. A decline is found by an engagement alert, a failed payment, an ending card or a
cancellation by its own kind of alert. A *false alarm* is an engagement alert that nothing in the account's story
explains. Only alerts that reach `minimum` count, from the transition on that reached it; an alert that opens again
after it was resolved counts again, because it is one more message.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from statistics import median
from typing import Any

from schemas.alerts import AlertState, Severity, Transition
from streams.simulator.plan import DAY_MS, Change
from streams.simulator.truth import ENGAGEMENT_KINDS, Truth

YEAR_MS = 365.25 * DAY_MS


@dataclass(frozen=True, slots=True)
class Episode:
    """One time that an alert was open at or above the minimum severity, in milliseconds; `closed_at` None: still is."""

    account_id: str
    kind: str
    opened_at: int
    closed_at: int | None


@dataclass(frozen=True, slots=True)
class Tally:
    """How the cases of one change, or of several together, came out. Delays and leads are in days."""

    cases: int = 0
    found: int = 0
    missed: int = 0
    too_recent: int = 0  # not found, and begun so shortly before the end that it would be unfair to expect it
    delays: tuple[float, ...] = ()  # from the change to the alert
    leads: tuple[float, ...] = ()  # from the alert to the loss, for accounts that leave

    @property
    def median_delay(self) -> float | None:
        """Days from the change to the alert, over the cases found; None when there are none."""
        return median(self.delays) if self.delays else None

    @property
    def median_lead(self) -> float | None:
        """Days from the alert to the loss, over the cases found that leave; None when there are none."""
        return median(self.leads) if self.leads else None

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.cases + other.cases,
            self.found + other.found,
            self.missed + other.missed,
            self.too_recent + other.too_recent,
            self.delays + other.delays,
            self.leads + other.leads,
        )


@dataclass(frozen=True, slots=True)
class ScoreCard:
    """The result. `account_years` is the time in which an engagement alert would have been a false alarm."""

    by_change: dict[Change, Tally] = field(default_factory=dict)
    false_alarms: int = 0
    unexplained: int = 0  # alerts of the other kinds with nothing in the story behind them
    account_years: float = 0.0

    @property
    def false_alarms_per_account_year(self) -> float | None:
        """None when there was no time to raise one."""
        return self.false_alarms / self.account_years if self.account_years > 0 else None

    def total(self, changes: Iterable[Change]) -> Tally:
        """Several changes taken together."""
        return sum((self.by_change.get(change, Tally()) for change in changes), Tally())

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        changes = {
            change.value: {
                "cases": tally.cases,
                "found": tally.found,
                "missed": tally.missed,
                "too_recent": tally.too_recent,
                "median_delay_days": tally.median_delay,
                "median_lead_days": tally.median_lead,
            }
            for change, tally in self.by_change.items()
        }
        return {
            "changes": changes,
            "false_alarms": self.false_alarms,
            "unexplained": self.unexplained,
            "account_years": self.account_years,
            "false_alarms_per_account_year": self.false_alarms_per_account_year,
        }


def episodes(transitions: Iterable[Transition], minimum: Severity = Severity.WARNING) -> Iterator[Episode]:
    """The times that alerts were open, from their transitions in any order (a transition given twice counts once)."""
    known = {(transition.alert_id, transition.revision): transition for transition in transitions}
    ordered = sorted(known.values(), key=lambda transition: (transition.alert_id, transition.revision))
    for _, history in groupby(ordered, key=lambda transition: transition.alert_id):
        opened: Transition | None = None
        for transition in history:
            if transition.state is AlertState.RESOLVED:
                if opened is not None:
                    yield Episode(opened.account_id, opened.kind.value, opened.at, transition.at)
                opened = None
            elif opened is None and transition.severity.rank >= minimum.rank:
                opened = transition
        if opened is not None:
            yield Episode(opened.account_id, opened.kind.value, opened.at, None)


def score(
    truths: Iterable[Truth],
    transitions: Iterable[Transition],
    *,
    since: int,
    until: int,
    minimum: Severity = Severity.WARNING,
    settling_days: int = 30,
    recent_days: int = 14,
) -> ScoreCard:
    """Hold the alerts of [since, until) (milliseconds) against what happened.

    An account's first `settling_days` are not counted as time watched, because nothing is judged before there is a
    baseline; a false alarm in them counts all the same. A case begun in the last `recent_days` and not found is neither
    found nor missed.
    """
    by_account: dict[str, list[Episode]] = {}
    for episode in episodes(transitions, minimum):
        by_account.setdefault(episode.account_id, []).append(episode)
    by_change: dict[Change, Tally] = {}
    false_alarms = unexplained = 0
    watched = 0
    for truth in truths:
        own = by_account.pop(truth.account_id, [])
        if truth.changed_at is not None and truth.changed_at < until:
            by_change[truth.change] = by_change.get(truth.change, Tally()) + _case(truth, own, until, recent_days)
        for episode in own:
            if not any(cause.explains(episode.kind, episode.opened_at) for cause in truth.causes):
                false_alarms += episode.kind in ENGAGEMENT_KINDS
                unexplained += episode.kind not in ENGAGEMENT_KINDS
        watched += max(0, _quiet_until(truth, until) - max(since, truth.started_at) - settling_days * DAY_MS)
    unexplained += sum(len(own) for own in by_account.values())  # accounts that nobody simulated
    return ScoreCard(by_change, false_alarms, unexplained, watched / YEAR_MS)


def _case(truth: Truth, own: list[Episode], until: int, recent_days: int) -> Tally:
    assert truth.changed_at is not None
    cause = truth.causes[0]
    end = min(until, until if truth.lost_at is None else truth.lost_at)
    alarms = [
        # An alert that was open already (a false alarm then) cannot open a second time: the account is being looked at.
        max(episode.opened_at, truth.changed_at)
        for episode in own
        if cause.explains(episode.kind, max(episode.opened_at, cause.since))
        and episode.opened_at < end
        and (episode.closed_at is None or episode.closed_at > truth.changed_at)
    ]
    if not alarms:
        recent = end == until and truth.changed_at >= until - recent_days * DAY_MS
        return Tally(cases=1, missed=int(not recent), too_recent=int(recent))
    first = min(alarms)
    return Tally(
        cases=1,
        found=1,
        delays=((first - truth.changed_at) / DAY_MS,),
        leads=() if truth.lost_at is None else ((truth.lost_at - first) / DAY_MS,),
    )


def _quiet_until(truth: Truth, until: int) -> int:
    """When the account's time without any reason for an engagement alert ends."""
    ends = [cause.since for cause in truth.causes if cause.kind == "engagement"]
    return min([until, *ends, *([] if truth.lost_at is None else [truth.lost_at])])
