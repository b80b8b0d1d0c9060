"""Transitions and notifications as the worker would make them, for the tests of this directory."""

from typing import Any

from alerting.letter import Letter, letter_of
from alerting.notification import AnyNote, AtRisk, CatchUp, Group, Notice, Notification, Over, Reminder, Summary
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


def letter(route: str = "default", **fields: Any) -> Letter:
    """The letter of such a notification."""
    return letter_to(notification(route, **fields))


def letter_to(note: AnyNote) -> Letter:
    """The letter of a note that has one."""
    made = letter_of(note)
    assert made is not None
    return made


def transition_of(note: AnyNote) -> Transition:
    """What a notification tells of."""
    assert isinstance(note, Notification)
    return note.transition


def notice(**fields: Any) -> Notice:
    """A notice of records that were lost, but for `fields`."""
    made: dict[str, Any] = {
        "route": "default",
        "notice_id": "8899aabbccddeeff",
        "title": "Records lost",
        "where": "billing/3",
        "text": "1234 records of billing/3 (offsets 100 to 1333) had been removed from the topic before slackwater "
        "read them. It reads on at offset 1334.",
        "advice": "Give the topic a longer retention.ms: https://kafka.apache.org/documentation/#topicconfigs",
        "at": AT,
    }
    return Notice(**(made | fields))


def catch_up(accounts: int = 3, **fields: Any) -> CatchUp:
    """A message about the past, with so many accounts at risk, but for `fields`."""
    silent, dropped = (Kind.USAGE_SILENCE, Severity.CRITICAL), (Kind.USAGE_DROP, Severity.WARNING)
    named = tuple(
        AtRisk(
            account_id=f"acct-{number}",
            account_name=f"Acme {number}" if number % 3 else None,
            owner="anna@vendor.example" if number % 2 else None,
            kinds=(silent, dropped) if number % 2 else (dropped,),
            since=AT - number * DAY,
            mrr_minor=149_000 // number if number % 4 else None,
            currency="EUR" if number % 4 else None,
            priority=52_150.0 / number if number % 4 else 0.0,
        )
        for number in range(1, min(accounts, 10) + 1)
    )
    made: dict[str, Any] = {
        "route": "default",
        "timezone": "Europe/Berlin",
        "catch_up_id": "8899aabbccddeeff",
        "at": AT,
        "first_at": AT - 300 * DAY,
        "last_at": AT - DAY,
        "opened": 412,
        "resolved": 380,
        "open_alerts": 2 * accounts,
        "open_accounts": accounts,
        "at_risk_minor": {"EUR": 95_608, "USD": 120_000} if accounts else {},
        "accounts": named,
    }
    return CatchUp(**(made | fields))


def group(*alerts: Notification, **fields: Any) -> Group:
    """A message about Acme: two alerts that opened, unless others are given."""
    first = notification(kind=Kind.PAYMENT_FAILED, alert_id="1" * 16, severity=Severity.CRITICAL)
    made: dict[str, Any] = {"route": "default", "account_id": "acme", "alerts": alerts or (first, notification())}
    return Group(**(made | {"new": tuple(each.transition.alert_id for each in made["alerts"])} | fields))


def reminder(*unanswered: Notification, **fields: Any) -> Reminder:
    """A reminder of a silence that was told nine hours ago, but for `fields`."""
    silent = notification(kind=Kind.USAGE_SILENCE, severity=Severity.CRITICAL)
    made: dict[str, Any] = {"route": "default", "account_id": "acme", "unanswered": unanswered or (silent,)}
    return Reminder(**(made | {"number": 2, "told_at": AT, "at": AT + 9 * HOUR} | fields))


def summary(accounts: int = 3, **fields: Any) -> Summary:
    """A digest of a week, with so many accounts at risk, but for `fields`."""
    over = tuple(
        Over(account_id=f"gone-{number}", account_name=f"Gone {number}", kind=Kind.CANCEL_SCHEDULED, lost=number == 1)
        for number in range(1, 4)
    )
    made: dict[str, Any] = {
        "route": "default",
        "timezone": "Europe/Berlin",
        "summary_id": "8899aabbccddeeff",
        "why": "digest",
        "at": AT,
        "first_at": AT - 7 * DAY,
        "last_at": AT - DAY,
        "changed_accounts": accounts + 6,
        "new": accounts,
        "worse": 1,
        "acknowledged": 2,
        "resolved": 4,
        "went": 5,
        "still_open": 12,
        "kinds": {Kind.USAGE_SILENCE: accounts, Kind.PAYMENT_FAILED: 1},
        "open_accounts": accounts,
        "at_risk_minor": {"EUR": 95_608, "USD": 120_000},
        "accounts": catch_up(accounts).accounts,
        "over": over,
    }
    return Summary(**(made | fields))
