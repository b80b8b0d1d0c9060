"""Records that look odd and are sound: every one of them is read."""

from collections.abc import Iterator
from typing import Any, Final

from schemas.codec import MAX_BYTES, MAX_DEPTH, InputTopic
from tests.corpus.records import (
    ACCOUNT,
    ACTION,
    BILLING,
    CARD,
    COMMAND,
    FAILED,
    NPS,
    OUTCOME,
    SNOOZE,
    SOUND,
    SURVEY,
    TERMS,
    TICKET,
    USAGE,
    GoodRecord,
    spliced,
    text,
    without,
)

_USAGE_TEXT: Final[tuple[tuple[str, bytes], ...]] = (
    ("white space before and after", b" \r\n\t" + text(USAGE) + b"\n "),
    ("white space inside", text(USAGE).replace(b",", b" ,\n ").replace(b":", b" : ", 3)),
    ("an emoji by escapes", spliced(USAGE, '"user_id":"\\ud83d\\ude00"')),
    ("an emoji as it is", spliced(USAGE, '"user_id":"\U0001f600"')),
    ("escaped quotes and backslashes", spliced(USAGE, '"user_id":"\\"\\\\\\"\\\\\\\\","p":"\\\\"')),
    ("quotes as unicode escapes", spliced(USAGE, '"user_id":"\\u0022\\u005c"')),
    ("a name by escapes", text(USAGE).replace(b'"event"', b'"\\u0065vent"')),
    ("as deep as is read", spliced(USAGE, f'"properties":{"[" * (MAX_DEPTH - 1)}{"]" * (MAX_DEPTH - 1)}')),
    ("many brackets and not deep", spliced(USAGE, f'"properties":[{",".join(["{}"] * 500)}]')),
    ("brackets inside a string", spliced(USAGE, f'"properties":"{"[{" * 100}"')),
    ("the word NaN in a string", spliced(USAGE, '"user_id":"NaN","p":["Infinity"]')),
    ("the same key in two objects", spliced(USAGE, '"p":{"event":1},"q":{"event":2}')),
    ("keys that differ in case", spliced(USAGE, '"Event":"x","EVENT":"y"')),
    ("a whole quantity with a point", spliced(USAGE, '"quantity":3.0')),
    ("a whole quantity with an exponent", spliced(USAGE, '"quantity":1e2')),
    ("an ignored number of 300 digits", spliced(USAGE, f'"p":{"9" * 300}')),
    ("an ignored tiny number", spliced(USAGE, '"p":1e-999')),
)
_USAGE_FIELDS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("nothing optional", {}),
    ("nulls for what is optional", dict.fromkeys(("event_id", "user_id", "quantity", "source", "schema_version"))),
    ("version 1", {"schema_version": 1}),
    ("the longest ids", {"account_id": "ä" * 256, "event": "e" * 256, "user_id": "\U0001f600" * 256}),
    ("an id of one space", {"account_id": " "}),
    ("an id in another script", {"account_id": "株式会社"}),
    ("an id with markup", {"account_id": "<!channel> & <https://example.com|x>"}),
    ("the smallest quantity", {"quantity": 1}),
    ("the largest quantity", {"quantity": 1_000_000}),
    ("unknown fields", {"colour": "red", "nested": {"a": [1, {"b": None}]}, "until": 5, "type": 7}),
    ("the first moment", {"occurred_at": "1990-01-01T00:00:00Z"}),
    ("the last moment", {"occurred_at": "2099-12-31T23:59:59.999Z"}),
    ("lower-case t and z", {"occurred_at": "2025-03-01t12:00:00z"}),
    ("nanoseconds", {"occurred_at": "2025-03-01T12:00:00.123456789Z"}),
    ("one digit of a fraction", {"occurred_at": "2025-03-01T12:00:00.5Z"}),
    ("an offset", {"occurred_at": "2025-03-01T17:45:00+05:45"}),
    ("an unknown local offset", {"occurred_at": "2025-03-01T12:00:00-00:00"}),
    ("a leap second", {"occurred_at": "2016-12-31T23:59:60Z"}),
    ("a leap day", {"occurred_at": "2024-02-29T12:00:00Z"}),
)
_BILLING: Final[tuple[dict[str, Any], ...]] = (
    TERMS | {"type": "subscription.started", "trial": True},
    without(TERMS, "seats", "interval", "current_period_end", "renewal_at"),
    TERMS | {"type": "subscription.renewed", "seats": None, "subscription_id": None, "mrr_minor": 0},
    TERMS | {"currency": "eur", "mrr_minor": 49_900.0},
    BILLING | {"type": "subscription.cancel_scheduled", "effective_at": "2025-04-01T00:00:00Z", "comment": "c" * 5_000},
    BILLING | {"type": "subscription.cancel_reverted"},
    BILLING | {"type": "subscription.ended", "reason": "price", "voluntary": False},
    BILLING | {"type": "subscription.paused", "resumes_at": None},
    BILLING | {"type": "subscription.resumed", "resumes_at": 5},
    FAILED | {"next_attempt_at": "2025-03-04T12:00:00Z", "failure_code": "card_declined", "hard": False},
    BILLING | {"type": "payment.succeeded", "invoice_id": "in-1", "amount_minor": 0, "currency": "JPY"},
    BILLING | {"type": "invoice.voided", "invoice_id": "in-1"},
    CARD | {"default": True},
    without(CARD, "exp_month", "exp_year") | {"kind": "sepa_debit", "exp_month": None},
    BILLING | {"type": "payment_method.removed", "payment_method_id": "pm-1"},
    without(BILLING, "event_id") | {"type": "subscription.resumed"},
)
_ACCOUNTS: Final[tuple[dict[str, Any], ...]] = (
    ACCOUNT,
    ACCOUNT | {"name": "Acme", "owner": "kim@example.com", "team": "north", "tier": "gold", "mrr_minor": 1, "seats": 0},
    ACCOUNT | {"tags": ["pilot", "do-not-call"]},
    ACCOUNT | dict.fromkeys(("name", "owner", "champions", "mrr_minor", "links", "aliases", "schema_version")),
    ACCOUNT | {"mrr": 49_900.0, "currency": "usd"},
    ACCOUNT | {"champions": [], "contacts_left": ["u-1"], "aliases": ["cus_1", "株式会社"], "internal": True},
    ACCOUNT | {"links": {"crm": "https://crm.example.com/a?b=c#d", "board": "http://localhost:8080/"}},
)
_FEEDBACK: Final[tuple[dict[str, Any], ...]] = (
    NPS | {"score": 0},
    NPS | {"score": 10.0, "user_id": None, "comment": 7},
    without(NPS, "user_id", "event_id") | {"type": "csat", "score": 5, "comment": "c" * 5_000},
    TICKET | {"status": "escalated", "priority": "P1", "score": "none"},
    TICKET | {"status": "closed", "priority": None},
    SURVEY | {"comment": "c" * 5_000, "user_id": "u-1"},
    SURVEY | {"comment": None},
)
_COMMANDS: Final[tuple[dict[str, Any], ...]] = (
    COMMAND | {"note": "n" * 2_000, "kind": "usage_drop"},
    without(COMMAND, "alert_id") | {"kind": "*"},
    SNOOZE | {"until": "2025-03-01T12:00:00.001Z"},
    COMMAND | {"command": "unsnooze", "until": 7},
    ACTION | {"cost_minor": 5_000},
    OUTCOME | {"outcome": "false_alarm"},
)


def good() -> Iterator[GoodRecord]:
    """All of them."""
    for name, raw in _USAGE_TEXT:
        yield GoodRecord(name, InputTopic.USAGE, raw)
    for name, fields in _USAGE_FIELDS:
        yield GoodRecord(name, InputTopic.USAGE, text(USAGE | fields))
    for topic, event in SOUND.items():
        padding = MAX_BYTES - len(text(event | {"properties": ""}))
        yield GoodRecord(f"as many bytes as are read in {topic}", topic, text(event | {"properties": "x" * padding}))
    for topic, events in (
        (InputTopic.BILLING, _BILLING),
        (InputTopic.ACCOUNTS, _ACCOUNTS),
        (InputTopic.FEEDBACK, _FEEDBACK),
        (InputTopic.COMMANDS, _COMMANDS),
    ):
        for index, event in enumerate(events):
            yield GoodRecord(f"{event.get('type', event.get('command', topic))} ({index})", topic, text(event))
