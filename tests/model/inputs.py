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
from schemas.errors import Reason, Rejected
from schemas.events import InputEvent, InputTopic
from schemas.instants import LATEST, format_instant
from schemas.shuffle import Fact, Usage, parked_of
from streams.detection.aliases import Aliases
from streams.detection.config import DAY_MS, HOUR_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.origin import MARKER_HEADER, Origin, Unknown
from streams.detection.state import Account
from streams.runtime.settings import Settings
from tests.model.kafka import Kafka
from tests.plain import in_order
from tests.properties.input_logs import BEGINS, CONFIG, bill_of, command_of, feedback_of, usage_of

MINUTE_MS = 60_000
ALIASES = ("alias-0", "alias-1", "waits-0", "waits-1")
"""Ids that may be of any account, or of none."""
WAITS = "waits-*"
"""Those that have to be one's."""
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
            event = usage_of(random, self._name(random, account), self._moment(random))
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
                *[(InputTopic.BILLING, encode(bill_of(random, self._name(random, account), at)))] * 3,
                (InputTopic.FEEDBACK, encode(feedback_of(random, self._name(random, account), at))),
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

    @staticmethod
    def _name(random: Random, account: str) -> str:
        return random.choice(ALIASES) if random.random() < 0.2 else account

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


@dataclass(frozen=True, slots=True)
class Wait:
    """An event whose account is not known yet."""

    offset: int
    place: int
    name: str
    clock: int
    """Its partition's, once it is read."""
    event: InputEvent

    def ends(self, known: Aliases, partition: str, park_for: int) -> tuple[int, str | None]:
        """When its wait ends, and whose it is then; nobody's, when it has waited for too long."""
        until = self.place + park_for
        for since, account in known.histories.get(self.name, ()):
            if account is not None and since > (self.place, partition, self.offset) and since[0] <= until:
                return since[0], account
        return until + 1, None


@dataclass(slots=True)
class Expected:
    """What must come of the records."""

    told: dict[str, list[Transition]] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    dead: Counter[tuple[str, int, int, str]] = field(default_factory=Counter)
    """Place and reason of each dead letter."""
    events: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """Of each input partition the offset and the account of each valid event."""
    sent: dict[str, list[str]] = field(default_factory=dict)
    """The accounts of those that had waited, in the order in which they are sent on."""


def expected(kafka: Kafka, inputs: Inputs) -> Expected:
    """Every partition read from its beginning to its end, all events sorted, and applied one after the other; time goes
    on until the inputs' clock."""
    out = Expected()
    events: list[tuple[int, str, int, Usage | Fact]] = []
    accounts = inputs.partitions[InputTopic.ACCOUNTS]
    known = Aliases(frozenset(f"{tp.topic}/{tp.partition}" for tp in accounts), have_to_be=inputs.settings.park_ids)
    for topic in (InputTopic.ACCOUNTS, *(each for each in InputTopic if each is not InputTopic.ACCOUNTS)):
        for tp in inputs.partitions[topic]:
            name = f"{tp.topic}/{tp.partition}"
            read, sent = _read(kafka, tp, topic, inputs.settings, out.dead, known)
            events += [(event.effective_at, name, event.offset, event) for event in read]
            out.events[name] = sorted((event.offset, event.account) for event in read)
            events += [(event.effective_at, parked_of(name), event.offset, event) for event in sent]
            out.sent[parked_of(name)] = [event.account for event in sent]
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
) -> tuple[list[Usage | Fact], list[Usage | Fact]]:
    """A partition's events, and those that waited for their account."""
    waiting: list[Wait] = []
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
        refusal: Rejected | Unknown | None
        if each.headers:
            refusal = origin.mark(each.headers[0][1], each.timestamp)
        elif each.value is None and topic is InputTopic.ACCOUNTS:
            continue
        else:
            event = decode(topic, each.value, max_bytes=settings.max_record_bytes)
            refusal = event if isinstance(event, Rejected) else origin.take(each.offset, event, each.timestamp)
        if isinstance(refusal, Unknown):
            assert origin.clock is not None
            assert not isinstance(event, Rejected)
            waiting.append(Wait(each.offset, refusal.place, refusal.name, origin.clock, event))
        elif refusal is not None:
            dead[tp.topic, tp.partition, each.offset, refusal.reason.value] += 1
    if origin.statements is not None:
        known.take(AliasRecord(origin.name, len(kafka.logs[tp]), LATEST, True, origin.statements.take()))
    (dealt,) = origin.deal(len(kafka.logs[tp]), caught_up=True, most=1_000_000)
    sent = _sent(waiting, known, tp, origin, settings, dead)
    return [event for record in dealt for event in record.events], sent


def _sent(
    waiting: list[Wait],
    known: Aliases,
    tp: TP,
    origin: Origin,
    settings: Settings,
    dead: Counter[tuple[str, int, int, str]],
) -> list[Usage | Fact]:
    """What becomes of events that wait: looked at one by one, each with all that had begun to wait before."""
    name, end, had_room = f"{tp.topic}/{tp.partition}", origin.clock or -1, list[Wait]()
    ends = {each.offset: each.ends(known, name, settings.park_for) for each in waiting}
    for each in waiting:
        beside = [other for other in had_room if ends[other.offset][0] > each.clock]
        of_id = sum(other.name == each.name for other in beside)
        if len(beside) < settings.max_parked_records and of_id < max(1, settings.max_parked_records // 10):
            had_room.append(each)
        else:
            dead[*tp, each.offset, Reason.UNKNOWN_ACCOUNT.value] += 1
    onward = Origin(origin.topic, parked_of(name), homes=1, home_of=lambda _: 0, out_of_order=0, future_tolerance=0)
    for each in sorted(had_room, key=lambda each: (ends[each.offset][0], each.place, each.offset)):
        until, account = ends[each.offset]
        if until > end:
            continue
        if account is None:
            dead[*tp, each.offset, Reason.UNKNOWN_ACCOUNT.value] += 1
            continue
        onward.clock = until
        onward.take(each.offset, each.event.model_copy(update={"account_id": account}), None)
    (dealt,) = onward.deal(0, caught_up=True, most=1_000_000)
    return [event._replace(offset=number) for record in dealt for number, event in enumerate(record.events)]
