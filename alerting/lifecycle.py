"""The life of an alert: a pure state machine, and nothing else may change an alert.

::

                     ┌──────────── opened (again, within the cool-down) ───────────┐
    (none) ─ opened ─> firing ── acknowledged ──> acknowledged ──┐                 │
                       │  ^  \\                     │             ├── resolved ──> resolved
                       │  │   └───── snoozed <─────┘             │
                       │  └ woken ──── snoozed ──────────────────┘
                       └─────────── resolved ────────────────────┘

`escalated` leaves the state as it is, but wakes a snoozed alert that turns critical. Severity only ever goes up while
the alert is open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Self

from schemas.alerts import AlertReason, AlertState, Change, Kind, OpenAlert, Resolution, Severity, Transition

ALLOWED: Mapping[tuple[AlertState | None, Change], tuple[AlertState, ...]] = {
    (None, Change.OPENED): (AlertState.FIRING,),
    (AlertState.RESOLVED, Change.OPENED): (AlertState.FIRING,),
    (AlertState.FIRING, Change.ESCALATED): (AlertState.FIRING,),
    (AlertState.ACKNOWLEDGED, Change.ESCALATED): (AlertState.ACKNOWLEDGED,),
    (AlertState.SNOOZED, Change.ESCALATED): (AlertState.SNOOZED, AlertState.FIRING),
    (AlertState.FIRING, Change.ACKNOWLEDGED): (AlertState.ACKNOWLEDGED,),
    (AlertState.SNOOZED, Change.ACKNOWLEDGED): (AlertState.ACKNOWLEDGED,),
    (AlertState.FIRING, Change.SNOOZED): (AlertState.SNOOZED,),
    (AlertState.ACKNOWLEDGED, Change.SNOOZED): (AlertState.SNOOZED,),
    (AlertState.SNOOZED, Change.SNOOZED): (AlertState.SNOOZED,),
    (AlertState.SNOOZED, Change.WOKEN): (AlertState.FIRING,),
    (AlertState.FIRING, Change.RESOLVED): (AlertState.RESOLVED,),
    (AlertState.ACKNOWLEDGED, Change.RESOLVED): (AlertState.RESOLVED,),
    (AlertState.SNOOZED, Change.RESOLVED): (AlertState.RESOLVED,),
}
"""State before and change, to the states that may follow. What is not here cannot happen."""


class ImpossibleChangeError(Exception):
    """The table does not allow this change in this state. The text says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a signal says when it fires: the words and numbers of the alert.

    `step` counts what makes a firing signal worth saying again at the same severity (a payment's next attempt).
    Counts by day in the evidence are told with the change that found them, and not kept.
    """

    severity: Severity
    since: int
    headline: str
    reasons: tuple[AlertReason, ...] = ()
    evidence: Mapping[str, int | float | tuple[int, ...]] = field(default_factory=dict)
    step: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """The account's figures at the moment of a change."""

    health: int
    mrr_minor: int | None
    currency: str | None
    priority: float


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as its last change left it. Times in milliseconds since the epoch."""

    alert_id: str
    kind: Kind
    revision: int
    change: Change
    state: AlertState
    at: int
    opened_at: int
    finding: Finding
    standing: Standing
    by: str | None = None
    snoozed_until: int | None = None
    resolution: Resolution | None = None
    warned_at: int | None = None
    """When it was first more than a watch, and people may have been told."""
    acted: bool = False
    """Somebody acknowledged it, or recorded an action on it."""

    @property
    def is_open(self) -> bool:
        """Anything but resolved."""
        return self.state is not AlertState.RESOLVED

    @property
    def severity(self) -> Severity:
        """The severity of its last finding."""
        return self.finding.severity

    def kept(self) -> "Alert":
        """What is kept of it: when it is open all but the counts by day, which are soon out of date; when it is
        resolved neither words nor numbers."""
        finding = self.finding
        if not self.is_open:
            return replace(self, finding=Finding(finding.severity, finding.since, "", step=finding.step))
        numbers = {name: value for name, value in finding.evidence.items() if not isinstance(value, tuple)}
        return replace(self, finding=replace(finding, evidence=numbers))

    def encode(self) -> list[Any]:
        """A list of JSON values, of an alert as it is `kept`."""
        finding, standing = self.finding, self.standing
        story: list[Any] = [finding.severity.value, finding.since, finding.step]
        if finding.headline or finding.reasons or finding.evidence:
            reasons = [[reason.code, reason.text, reason.values] for reason in finding.reasons]
            story += [finding.headline, reasons, dict(finding.evidence)]
        return [
            self.alert_id,
            self.kind.value,
            self.revision,
            self.change.value,
            self.state.value,
            self.at,
            self.opened_at,
            story,
            [standing.health, standing.mrr_minor, standing.currency, standing.priority],
            self.by,
            self.snoozed_until,
            self.resolution.value if self.resolution is not None else None,
            self.warned_at,
            self.acted,
        ]

    @classmethod
    def decode(cls, values: list[Any]) -> Self:
        """The inverse of `encode`."""
        alert_id, kind, revision, change, state, at, opened_at, story, standing, by, until, resolution, *more = values
        severity, since, step, *words = story
        headline, reasons, evidence = words or ("", (), {})
        if not more and severity != Severity.WATCH:  # an older version did not keep when it became more than that
            more = [opened_at]
        told = tuple(AlertReason(code=code, text=text, values=numbers) for code, text, numbers in reasons)
        return cls(
            alert_id,
            Kind(kind),
            revision,
            Change(change),
            AlertState(state),
            at,
            opened_at,
            Finding(Severity(severity), since, headline, told, evidence, step),
            Standing(*standing),
            by,
            until,
            Resolution(resolution) if resolution is not None else None,
            *more,
        )


def alert_id(account_id: str, kind: Kind, opened_at: int) -> str:
    """The first 16 hex digits of BLAKE2b over account id, kind and opening time: the same in every replay.

    >>> alert_id("acme", Kind.USAGE_DROP, 1740826800000)
    '582649ad8d1ade9c'
    """
    # An account id holds no control character, so that the line feed cannot be part of it.
    return blake2b(f"{account_id}\n{kind.value}\n{opened_at}".encode()).hexdigest()[:16]


def open_alert(account_id: str, kind: Kind, at: int, finding: Finding, standing: Standing) -> Alert:
    """A new alert."""
    identity = alert_id(account_id, kind, at)
    alert = Alert(identity, kind, 1, Change.OPENED, AlertState.FIRING, at, at, finding, standing)
    return replace(alert, warned_at=_warned(alert, at))


def reopen(alert: Alert, at: int, finding: Finding, standing: Standing) -> Alert:
    """The same episode goes on: same alert, next revision."""
    return _next(replace(_said(alert, standing), finding=finding), Change.OPENED, AlertState.FIRING, at)


def escalate(alert: Alert, at: int, finding: Finding, standing: Standing) -> Alert:
    """Worse, or the next step of the same. Severity does not come down; a snoozed alert wakes when it turns
    critical."""
    worst = max(alert.severity, finding.severity, key=lambda severity: severity.rank)
    escalated = replace(_said(alert, standing), finding=replace(finding, severity=worst))
    if alert.state is not AlertState.SNOOZED:
        return _next(escalated, Change.ESCALATED, alert.state, at)
    if worst is Severity.CRITICAL and alert.severity is not Severity.CRITICAL:
        return _next(escalated, Change.ESCALATED, AlertState.FIRING, at)
    return _next(replace(escalated, snoozed_until=alert.snoozed_until), Change.ESCALATED, AlertState.SNOOZED, at)


def acknowledge(alert: Alert, at: int, by: str, standing: Standing) -> Alert:
    """Someone takes it on."""
    return _next(replace(_said(alert, standing), by=by, acted=True), Change.ACKNOWLEDGED, AlertState.ACKNOWLEDGED, at)


def snooze(alert: Alert, at: int, by: str, until: int, standing: Standing) -> Alert:
    """Quiet until `until`."""
    snoozed = replace(_said(alert, standing), by=by, snoozed_until=until)
    return _next(snoozed, Change.SNOOZED, AlertState.SNOOZED, at)


def wake(alert: Alert, at: int, by: str | None, standing: Standing) -> Alert:
    """The snooze is over, by time or by command."""
    return _next(replace(_said(alert, standing), by=by), Change.WOKEN, AlertState.FIRING, at)


def resolve(alert: Alert, at: int, resolution: Resolution, headline: str, standing: Standing) -> Alert:
    """Over, in the words of `headline`. The severity, and what was found, stay as they were."""
    finding = replace(alert.finding, headline=headline)
    resolved = replace(_said(alert, standing), finding=finding, resolution=resolution)
    return _next(resolved, Change.RESOLVED, AlertState.RESOLVED, at)


def _said(alert: Alert, standing: Standing) -> Alert:
    """The alert with the figures of now, and without what was true of its last change alone."""
    return replace(alert, standing=standing, by=None, snoozed_until=None, resolution=None)


def _next(alert: Alert, change: Change, state: AlertState, at: int) -> Alert:
    """The change itself. Raises `ImpossibleChangeError`."""
    if state not in ALLOWED.get((alert.state, change), ()):
        raise ImpossibleChangeError(f"an alert that is {alert.state.value} cannot be {change.value}")
    # A late event cannot change an alert before its last change.
    at = max(at, alert.at)
    return replace(alert, revision=alert.revision + 1, change=change, state=state, at=at, warned_at=_warned(alert, at))


def _warned(alert: Alert, at: int) -> int | None:
    if alert.warned_at is not None or alert.severity is Severity.WATCH:
        return alert.warned_at
    return at


def transition(
    alert: Alert,
    account_id: str,
    account_name: str | None = None,
    owner: str | None = None,
    team: str | None = None,
    renewal_at: int | None = None,
    also_open: tuple[OpenAlert, ...] = (),
    playbook: str | None = None,
) -> Transition:
    """The alert's last change, as others see it."""
    finding, standing = alert.finding, alert.standing
    return Transition(
        alert_id=alert.alert_id,
        revision=alert.revision,
        account_id=account_id,
        account_name=account_name,
        kind=alert.kind,
        change=alert.change,
        state=alert.state,
        severity=finding.severity,
        at=alert.at,
        opened_at=alert.opened_at,
        since=finding.since,
        headline=finding.headline,
        reasons=finding.reasons,
        evidence=dict(finding.evidence),
        health=standing.health,
        mrr_minor=standing.mrr_minor,
        currency=standing.currency,
        priority=standing.priority,
        renewal_at=renewal_at,
        also_open=also_open,
        owner=owner,
        team=team,
        playbook=playbook,
        resolution=alert.resolution,
        by=alert.by,
    )
