"""What producers write to the input topics, and what must come of it: the pure engine over the records in order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from zlib import crc32

import orjson
from faust.types import TP

from schemas.alerts import Transition
from schemas.alias_log import AliasRecord
from schemas.codec import decode, encode
from schemas.errors import Rejected
from schemas.events import InputTopic
from schemas.instants import LATEST, format_instant
from schemas.shuffle import Fact, Usage
from streams.detection.aliases import Aliases
from streams.detection.config import DAY_MS, HOUR_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.origin import MARKER_HEADER, Origin
from streams.detection.state import Account
from streams.runtime.settings import Settings
from tests.model.kafka import Kafka
from tests.plain import in_order
from tests.properties.input_logs import BEGINS, CONFIG, bill_of, command_of, feedback_of, usage_of

MINUTE_MS = 60_000
ALIASES = ("alias-0", "alias-1", "alias-2")
"""Ids that may be of any account, or of none."""
_BAD = (b"no json", b"{}", b'{"account_id": "account-0"}', b"")


class Quick(Settings):
    """An application that is quick to speak."""

    def detection(self) -> DetectionConfig:
        """See `Settings`."""
        return CONFIG


class Inputs:
    """Producers with one clock. Events come out of order within an hour, and as often as producers repeat them."""

    def __init__(self, kafka: Kafka, settings: Settings, usage_partitions: int) -> None:
        self.settings = settings
        counts = dict.fromkeys(InputTopic, 1) | {
            InputTopic.USAGE: usage_partitions,
            InputTopic.ACCOUNTS: usage_partitions,
        }
        self.partitions = {
            topic: [TP(settings.topic(topic.value), number) for number in range(count)]
            for topic, count in counts.items()
        }
        self.at = BEGINS + 12 * HOUR_MS
        self._kafka = kafka

    @property
    def all(self) -> list[TP]:
        """Every input partition."""
        return [tp for partitions in self.partitions.values() for tp in partitions]

    def use(self, random: Random, account: str, count: int) -> None:
        """Usage within the hour before, some of it repeated, in any partition."""
        for _ in range(count):
            name = random.choice(ALIASES) if random.random() < 0.2 else account
            event = usage_of(random, name, self._moment(random))
            for _ in range(random.choice([1, 1, 2, 3]) if event.event_id is not None else 1):
                self._write(random, InputTopic.USAGE, encode(event))

    def tell(self, random: Random, account: str) -> None:
        """A billing fact, feedback, a command, or what the company's own systems know; or what cannot be read."""
        at = self._moment(random)
        name = random.choice(ALIASES) if random.random() < 0.1 else account
        known = {"account_id": name, "updated_at": format_instant(at), "name": f"Name {random.randrange(9)}"}
        other = [
            *random.sample(ALIASES, random.randrange(3)),
            *random.sample([account, "account-0"], random.randrange(2)),
        ]
        topic, value = random.choice(
            [
                *[(InputTopic.BILLING, encode(bill_of(random, account, at)))] * 3,
                (InputTopic.FEEDBACK, encode(feedback_of(random, account, at))),
                (InputTopic.COMMANDS, encode(command_of(random, account, at))),
                (InputTopic.ACCOUNTS, orjson.dumps(known)),
                *[(InputTopic.ACCOUNTS, orjson.dumps(known | {"aliases": other}))] * 3,
                (InputTopic.ACCOUNTS, None),
                (random.choice(list(InputTopic)), random.choice(_BAD)),
            ]
        )
        self._write(random, topic, value, name if topic is InputTopic.ACCOUNTS else None)

    def days(self, random: Random, accounts: list[str], count: int) -> None:
        """Days go by, with some usage, and a marker everywhere at the beginning of each."""
        for _ in range(count):
            self.at += DAY_MS
            self.mark(self.at // DAY_MS * DAY_MS)
            for account in accounts:
                self.use(random, account, random.randrange(3))

    def mark(self, at: int) -> None:
        """A marker in every partition."""
        header = [(MARKER_HEADER, format_instant(at).encode())]
        for tp in self.all:
            self._kafka.append(tp, None, None, header, timestamp=at)

    def _moment(self, random: Random) -> int:
        late = random.randrange(3 * DAY_MS // MINUTE_MS) if random.random() < 0.05 else 0
        return self.at - (random.randrange(60) + late) * MINUTE_MS

    def _write(self, random: Random, topic: InputTopic, value: bytes | None, key: str | None = None) -> None:
        # What has a key is where that belongs, all else is anywhere. Now and then the record's own time is far before
        # the event's: an event of the future.
        timestamp = self.at - (2 * HOUR_MS if random.random() < 0.02 else 0)
        partitions = self.partitions[topic]
        tp = random.choice(partitions) if key is None else partitions[crc32(key.encode()) % len(partitions)]
        self._kafka.append(tp, None, value, timestamp=timestamp)


@dataclass(slots=True)
class Expected:
    """What must come of the records."""

    told: dict[str, list[Transition]] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    dead: Counter[tuple[str, int, int, str]] = field(default_factory=Counter)
    """Place and reason of each dead letter."""
    events: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """Of each input partition the offset and the account of each valid event."""


def expected(kafka: Kafka, inputs: Inputs) -> Expected:
    """Every partition read from its beginning to its end, all events sorted, and applied one after the other; time goes
    on until the inputs' clock."""
    out = Expected()
    events: list[tuple[int, str, int, Usage | Fact]] = []
    accounts = inputs.partitions[InputTopic.ACCOUNTS]
    known = Aliases(frozenset(f"{tp.topic}/{tp.partition}" for tp in accounts))
    for topic in (InputTopic.ACCOUNTS, *(each for each in InputTopic if each is not InputTopic.ACCOUNTS)):
        for tp in inputs.partitions[topic]:
            name = f"{tp.topic}/{tp.partition}"
            read = _read(kafka, tp, topic, inputs.settings, out.dead, known)
            events += [(event.effective_at, name, event.offset, event) for event in read]
            out.events[name] = sorted((event.offset, event.account) for event in read)
    plain = in_order(events, Engine(inputs.settings.detection()), inputs.at)
    out.accounts, out.told = plain.accounts, plain.told
    for each in plain.refused:
        topic_name, _, partition = each.fact.origin.rpartition("/")
        out.dead[topic_name, int(partition), each.fact.offset, each.refusal.reason.value] += 1
    return out


def _read(
    kafka: Kafka,
    tp: TP,
    topic: InputTopic,
    settings: Settings,
    dead: Counter[tuple[str, int, int, str]],
    known: Aliases,
) -> list[Usage | Fact]:
    origin = Origin(
        topic,
        f"{tp.topic}/{tp.partition}",
        homes=1,
        home_of=lambda _: 0,
        out_of_order=settings.out_of_order,
        future_tolerance=settings.future_tolerance,
        aliases=known,
    )
    for each in kafka.logs[tp]:
        refusal: Rejected | None
        if each.headers:
            refusal = origin.mark(each.headers[0][1], each.timestamp)
        elif each.value is None and topic is InputTopic.ACCOUNTS:
            continue
        else:
            event = decode(topic, each.value, max_bytes=settings.max_record_bytes)
            refusal = event if isinstance(event, Rejected) else origin.take(each.offset, event, each.timestamp)
        if refusal is not None:
            dead[tp.topic, tp.partition, each.offset, refusal.reason.value] += 1
    if origin.statements is not None:
        known.take(AliasRecord(origin.name, len(kafka.logs[tp]), LATEST, True, origin.statements.take()))
    (dealt,) = origin.deal(len(kafka.logs[tp]), caught_up=True, most=1_000_000)
    return [event for record in dealt for event in record.events]
