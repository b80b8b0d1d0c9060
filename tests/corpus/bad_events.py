"""JSON objects that are no event of their topic."""

from collections.abc import Iterator
from typing import Any, Final

from schemas.codec import InputTopic
from schemas.errors import Reason
from tests.corpus.records import (
    ACCOUNT,
    ACTION,
    AT,
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
    BadRecord,
    invalid,
    missing,
    spliced,
    text,
    without,
)

_WHEN: Final = {
    InputTopic.USAGE: "occurred_at",
    InputTopic.BILLING: "occurred_at",
    InputTopic.ACCOUNTS: "updated_at",
    InputTopic.FEEDBACK: "occurred_at",
    InputTopic.COMMANDS: "at",
}
_NO_TIMES: Final[tuple[tuple[str, Any], ...]] = (
    ("seconds since the epoch", 1_740_830_400),
    ("milliseconds since the epoch", 1_740_830_400_000),
    ("seconds with a fraction", 1_740_830_400.5),
    ("seconds as text", "1740830400"),
    ("true as a time", True),
    ("a time in a list", [AT]),
    ("an empty time", ""),
    ("a date alone", "2025-03-01"),
    ("no offset", "2025-03-01T12:00:00"),
    ("no seconds", "2025-03-01T12:00Z"),
    ("a space for the T", "2025-03-01 12:00:00Z"),
    ("an offset without a colon", "2025-03-01T12:00:00+0100"),
    ("an offset of hours alone", "2025-03-01T12:00:00+01"),
    ("an offset of 24 hours", "2025-03-01T12:00:00+24:00"),
    ("a zone's name", "2025-03-01T12:00:00 UTC"),
    ("the basic format", "20250301T120000Z"),
    ("a week date", "2025-W09-6T12:00:00Z"),
    ("an ordinal date", "2025-060T12:00:00Z"),
    ("a comma for the point", "2025-03-01T12:00:00,5Z"),
    ("a point and no fraction", "2025-03-01T12:00:00.Z"),
    ("the 30th of February", "2025-02-30T12:00:00Z"),
    ("the 29th of February of no leap year", "2025-02-29T12:00:00Z"),
    ("month 13", "2025-13-01T12:00:00Z"),
    ("day 0", "2025-03-00T12:00:00Z"),
    ("hour 24", "2025-03-01T24:00:00Z"),
    ("minute 60", "2025-03-01T12:60:00Z"),
    ("second 61", "2025-03-01T12:00:61Z"),
    ("white space around", " 2025-03-01T12:00:00Z "),
    ("a line feed at the end", "2025-03-01T12:00:00Z\n"),
    ("Arabic digits", "\u0662\u0660\u0662\u0665-03-01T12:00:00Z"),
    ("full-width digits", "2025-03-01T12:00:0\uff10Z"),
    ("five digits of a year", "12025-03-01T12:00:00Z"),
    ("an American date", "03/01/2025 12:00:00"),
    ("the date of an e-mail", "Sat, 01 Mar 2025 12:00:00 GMT"),
    ("a duration", "P1D"),
    ("words", "yesterday"),
)
_ABSURD_TIMES: Final[tuple[tuple[str, str], ...]] = (
    ("the epoch itself", "1970-01-01T00:00:00Z"),
    ("the last moment before 1990", "1989-12-31T23:59:59.999Z"),
    ("before 1990 by its offset", "1990-01-01T00:30:00+01:00"),
    ("year 1", "0001-01-01T00:00:00Z"),
    ("year 1, and before it by the offset", "0001-01-01T00:00:00+01:00"),
    ("the first moment of 2100", "2100-01-01T00:00:00Z"),
    ("2100 by its offset", "2099-12-31T23:30:00-01:00"),
    ("the end of time", "9999-12-31T23:59:59Z"),
    ("the end of time, and after it by the offset", "9999-12-31T23:59:59-01:00"),
)
_NO_IDS: Final[tuple[tuple[str, Any], ...]] = (
    ("empty", ""),
    ("too long", "a" * 257),
    ("a number", 17),
    ("a list", ["acct-1"]),
    ("an object", {"id": "acct-1"}),
    ("false", False),
)
_CONTROL: Final = ("\0", "\t", "\n", "\x1f", "\x7f", "\x85", "\x9f")


def _everywhere() -> Iterator[BadRecord]:
    for topic, event in SOUND.items():
        yield from missing(topic, event, "account_id", _WHEN[topic])
        for name, value in _NO_IDS:
            yield from invalid(topic, event, [(f"account_id in {topic}: {name}", "account_id", value)])
        versions = [(f"version {value!r} in {topic}", "schema_version", value) for value in (2, 0, 1.5, True, "1", [1])]
        yield from invalid(topic, event, versions, Reason.UNKNOWN_VERSION)
        later = without(event, "account_id") | {"schema_version": 2, "customer": "acct-1"}
        name = f"a later version with other fields in {topic}"
        yield BadRecord(name, topic, text(later), Reason.UNKNOWN_VERSION, "schema_version")
        yield BadRecord(f"an empty object in {topic}", topic, b"{}", Reason.MISSING_FIELD, _first_field(topic))
    for sign in _CONTROL:
        yield from invalid(InputTopic.USAGE, USAGE, [(f"control character {ord(sign)}", "account_id", f"a{sign}b")])
    for index, (name, value) in enumerate(_NO_TIMES):
        topic = list(InputTopic)[index % len(InputTopic)]
        yield from invalid(topic, SOUND[topic], [(name, _WHEN[topic], value)])
    for index, (name, value) in enumerate(_ABSURD_TIMES):
        topic = list(InputTopic)[index % len(InputTopic)]
        yield from invalid(topic, SOUND[topic], [(name, _WHEN[topic], value)], Reason.TIME_OUT_OF_RANGE)


def _first_field(topic: InputTopic) -> str:
    told_apart = {InputTopic.BILLING: "type", InputTopic.FEEDBACK: "type", InputTopic.COMMANDS: "command"}
    return told_apart.get(topic, "account_id")


def _usage() -> Iterator[BadRecord]:
    yield from missing(InputTopic.USAGE, USAGE, "event")
    fields = ("event", "event_id", "user_id", "source")
    yield from invalid(
        InputTopic.USAGE, USAGE, [(f"{field}: {name}", field, value) for field in fields for name, value in _NO_IDS]
    )
    quantities: tuple[Any, ...] = (0, -1, 1_000_001, 1.5, -0.0, 1e300, 2**63, True, "3", [3], {"n": 3})
    yield from invalid(InputTopic.USAGE, USAGE, [(f"quantity {value!r}", "quantity", value) for value in quantities])
    digits = spliced(USAGE, f'"quantity":{"9" * 30}')
    yield BadRecord("a quantity of 30 digits", InputTopic.USAGE, digits, Reason.INVALID_FIELD, "quantity")
    digits = spliced(USAGE, f'"quantity":{"9" * 5_000}')
    yield BadRecord("a quantity of 5,000 digits", InputTopic.USAGE, digits, Reason.NOT_FINITE, None)


def _billing() -> Iterator[BadRecord]:
    topic = InputTopic.BILLING
    yield from missing(topic, TERMS, "type", "plan", "mrr_minor", "currency")
    yield from missing(topic, FAILED, "invoice_id", "amount_minor", "currency", "attempt")
    yield from missing(topic, BILLING | {"type": "subscription.cancel_scheduled"}, "effective_at")
    yield from missing(topic, CARD, "payment_method_id", "kind", "exp_month", "exp_year")
    types: tuple[Any, ...] = ("subscription.created", "Subscription.started", "payment.failed ", "", 5, True, [], {})
    yield from invalid(topic, TERMS, [(f"type {value!r}", "type", value) for value in types], Reason.UNKNOWN_TYPE)
    yield from invalid(
        topic,
        TERMS,
        [
            ("a negative MRR", "mrr_minor", -1),
            ("an MRR in major units", "mrr_minor", 499.99),
            ("an absurd MRR", "mrr_minor", 10**15 + 1),
            ("an MRR as text", "mrr_minor", "49900"),
            ("a currency's sign", "currency", "€"),
            ("a currency of four letters", "currency", "EURO"),
            ("a currency with a line feed", "currency", "EUR\n"),
            ("a currency that would grow", "currency", "ßA"),
            ("a currency as a number", "currency", 978),
            ("negative seats", "seats", -1),
            ("half a seat", "seats", 2.5),
            ("an unknown interval", "interval", "fortnight"),
            ("trial as a number", "trial", 1),
            ("trial as text", "trial", "false"),
            ("an empty subscription", "subscription_id", ""),
            ("a period that ends in seconds", "current_period_end", 1_743_465_600),
        ],
    )
    yield from invalid(
        topic, TERMS, [("no renewal ever", "renewal_at", "9999-12-31T00:00:00Z")], Reason.TIME_OUT_OF_RANGE
    )
    yield from invalid(
        topic,
        FAILED,
        [
            ("attempt 0", "attempt", 0),
            ("attempt 1001", "attempt", 1_001),
            ("hard as text", "hard", "yes"),
            ("a next attempt in milliseconds", "next_attempt_at", 1_743_465_600_000),
            ("a negative amount", "amount_minor", -100),
        ],
    )
    yield from invalid(
        topic,
        CARD,
        [
            ("month 0", "exp_month", 0),
            ("month 13 of a card", "exp_month", 13),
            ("a month as text", "exp_month", "04"),
            ("two digits of a year", "exp_year", 27),
            ("default as text", "default", "true"),
        ],
    )
    ended = BILLING | {"type": "subscription.ended"}
    yield from invalid(
        topic, ended, [("voluntary as text", "voluntary", "no"), ("a reason in a list", "reason", ["x"])]
    )


def _accounts() -> Iterator[BadRecord]:
    topic = InputTopic.ACCOUNTS
    script = {"crm": "javascript:alert(1)"}
    yield from invalid(
        topic,
        ACCOUNT,
        [
            ("a name that is a number", "name", 7),
            ("an empty owner", "owner", ""),
            ("a name too long", "name", "n" * 257),
            ("champions as text", "champions", "kim"),
            ("too many champions", "champions", ["kim"] * 101),
            ("tags as text", "tags", "pilot"),
            ("too many tags", "tags", ["pilot"] * 21),
            ("links as a list", "links", ["https://example.com"]),
            ("a link that is a script", "links", script),
            ("a link without a host", "links", {"crm": "https://"}),
            ("a link with a space", "links", {"crm": "https://example.com/a b"}),
            ("a link with an empty label", "links", {"": "https://example.com"}),
            ("too many links", "links", {f"l{i}": "https://example.com" for i in range(21)}),
            ("a link that is null", "links", {"crm": None}),
            ("internal as text", "internal", "true"),
            ("negative seats of an account", "seats", -1),
            ("an MRR with a fraction", "mrr", 10.5),
            ("aliases as an object", "aliases", {"stripe": "cus_1"}),
            ("a start in seconds", "started_at", 1_740_830_400),
        ],
    )
    for name, field, value, where in (
        ("a champion that is a number", "champions", ["kim", 7], "champions[1]"),
        ("a champion that is null", "champions", [None], "champions[0]"),
        ("an alias with a control character", "aliases", ["ok", "cus\n1"], "aliases[1]"),
        ("an empty user id among those who left", "contacts_left", [""], "contacts_left[0]"),
    ):
        yield BadRecord(name, topic, text(ACCOUNT | {field: value}), Reason.INVALID_FIELD, where)


def _feedback() -> Iterator[BadRecord]:
    topic = InputTopic.FEEDBACK
    yield from missing(topic, NPS, "type", "score")
    yield from missing(topic, TICKET, "ticket_id", "status")
    yield from missing(topic, SURVEY, "reason")
    types: tuple[Any, ...] = ("NPS", "review", "", 5, True, [], {})
    yield from invalid(topic, NPS, [(f"feedback {value!r}", "type", value) for value in types], Reason.UNKNOWN_TYPE)
    scores: tuple[Any, ...] = (-1, 11, 3.5, "3", True, [3])
    yield from invalid(topic, NPS, [(f"an NPS of {value!r}", "score", value) for value in scores])
    csat = NPS | {"type": "csat"}
    yield from invalid(topic, csat, [(f"a CSAT of {value!r}", "score", value) for value in (0, 6, "5")])
    yield from invalid(
        topic,
        TICKET,
        [
            ("an unknown status", "status", "reopened"),
            ("a status in capitals", "status", "OPEN"),
            ("a ticket that is a number", "ticket_id", 17),
            ("a priority that is a number", "priority", 1),
        ],
    )
    yield from invalid(
        topic,
        SURVEY,
        [
            ("an empty reason", "reason", ""),
            ("reasons in a list", "reason", ["price"]),
            ("a comment of a survey that is an object", "comment", {"text": "too dear"}),
        ],
    )


def _commands() -> Iterator[BadRecord]:
    topic = InputTopic.COMMANDS
    yield from missing(topic, COMMAND, "command_id", "command", "by", "alert_id")
    yield from missing(topic, SNOOZE, "until")
    yield from missing(topic, ACTION, "action", "result")
    yield from missing(topic, OUTCOME, "outcome")
    commands: tuple[Any, ...] = ("ack", "ACKNOWLEDGE", "delete", "", 1, ["snooze"])
    names = [(f"command {value!r}", "command", value) for value in commands]
    yield from invalid(topic, COMMAND, names, Reason.UNKNOWN_TYPE)
    yield from invalid(
        topic,
        COMMAND,
        [
            ("a short alert id", "alert_id", "0123"),
            ("an alert id in capitals", "alert_id", "0123456789ABCDEF"),
            ("an alert id that is a number", "alert_id", 1234567890123456),
            ("an unknown kind", "kind", "usage_spike"),
            ("two stars", "kind", "**"),
            ("kinds in a list", "kind", ["usage_drop"]),
            ("an empty by", "by", ""),
            ("a note that is an object", "note", {"text": "called them"}),
        ],
    )
    yield from invalid(
        topic,
        SNOOZE,
        [
            ("a snooze that ends before it begins", "until", "2025-02-28T12:00:00Z"),
            ("a snooze of no length", "until", AT),
            ("a snooze for a duration", "until", "7d"),
        ],
    )
    yield from invalid(topic, ACTION, [("an unknown result", "result", "maybe"), ("a negative cost", "cost_minor", -5)])
    yield from invalid(topic, OUTCOME, [("an unknown outcome", "outcome", "churned")])


def bad_events() -> Iterator[BadRecord]:
    """All of them."""
    yield from _everywhere()
    yield from _usage()
    yield from _billing()
    yield from _accounts()
    yield from _feedback()
    yield from _commands()
