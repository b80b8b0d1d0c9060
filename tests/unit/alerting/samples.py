"""Transitions and notifications as the worker would make them, for the tests of this directory."""

from typing import Any

from alerting.notification import Notification
from schemas.alerts import AlertState, Change, Kind, Severity, Transition
from schemas.instants import parse_instant

AT = parse_instant("2025-03-12T09:30:00Z")
HOUR = 3_600_000
DAY = 24 * HOUR

STATES = {
    Change.OPENED: AlertState.FIRING,
    Change.ESCALATED: AlertState.FIRING,
    Change.WOKEN: AlertState.FIRING,
    Change.ACKNOWLEDGED: AlertState.ACKNOWLEDGED,
    Change.SNOOZED: AlertState.SNOOZED,
    Change.RESOLVED: AlertState.RESOLVED,
}


def transition(**fields: Any) -> Transition:
    """A usage drop that was just opened, but for `fields`."""
    change = fields.get("change", Change.OPENED)
    made: dict[str, Any] = {
        "alert_id": "00112233445566aa",
        "revision": 1,
        "account_id": "acme",
        "account_name": "Acme Corp",
        "kind": Kind.USAGE_DROP,
        "change": change,
        "state": STATES[change],
        "severity": Severity.WARNING,
        "at": AT,
        "opened_at": AT,
        "since": AT - 9 * DAY,
        "headline": "Activity is down to a third of what is normal for Acme Corp.",
        "health": 41,
    }
    return Transition(**(made | fields))


def notification(route: str = "default", **fields: Any) -> Notification:
    """A notification of such a transition."""
    return Notification(route=route, transition=transition(**fields))
