"""Input partitions for properties: several accounts, each with its events spread over several partitions, in order,
out of order, late, twice, and with a replaying producer's markers in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import strategies as st

from schemas.billing import BILLING_EVENT
from schemas.commands import COMMAND
from schemas.events import InputEvent, InputTopic, moment
from schemas.feedback import FEEDBACK_EVENT
from schemas.instants import format_instant
from schemas.usage import UsageEvent
from streams.detection.config import DAY_MS, HOUR_MS, DetectionConfig

BEGINS = 20_000 * DAY_MS
OUT_OF_ORDER_MS = 600_000
Entry = InputEvent | bytes
"""An event, or a marker's time."""

CONFIG = DetectionConfig(
    alert_false_alarms=2.0,
    watch_false_alarms=10.0,
    grace_ms=HOUR_MS,
    dedup_limit=40,
    cool_down_days=5,
    monitored_age_days=7,
    monitored_active_days=3,
    monitored_window_days=20,
    expected_events=1.0,
    drop_hold_days=2,
    intent_events=("export",),
    champion_days=2,
)
"""One that is quick to speak."""


@dataclass(frozen=True, slots=True)
class Log:
    """One input partition: an entry's offset is its place in the list."""

    topic: InputTopic
    name: str
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class World:
    """Everything that there is to read. Its last entries are markers of `ends_at`."""

    drawn: str
    """How to have it again."""
    logs: list[Log] = field(repr=False)
    accounts: list[str] = field(repr=False)
    ends_at: int = field(repr=False)


@st.composite
def worlds(draw: st.DrawFn, *, markers: bool = True) -> World:
    """One to four accounts over at most 45 days, in six partitions of four topics."""
    count, days = draw(st.integers(1, 4)), draw(st.integers(1, 45))
    return world_of(draw(st.integers(0, 2**32)), accounts=count, days=days, markers=markers)


def world_of(seed: int, *, accounts: int, days: int, markers: bool = True) -> World:
    """The world of a seed."""
    random = Random(seed)
    names = [f"account-{number}" for number in range(accounts)]
    events = [event for name in names for event in _events(random, name, days)]
    arrivals: dict[tuple[InputTopic, str], list[tuple[int, int, Entry]]] = {
        (topic, f"{topic.value}/{number}"): []
        for topic, partitions in (
            (InputTopic.USAGE, 3),
            (InputTopic.BILLING, 1),
            (InputTopic.FEEDBACK, 1),
            (InputTopic.COMMANDS, 1),
        )
        for number in range(partitions)
    }
    for number, (topic, event) in enumerate(events):
        # Nobody has promised that an account has a partition of its own.
        partition = random.choice([each for each in arrivals if each[0] is topic])
        arrivals[partition].append((moment_of(event) + _delay(random), number, event))
    ends_at = BEGINS + (days + 12) * DAY_MS + random.randrange(DAY_MS)
    logs = []
    for (topic, name), entries in arrivals.items():
        times = range(BEGINS + DAY_MS, ends_at, DAY_MS) if markers else range(0)
        entries += [(at, -1, format_instant(at).encode()) for at in times]
        entries.sort(key=lambda entry: entry[:2])
        logs.append(Log(topic, name, [*(each for _, _, each in entries), format_instant(ends_at).encode()]))
    drawn = f"world_of({seed}, accounts={accounts}, days={days}, markers={markers})"
    return World(drawn, logs, names, ends_at)


def moment_of(event: InputEvent) -> int:
    """When it happened."""
    return event.occurred_at if isinstance(event, UsageEvent) else moment(event)


def _delay(random: Random) -> int:
    """Within what is allowed mostly; beyond it, and late, now and then."""
    return random.choice([0, 0, 0, random.randrange(OUT_OF_ORDER_MS), random.randrange(3 * HOUR_MS)]) + (
        random.randrange(6 * DAY_MS) if random.random() < 0.03 else 0
    )


def _events(random: Random, account: str, days: int) -> list[tuple[InputTopic, InputEvent]]:
    events: list[tuple[InputTopic, InputEvent]] = []
    a_day, quiet_from = random.choice([1, 3, 6]), random.randrange(1, days + 20)
    for day in range(days):
        if day < quiet_from or random.random() < 0.05:
            count = random.randrange(a_day + 1)
            midnight = BEGINS + day * DAY_MS
            times = (midnight + random.randrange(24 * 60) * 60_000 for _ in range(count))
            events += [(InputTopic.USAGE, usage_of(random, account, at)) for at in times]
    for _ in range(random.randrange(14)):
        at = _moment(random, days)
        events.append((InputTopic.BILLING, bill_of(random, account, at)))
    for _ in range(random.randrange(8)):
        at = _moment(random, days)
        events.append((InputTopic.FEEDBACK, feedback_of(random, account, at)))
    for _ in range(random.randrange(5)):
        at = _moment(random, days)
        events.append((InputTopic.COMMANDS, command_of(random, account, at)))
    return events


def _moment(random: Random, days: int) -> int:
    # On the minute, so that events of several partitions have the same place now and then.
    return BEGINS + random.randrange(days * DAY_MS // 60_000) * 60_000


def usage_of(random: Random, account: str, at: int) -> UsageEvent:
    """Usage at a time."""
    return UsageEvent(
        account_id=account,
        event="export" if random.random() < 0.02 else "click",
        occurred_at=at,
        event_id=f"e-{random.randrange(60)}" if random.random() < 0.3 else None,
        user_id=f"u-{random.randrange(4)}" if random.random() < 0.8 else None,
        quantity=random.choice([1, 1, 3]),
        source=random.choice(["product", "product", "mobile", "api"]),
    )


_TERMS = {"plan": "team", "mrr_minor": 4900, "currency": "EUR"}
_MONEY = {"amount_minor": 4900, "currency": "EUR"}
_STATUSES = ["new", "escalated", "solved"]
_BILLING: dict[str, dict[str, Any]] = {
    "subscription.started": _TERMS | {"current_period_end": 30 * DAY_MS},
    "subscription.renewed": _TERMS | {"current_period_end": 30 * DAY_MS},
    "subscription.cancel_scheduled": {"effective_at": 9 * DAY_MS},
    "subscription.cancel_reverted": {},
    "subscription.ended": {},
    "payment.failed": _MONEY | {"next_attempt_at": 2 * DAY_MS, "attempt": 1},
    "payment.succeeded": _MONEY,
}


def feedback_of(random: Random, account: str, at: int) -> Any:
    """A feedback event at a time."""
    fields: dict[str, Any] = random.choice(
        [
            {"type": "nps", "score": random.randrange(11)},
            {"type": "csat", "score": random.randrange(1, 6)},
            {"type": "ticket", "ticket_id": f"t-{random.randrange(3)}", "status": random.choice(_STATUSES)},
            {"type": "exit_survey", "reason": "price", "comment": "too dear"},
        ]
    )
    user = random.choice([None, "u-0", "u-1"])
    return FEEDBACK_EVENT.validate_python({"account_id": account, "occurred_at": at, "user_id": user} | fields)


def bill_of(random: Random, account: str, at: int) -> Any:
    """A billing fact at a time."""
    name = random.choice(sorted(_BILLING))
    fields = _BILLING[name] | ({"invoice_id": random.choice(["in-1", "in-2"])} if name.startswith("payment") else {})
    for key in ("current_period_end", "effective_at", "next_attempt_at"):
        if key in fields:
            fields[key] = at + fields[key]
    if "attempt" in fields:
        fields["attempt"] = random.randrange(1, 4)
    event_id = f"b-{random.randrange(30)}" if random.random() < 0.8 else None
    return BILLING_EVENT.validate_python(
        {"type": name, "account_id": account, "occurred_at": at, "event_id": event_id} | fields
    )


def command_of(random: Random, account: str, at: int) -> Any:
    """A command at a time, possible or not."""
    command = random.choice(["acknowledge", "snooze", "unsnooze"])
    base = {"command": command, "command_id": f"c-{random.randrange(30)}", "account_id": account, "by": "ana", "at": at}
    kind = random.choice(["*", "usage_silence", "payment_failed", "negative_feedback"])
    until = {"until": at + random.randrange(1, 6 * DAY_MS)} if command == "snooze" else {}
    return COMMAND.validate_python(base | {"kind": kind} | until)
