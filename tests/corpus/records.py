"""What a record of the corpus is, and the sound events that the bad ones are made from."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from schemas.codec import InputTopic
from schemas.errors import Reason

AT: Final = "2025-03-01T12:00:00Z"

USAGE: Final[dict[str, Any]] = {"account_id": "acct-1", "event": "report.exported", "occurred_at": AT}
BILLING: Final[dict[str, Any]] = {"account_id": "acct-1", "occurred_at": AT, "event_id": "evt-1"}
TERMS: Final[dict[str, Any]] = BILLING | {
    "type": "subscription.updated",
    "plan": "pro",
    "seats": 10,
    "mrr_minor": 49_900,
    "currency": "EUR",
    "interval": "month",
    "current_period_end": "2025-04-01T00:00:00Z",
    "renewal_at": "2026-01-01T00:00:00Z",
}
FAILED: Final[dict[str, Any]] = BILLING | {
    "type": "payment.failed",
    "invoice_id": "in-1",
    "amount_minor": 49_900,
    "currency": "EUR",
    "attempt": 1,
}
CARD: Final[dict[str, Any]] = BILLING | {
    "type": "payment_method.updated",
    "payment_method_id": "pm-1",
    "kind": "card",
    "exp_month": 4,
    "exp_year": 2027,
}
ACCOUNT: Final[dict[str, Any]] = {"account_id": "acct-1", "updated_at": AT}
FEEDBACK: Final[dict[str, Any]] = {"account_id": "acct-1", "occurred_at": AT, "event_id": "fb-1"}
NPS: Final[dict[str, Any]] = FEEDBACK | {"type": "nps", "score": 3, "user_id": "u-1"}
TICKET: Final[dict[str, Any]] = FEEDBACK | {"type": "ticket", "ticket_id": "t-1", "status": "open"}
SURVEY: Final[dict[str, Any]] = FEEDBACK | {"type": "exit_survey", "reason": "price"}
COMMAND: Final[dict[str, Any]] = {
    "command_id": "cmd-1",
    "command": "acknowledge",
    "account_id": "acct-1",
    "alert_id": "0123456789abcdef",
    "by": "kim@example.com",
    "at": AT,
}
SNOOZE: Final[dict[str, Any]] = COMMAND | {"command": "snooze", "until": "2025-03-08T12:00:00Z"}
ACTION: Final[dict[str, Any]] = COMMAND | {"command": "record_action", "action": "discount", "result": "offered"}
OUTCOME: Final[dict[str, Any]] = COMMAND | {"command": "record_outcome", "outcome": "saved"}

SOUND: Final = {
    InputTopic.USAGE: USAGE,
    InputTopic.BILLING: TERMS,
    InputTopic.ACCOUNTS: ACCOUNT,
    InputTopic.FEEDBACK: NPS,
    InputTopic.COMMANDS: COMMAND,
}


@dataclass(frozen=True, slots=True)
class GoodRecord:
    """A record that must be read, however odd it looks: `name` says what is odd about it."""

    name: str
    topic: InputTopic
    raw: bytes


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that must be turned away: `name` says what is wrong with it, the rest is what must be said of it."""

    name: str
    topic: InputTopic
    raw: bytes | None
    reason: Reason
    field: str | None


def without(event: dict[str, Any], *names: str) -> dict[str, Any]:
    """The event without these fields."""
    return {name: value for name, value in event.items() if name not in names}


def text(event: dict[str, Any]) -> bytes:
    """The event as JSON."""
    return orjson.dumps(event)


def spliced(event: dict[str, Any], more: str) -> bytes:
    """The event with `more`, raw JSON text of further members, at its end."""
    return text(event)[:-1] + b"," + more.encode("utf-8", "surrogatepass") + b"}"


def invalid(
    topic: InputTopic,
    event: dict[str, Any],
    cases: Iterable[tuple[str, str, Any]],
    reason: Reason = Reason.INVALID_FIELD,
) -> list[BadRecord]:
    """A record for every (name, field, value): the event with that value in that field."""
    return [BadRecord(name, topic, text(event | {field: value}), reason, field) for name, field, value in cases]


def missing(topic: InputTopic, event: dict[str, Any], *names: str) -> list[BadRecord]:
    """Two records for every field: the event without it, and with null in its place."""
    what = event.get("type", event.get("command", topic.value))
    return [
        BadRecord(f"{what} {how} {field}", topic, text(changed), Reason.MISSING_FIELD, field)
        for field in names
        for how, changed in (("without", without(event, field)), ("with null as", event | {field: None}))
    ]
