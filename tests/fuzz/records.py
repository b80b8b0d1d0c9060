"""Records for every topic that a worker or a board reads: good ones, damaged ones, and what was never one."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from alerting.notification import AnyNote
from schemas.alerts import PAST_HEADER, Transition
from schemas.alias_log import AliasRecord, Statement, encode_alias_record
from schemas.codec import encode
from schemas.errors import VersionError
from schemas.events import InputTopic, identity, moment
from schemas.instants import format_instant
from schemas.parked_log import ParkedRecord, encode_parked
from schemas.picture import AccountPicture
from schemas.shuffle import Fact, ShuffleRecord, Usage, encode_shuffle
from schemas.usage import UsageEvent
from schemas.versions import refuse_newer
from streams.detection.day_sums import DaySums
from streams.detection.fleet_log import cut, offer, quarter
from streams.detection.origin import MARKER_HEADER
from streams.runtime.settings import Settings
from tests.corpus import BAD_RECORDS, GOOD_RECORDS, BadRecord, GoodRecord
from tests.corpus.strategies import JSON, events, models
from tests.fuzz.mutation import Mutator
from tests.unit.alerting.samples import catch_up, group, notice, notification, reminder, summary
from tests.unit.formats.making import card, customer, invoice, old_subscription, segment, stripe, subscription

SMALL: Final = 100_000
"""Larger records of the corpus are left to others: they take a broker's time and nobody else's."""
GOOD: Final = "good-"
"""So the ids of accounts begin whose totals are known. Nothing else that is sent has such an id."""
_DRAWN: Final = 60
_STRIPE: Final = ("customer.subscription.updated", "customer.subscription.deleted", "invoice.payment_failed")
_VERSIONED: Final = b"\xc1"
"""So a record of another version of the shuffle and of the log of aliases would begin."""

Headers = list[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Sent:
    """A record to be sent. `timestamp` in ms; None: the present."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers = field(default_factory=list)
    timestamp: int | None = None


def drawn(strategy: st.SearchStrategy[Any], number: int, count: int) -> list[Any]:
    """So many values of a strategy; the same ones for the same number, where the same modules are loaded."""
    found: list[Any] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(strategy)
    def draw(value: Any) -> None:
        found.append(value)

    draw()
    return found


class Records:
    """Makes records, one after the other, as a seed says. `partitions` by full topic name; `count` of each kind are
    drawn to begin with."""

    def __init__(self, given: Settings, partitions: dict[str, int], number: int, count: int = _DRAWN) -> None:
        self._random = Random(number)
        self._mutator = Mutator(self._random)
        self._partitions = partitions
        self._json = [json.dumps(each).encode() for each in drawn(JSON, number, count)]
        inputs = {given.topic(each.value): _of_input(each, number, count) for each in InputTopic}
        own = {
            given.topic("alerts"): [encode(each) for each in drawn(models(Transition), number, count)],
            given.topic("health"): [encode(each) for each in drawn(models(AccountPicture), number, count)],
            given.notifications_topic: [each.encode() for each in _notes()],
            given.shuffle_topic: [encode_shuffle(each) for each in _shuffled(number, count)],
            given.fleet_topic: list(_of_fleet()),
            given.alias_topic: [encode_alias_record(each) for each in _of_aliases()],
            given.parked_topic: [encode_parked(each) for each in _parked()],
        }
        self._bases: dict[str, list[bytes]] = inputs | own
        self._binary = {given.shuffle_topic, given.alias_topic, given.parked_topic}
        self._json_versions = {given.topic("alerts"), given.notifications_topic}
        self._fleet, self._inputs = given.fleet_topic, list(inputs)
        self._compacted = {given.topic("accounts"), given.topic("health"), given.parked_topic}
        self._whole = {*inputs, given.topic("health"), given.topic("alerts")}
        """Topics on which records without any damage say nothing of the worker's own state."""
        self._usage = given.topic("usage")
        self._numbers = 0
        self.totals: dict[str, int] = {}
        """Of each good account."""

    @property
    def topics(self) -> list[str]:
        """The full names of all."""
        return list(self._bases)

    def good(self) -> Sent:
        """A good usage event of one of twenty accounts, which counts."""
        random = self._random
        self._numbers += 1
        account, quantity = f"{GOOD}{self._numbers % 20}", random.randint(1, 3)
        event = {
            "account_id": account,
            "event": "login",
            "event_id": f"good-{self._numbers}",
            "occurred_at": format_instant(int(time.time() * 1000) - random.randrange(86_400_000)),
            "quantity": quantity,
        }
        self.totals[account] = self.totals.get(account, 0) + quantity
        return Sent(self._usage, random.randrange(self._partitions[self._usage]), None, json.dumps(event).encode())

    def any(self) -> Sent:
        """Whatever it is."""
        random = self._random
        # Most go where everybody may write.
        topic = random.choice(self._inputs if random.random() < 0.6 else self.topics)
        key = random.choice((None, b"", b"\xff\x00", b"acme", "ключ".encode(), b"k" * 20_000, random.randbytes(8)))
        value = self._value(topic)
        if key is None and (topic in self._compacted or value is None):
            key = b"refused without one"
        now = int(time.time() * 1000)
        timestamp = random.choice((None, None, None, None, 0, 1, now - 10**11, now + 1_000_000))
        return Sent(topic, random.randrange(self._partitions[topic]), key, value, self._headers(), timestamp)

    def _value(self, topic: str) -> bytes | None:
        random = self._random
        base, choice = random.choice(self._bases[topic]), random.random()
        if choice < 0.04:
            return None
        if choice < 0.12:
            value = random.randbytes(random.choice((0, 1, 16, 2_000)))
        elif choice < 0.17:
            value = random.choice(self._json)
        elif choice < 0.22:
            value = random.choice(self._bases[random.choice(self.topics)])
            if value in self._bases[topic]:
                value = value[:-1]
        elif choice < 0.3 and topic in self._whole:
            return base
        elif topic in self._binary or choice < 0.5:
            value = self._mutator.damaged(base)
        else:
            value = self._changed(base)
        return self._not_of_another_version(topic, value)

    def _changed(self, base: bytes) -> bytes:
        mark = b"fleet" if base.startswith(b"fleet") else b""
        try:
            value = json.loads(base[len(mark) :])
        except (ValueError, RecursionError):
            return self._mutator.damaged(base)
        return mark + self._mutator.changed(value)

    def _not_of_another_version(self, topic: str, value: bytes) -> bytes:
        if topic in self._binary and value[:1] == _VERSIONED and len(value) > 1:
            return self._bases[topic][0][:2] + value[2:]
        if topic in self._json_versions:
            try:
                refuse_newer(value, "a record")
            except VersionError:
                return self._bases[topic][0]
        if topic == self._fleet and value.startswith(b"fleet"):
            try:
                version = next(iter(json.loads(value[5:])), None)
            except (ValueError, TypeError, RecursionError):
                return value
            # Whole numbers stand for versions there are, or will be.
            return b"fleet[2,null" if type(version) is int and version not in (1, 2) else value
        return value

    def _headers(self) -> Headers:
        random = self._random
        choices: tuple[Callable[[], Headers], ...] = (
            list,
            list,
            list,
            lambda: [(MARKER_HEADER, random.choice((None, b"", b"\xff", b"now", b"1990-01-01T00:00:00Z", b"9" * 999)))],
            lambda: [(MARKER_HEADER, b"2099-12-31T23:59:59Z")],
            lambda: [(PAST_HEADER, b"1")],
            lambda: [("ce_specversion", random.choice((b"1.0", b"", b"\xff", None, b"9")))],
            lambda: [
                ("ce_specversion", b"1.0"),
                ("ce_id", random.choice((b"e-1", b"", None, b"\xff", b"x" * 10_000))),
                ("ce_source", b"/fuzz"),
                ("ce_type", random.choice((b"login", b"\0", None))),
                ("ce_time", random.choice((b"2025-03-01T12:00:00Z", b"", b"yesterday"))),
                ("content-type", random.choice((b"application/json", b"text/plain", b"\xff", None))),
            ],
            lambda: [(f"h{each}", random.randbytes(5)) for each in range(300)],
            lambda: [("", b""), ("ü\x00", random.randbytes(2_000))],
        )
        return random.choice(choices)()


def _of_input(topic: InputTopic, number: int, count: int) -> list[bytes]:
    native = [encode(each) for each in drawn(events(topic), number, count)]
    corpus: list[BadRecord | GoodRecord] = [*BAD_RECORDS, *GOOD_RECORDS]
    small = [each.raw for each in corpus if each.topic is topic and each.raw is not None and len(each.raw) < SMALL]
    return native + small + [json.dumps(each).encode() for each in _foreign(topic)]


def _foreign(topic: InputTopic) -> Iterator[dict[str, Any]]:
    """What others write, as it is and in a CloudEvent. Commands have one form only, and get these all the same."""
    objects = (subscription(), old_subscription(), invoice(), card(), customer())
    told: list[dict[str, Any]] = [
        segment(kind, event="x", groupId="a") for kind in ("track", "page", "group", "identify")
    ]
    told += [stripe(kind, each) for kind in _STRIPE for each in objects]
    told += [stripe("customer.updated", customer(), {"metadata": {}})]
    for each in told:
        yield each
        yield {"specversion": "1.0", "id": "e", "source": "s", "type": "t", "data": each}
        yield {"specversion": "1.0", "id": "e", "source": topic.value, "type": "t", "data_base64": "e30="}


def _notes() -> Iterator[AnyNote]:
    """Of routes that are there, and of one that is not."""
    for route in ("programs", "cs", "default", "nobody-s"):
        yield notification(route)
        yield notification(route).model_copy(update={"source": "0@abc/17", "follows": True})
        yield group(notification(route), route=route)
        yield reminder(notification(route), route=route)
        yield summary(route=route)
        yield catch_up(route=route)
        yield catch_up(route=route, part=1)
        yield notice(route=route)


def _shuffled(number: int, count: int) -> Iterator[ShuffleRecord]:
    """Of an input partition that no worker knows: see the package."""
    for topic in InputTopic:
        bodies = drawn(events(topic), number, min(count, 20))
        facts: list[Usage | Fact] = [
            Usage(offset, moment(each), each.account_id, moment(each), each.event, 1, each.quantity, each.source, None)
            if isinstance(each, UsageEvent)
            else Fact(offset, moment(each), each.account_id, moment(each), each, None if identity(each) is None else 7)
            for offset, each in enumerate(bodies)
        ]
        yield ShuffleRecord(topic, "nobody-s/7", 40, 1_740_830_400_000, True, tuple(facts))
        yield ShuffleRecord(topic, "nowhere", 40, None, False, tuple(facts[:3]))


def _of_fleet() -> Iterator[bytes]:
    yield cut(1)
    yield offer(0, 1, None)
    yield offer(0, 1, DaySums())
    yield offer(77, 20_000, DaySums())
    yield quarter(0, 1, {-1: 3})
    yield quarter(77, 5, {0: 1, 2: 3})


def _parked() -> Iterator[ParkedRecord]:
    """Of an input partition that no worker knows, and of one that each does."""
    for origin in ("nobody-s/7", "billing/0"):
        yield ParkedRecord(origin, 3, 1_740_830_400_000, "cus_1", -1, None, b"{}", ())
        yield ParkedRecord(origin, 4, 5, "cus_2", 6, b"k", None, (("h", None), ("i", b"")))


def _of_aliases() -> Iterator[AliasRecord]:
    yield AliasRecord("nobody-s/7", 3, 1_740_830_400_000, True, (Statement(3, 5, "nobody", 7, ("no-one", "none")),))
    yield AliasRecord("nowhere", 3, None, False, (Statement(1, 5, "nobody", 7, None), Statement(2, 5, "x", 7, ())))
