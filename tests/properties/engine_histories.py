"""Histories of one account for the engine's properties: usage of all habits, billing and commands, late, repeated and
unordered as real topics have them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

from schemas.accounts import AccountUpdate
from schemas.billing import BILLING_EVENT
from schemas.commands import COMMAND
from schemas.events import moment
from schemas.feedback import FEEDBACK_EVENT
from schemas.shuffle import Fact, Usage, hash64
from streams.detection.config import DAY_MS, HOUR_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.fleet_log import FleetLog
from streams.detection.sources import DEFAULT, UNTRACKED, bucket_of
from tests.plain import Plain

ACCOUNT = "acme"
BEGINS = 20_000 * DAY_MS
MOBILE = "mobile"
Event = Usage | Fact


def begun(config: DetectionConfig) -> Plain:
    """An engine in whose fleet many use the second product, from the first day on."""
    learnt = FleetLog(config)
    tracked = bucket_of(MOBILE)
    learnt._source_learning.layout = (tracked, *UNTRACKED[1:])
    learnt._source_learning._used, learnt._source_learning._names = {tracked: 1e9}, {tracked: (1, MOBILE)}
    learnt._layouts = [(0, learnt._source_learning.layout)]
    return Plain(Engine(config, learnt))


@dataclass(frozen=True, slots=True)
class Habit:
    """A span of days of one habit."""

    days: int
    a_day: float
    """Events on an active day, about."""
    active: float
    """Share of days with activity."""
    weekends: bool
    saves: float
    """Share of the events that are core actions."""
    users: int
    mobile: float
    """Share of the events that come from a second product."""


habits = st.builds(
    Habit,
    days=st.integers(1, 90),
    a_day=st.sampled_from([1.0, 3.0, 12.0]),
    active=st.sampled_from([0.0, 0.0, 0.05, 0.3, 0.9, 1.0]),
    weekends=st.booleans(),
    saves=st.sampled_from([0.0, 0.01, 0.3]),
    users=st.sampled_from([1, 2, 6]),
    mobile=st.sampled_from([0.0, 0.0, 0.4]),
)
configs = st.builds(
    DetectionConfig,
    timezone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu"]),
    alert_false_alarms=st.sampled_from([0.05, 0.2, 2.0]),
    watch_false_alarms=st.sampled_from([0.2, 1.0, 10.0]),
    grace_ms=st.sampled_from([0, HOUR_MS, 30 * HOUR_MS]),
    dedup_limit=st.sampled_from([3, 40, 4_096]),
    users_kept=st.sampled_from([2, 256]),
    timeline_kept=st.sampled_from([3, 50]),
    cool_down_days=st.sampled_from([0, 5, 28]),
    monitored_age_days=st.sampled_from([0, 7, 30]),
    monitored_active_days=st.sampled_from([1, 5]),
    monitored_window_days=st.sampled_from([20, 180]),
    expected_events=st.sampled_from([0.0, 1.0, 3.0]),
    drop_hold_days=st.sampled_from([0, 3, 7]),
    feedback_days=st.sampled_from([3, 30]),
    intent_events=st.sampled_from([(), ("exp*",)]),
    intent_days=st.sampled_from([2, 30]),
    champion_days=st.sampled_from([2, 20]),
    user_key=st.sampled_from([b"", b"secret"]),
    key_actions=st.sampled_from([(), ("save",), ("sa*", "never")]),
    onboarding_days=st.sampled_from([2, 14]),
    keep_comments=st.booleans(),
)


@dataclass(frozen=True, slots=True)
class History:
    """Events in the merged order, and the time at which the story ends."""

    events: tuple[Event, ...]
    ends_at: int


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Two to five habits one after the other, and up to two dozen facts in between."""
    spans = draw(st.lists(habits, min_size=2, max_size=5))
    random = Random(draw(st.integers(0, 2**32)))
    days = sum(span.days for span in spans)
    raw: list[Event] = [_usage(random, at, span) for at, span in _times(spans, random)]
    facts = draw(st.lists(st.sampled_from(sorted(_FACTS)), max_size=24))
    raw += [_fact(random, name, BEGINS + random.randrange(days * DAY_MS)) for name in facts]
    raw.sort(key=lambda event: event.at)
    events = _merged(raw, random)
    last = max([BEGINS + days * DAY_MS, *(event.effective_at for event in events[-1:])])
    return History(events, last + random.randrange(3 * DAY_MS))


def _times(spans: list[Habit], random: Random) -> list[tuple[int, Habit]]:
    times: list[tuple[int, Habit]] = []
    day = 0
    for span in spans:
        for _ in range(span.days):
            weekend = (20_000 + day + 3) % 7 >= 5
            if (span.weekends or not weekend) and random.random() < span.active:
                count = max(1, round(random.expovariate(1 / span.a_day)))
                times += [(BEGINS + day * DAY_MS + random.randrange(DAY_MS), span) for _ in range(count)]
            day += 1
    return times


def _usage(random: Random, at: int, span: Habit) -> Usage:
    user = hash64(f"user-{random.randrange(span.users)}") if random.random() < 0.8 else None
    # Few different ids, so that some come twice; half of the events have none.
    event_id = hash64(f"event-{random.randrange(400)}") if random.random() < 0.5 else None
    name = "save" if random.random() < span.saves else random.choice(["export", *["click"] * 98])
    source = MOBILE if random.random() < span.mobile else DEFAULT
    return Usage(0, at, ACCOUNT, at, name, user, random.choice([1, 1, 1, 5]), source, event_id)


def _merged(raw: list[Event], random: Random) -> tuple[Event, ...]:
    """Some events come minutes late, some days, a few weeks; the order of application never goes back."""
    arrivals = []
    for event in raw:
        delay = random.choice([0, 0, 0, 0, 0, 0, random.randrange(HOUR_MS), random.randrange(3 * DAY_MS)])
        if random.random() < 0.01:
            delay = random.randrange(90 * DAY_MS)
        arrivals.append((event.at + delay, event))
    arrivals.sort(key=lambda arrival: arrival[0])
    return tuple(
        event._replace(offset=offset, effective_at=effective_at)
        for offset, (effective_at, event) in enumerate(arrivals)
    )


def _fact(random: Random, name: str, at: int) -> Fact:
    body = _FACTS[name](random, at)
    event_id = hash64(f"fact-{random.randrange(30)}") if random.random() < 0.7 else None
    return Fact(0, at, ACCOUNT, moment(body), body, event_id)


def _bills(type_: str, **fields: Any) -> Any:
    def build(random: Random, at: int) -> Any:
        values = {name: value(random, at) if callable(value) else value for name, value in fields.items()}
        return BILLING_EVENT.validate_python({"account_id": ACCOUNT, "occurred_at": at, "type": type_} | values)

    return build


def _commands(command: str, **fields: Any) -> Any:
    def build(random: Random, at: int) -> Any:
        values = {name: value(random, at) if callable(value) else value for name, value in fields.items()}
        kind = random.choice(["*", "*", *_KINDS])
        base = {"account_id": ACCOUNT, "command_id": f"c-{at}", "by": "ana", "at": at, "kind": kind}
        return COMMAND.validate_python(base | {"command": command} | values)

    return build


def _says(type_: str, **fields: Any) -> Any:
    def build(random: Random, at: int) -> Any:
        values = {name: value(random, at) if callable(value) else value for name, value in fields.items()}
        user = random.choice([None, "user-0", "user-1"])
        base = {"account_id": ACCOUNT, "occurred_at": at, "type": type_, "user_id": user}
        return FEEDBACK_EVENT.validate_python(base | values)

    return build


def _later(random: Random, at: int) -> int:
    return at + random.randrange(1, 60 * DAY_MS)


def _subscription(random: Random, at: int) -> str:
    return random.choice(["default", "second"])


def _invoice(random: Random, at: int) -> str:
    return random.choice(["in-1", "in-2"])


_KINDS = [
    "key_action_stopped",
    "breadth_decline",
    "onboarding_stalled",
    "cancel_intent",
    "champion_gone",
    "negative_feedback",
    "usage_silence",
    "usage_drop",
    "payment_failed",
    "card_expiring",
    "cancel_scheduled",
    "downgrade",
    "paused",
]
_SUBSCRIPTION: dict[str, Any] = {"subscription_id": _subscription}
_TERMS: dict[str, Any] = _SUBSCRIPTION | {
    "plan": lambda random, _: random.choice(["team", "team", "small"]),
    "mrr_minor": lambda random, _: random.choice([4900, 4900, 2000]),
    "currency": "EUR",
    "seats": lambda random, _: random.choice([None, 40, 12]),
    "interval": lambda random, _: random.choice(["month", "year"]),
    "current_period_end": _later,
    "renewal_at": lambda random, at: random.choice([None, at + random.randrange(1, 200 * DAY_MS)]),
}
_INVOICE: dict[str, Any] = {"invoice_id": _invoice, "amount_minor": 4900, "currency": "EUR"}
_FACTS: dict[str, Any] = {
    "acknowledge": _commands("acknowledge"),
    "action": _commands("record_action", action="call", result="offered"),
    "cancel_reverted": _bills("subscription.cancel_reverted", **_SUBSCRIPTION),
    "cancel_scheduled": _bills("subscription.cancel_scheduled", effective_at=_later, **_SUBSCRIPTION),
    "card": _bills(
        "payment_method.updated",
        payment_method_id="card",
        kind="card",
        exp_month=lambda random, _: random.randrange(1, 13),
        exp_year=lambda random, _: random.choice([2024, 2025]),
        default=True,
    ),
    "card_removed": _bills("payment_method.removed", payment_method_id="card"),
    "csat": _says("csat", score=lambda random, _: random.randrange(1, 6)),
    "ended": _bills("subscription.ended", **_SUBSCRIPTION),
    "failed": _bills(
        "payment.failed",
        attempt=lambda random, _: random.randrange(1, 5),
        next_attempt_at=lambda random, at: random.choice([None, at + DAY_MS]),
        **_INVOICE,
    ),
    "champions": lambda random, at: AccountUpdate(
        account_id=ACCOUNT,
        updated_at=at,
        champions=random.choice([None, (), ("user-0",), ("user-1", "user-2"), ("nobody",)]),
    ),
    "contacts_left": lambda random, at: AccountUpdate(
        account_id=ACCOUNT, updated_at=at, contacts_left=random.choice([("user-0", "nobody"), ("user-1",)])
    ),
    "exit_survey": _says("exit_survey", reason="price", comment=lambda random, _: random.choice([None, "too dear"])),
    "internal": lambda random, at: AccountUpdate(
        account_id=ACCOUNT, updated_at=at, internal=random.choice([True, False, False]), name="Acme"
    ),
    "nps": _says("nps", score=lambda random, _: random.randrange(11)),
    "paid": _bills("payment.succeeded", **_INVOICE),
    "paused": _bills(
        "subscription.paused", resumes_at=lambda random, at: random.choice([None, at + 20 * DAY_MS]), **_SUBSCRIPTION
    ),
    "renewed": _bills("subscription.renewed", **_TERMS),
    "resumed": _bills("subscription.resumed", **_SUBSCRIPTION),
    "snooze": _commands("snooze", until=_later),
    "started_at": lambda random, at: AccountUpdate(
        account_id=ACCOUNT, updated_at=at, started_at=at - random.randrange(9 * DAY_MS)
    ),
    "started": _bills("subscription.started", **_TERMS),
    **{
        f"ticket_{number}": _says(
            "ticket",
            ticket_id=lambda random, _: f"t-{random.randrange(4)}",
            status=lambda random, _: random.choice(["new", "open", "escalated", "solved", "closed"]),
            priority=lambda random, _: random.choice([None, "P1"]),
        )
        for number in range(3)  # as often as all other feedback
    },
    "trial": _bills("subscription.started", trial=True, **_TERMS),
    "unsnooze": _commands("unsnooze"),
    "updated": _bills("subscription.updated", **_TERMS),
    "voided": _bills("invoice.voided", invoice_id=_invoice),
}
