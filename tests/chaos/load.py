"""The events of a run: drawn from the seed, sent by producers that misbehave.

Usage, billing, account updates and commands of some hundred accounts over six weeks. An event with an id is sent up to
three times; one in ten accounts has producers that know no partitioner; everything is out of order within an hour.
What the markers say is true, and events are no further out of order than the setting allows: so which of them are
applied when is given by the records alone, and the result is that of the logical events in order of time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final, NamedTuple

import orjson
from aiokafka.partitioner import murmur2

from schemas.events import InputTopic
from schemas.instants import format_instant
from streams.simulator import FleetPlan, simulate
from streams.simulator.plan import DEFAULT_SHARES

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
SETTINGS: Final = {
    "out_of_order": "1h",
    "false_alarms_per_account_year": "2",
    "watch_false_alarms_per_account_year": "6",
}
"""What a worker has to be told to take this load."""
_DAYS: Final = 42
_COPIES: Final = (1, 1, 1, 1, 2, 2, 3)
_TIMES: Final = {InputTopic.ACCOUNTS: "updated_at", InputTopic.COMMANDS: "at"}

Logical = tuple[int, InputTopic, dict[str, Any]]


class Step(NamedTuple):
    """A record for one partition of an input topic; or, without a topic, a marker for all of them."""

    at: int
    topic: InputTopic | None = None
    partition: int = 0
    key: bytes | None = None
    value: bytes = b""


@dataclass(frozen=True, slots=True)
class Load:
    """`events` are the logical ones, by time; `steps` what the producers do about them."""

    events: list[Logical]
    steps: list[Step]
    end_at: int
    """The time of the last marker."""


def make_load(seed: int, *, accounts: int, partitions: int) -> Load:
    """The same seed gives the same load."""
    random = Random(f"chaos/{seed}")
    shares = {change: 2.0 * share for change, share in DEFAULT_SHARES.items()}
    plan = FleetPlan(accounts, _DAYS, seed, rate_median=0.9, rate_max=20.0, first_change_day=14, shares=shares)
    drawn: list[Logical] = [(event.at, event.topic, dict(event.value)) for event in simulate(plan)]
    drawn += _commands(random, plan)
    events = _distinct(drawn)
    for _, topic, value in events:
        if topic is InputTopic.USAGE and random.random() < 0.3:
            del value["event_id"]
    end_at = plan.end + DAY_MS
    sent = sorted(_sent(random, events, partitions), key=lambda each: each[0])
    return Load(events, list(_with_markers(sent, plan.start, end_at)), end_at)


def _commands(random: Random, plan: FleetPlan) -> Iterator[Logical]:
    """People do something about alerts, often about ones that are not there."""
    for number in range(plan.accounts // 2):
        account = f"acct-{random.randrange(plan.accounts) + 1:05d}"
        at = plan.start + int(random.uniform(15, _DAYS) * DAY_MS)
        name = random.choice(["acknowledge", "snooze", "unsnooze", "record_action"])
        value: dict[str, Any] = {"command": name, "command_id": f"c-{number}", "account_id": account, "by": "ana"}
        value |= {"kind": random.choice(["*", "*", "payment_failed", "usage_drop"])}
        if name == "snooze":
            value["until"] = format_instant(at + int(random.uniform(1, 8) * DAY_MS))
        if name == "record_action":
            value |= {"action": "call", "result": "accepted"}
        yield at, InputTopic.COMMANDS, value


def _distinct(drawn: list[Logical]) -> list[Logical]:
    """By time, and no two of an account at the same one: else their order would be that of the offsets, which the
    producers' is not."""
    taken: set[tuple[str, int]] = set()
    events: list[Logical] = []
    for at, topic, value in sorted(drawn, key=lambda event: event[0]):
        account, moment = str(value["account_id"]), at
        while (account, moment) in taken:
            moment += 1
        taken.add((account, moment))
        value[_TIMES.get(topic, "occurred_at")] = format_instant(moment)
        events.append((moment, topic, value))
    return sorted(events, key=lambda event: event[0])


def _sent(random: Random, events: list[Logical], partitions: int) -> Iterator[tuple[int, Step]]:
    astray = {f"acct-{number:05d}" for number in range(1, 10_000) if random.random() < 0.1}
    for at, topic, value in events:
        account = str(value["account_id"])
        key, raw = account.encode(), orjson.dumps(value)
        has_id = "event_id" in value or "command_id" in value
        for _ in range(random.choice(_COPIES) if has_id else 1):
            lost = account in astray
            partition = random.randrange(partitions) if lost else (murmur2(key) & 0x7FFFFFFF) % partitions
            keyless = lost and topic is not InputTopic.ACCOUNTS
            yield at + random.randrange(HOUR_MS), Step(at, topic, partition, None if keyless else key, raw)


def _with_markers(sent: list[tuple[int, Step]], start: int, end_at: int) -> Iterator[Step]:
    """A marker for each beginning of a day, once every event before it has been sent, and one for the end."""
    mark = start + DAY_MS
    for moment, step in sent:
        while moment >= mark + HOUR_MS:
            yield Step(mark)
            mark += DAY_MS
        yield step
    while mark < end_at:
        yield Step(mark)
        mark += DAY_MS
    yield Step(end_at)
