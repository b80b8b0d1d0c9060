"""Bad records of every kind in the middle of good ones, through a real broker and the real worker."""

import json
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import NamedTuple

import aiohttp
from aiokafka import AIOKafkaProducer, ConsumerRecord
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schemas.codec import decode
from schemas.dead_letter import DeadLetter
from schemas.errors import Reason, Rejected
from schemas.events import InputTopic
from schemas.instants import format_instant
from schemas.usage import UsageEvent
from streams.broker import KafkaBroker
from tests.corpus import BAD_RECORDS, GOOD_RECORDS, BadRecord
from tests.corpus.records import COMMAND, SOUND, USAGE, text
from tests.corpus.strategies import JSON
from tests.e2e.harness import Application, application, eventually

LIMIT = 200_000
"""max_record_bytes of the worker: well below the broker's own limit, so that what is too large gets there."""
PARTITIONS = 4
SMALL = 500_000
"""The corpus' largest records do not pass a broker with the limits that it has by default."""


class Place(NamedTuple):
    topic: str
    partition: int
    offset: int


class Bad(NamedTuple):
    reason: Reason
    field: str | None
    raw: bytes | None
    key: bytes | None


class Input:
    """Writes records to partitions at random, and keeps what is to become of each."""

    def __init__(self, app: Application, producer: AIOKafkaProducer) -> None:
        self._app = app
        self._producer = producer
        self._random = Random(3)
        self.bad: dict[Place, Bad] = {}
        self.usage: Counter[str] = Counter()
        self.good: Counter[tuple[str, str]] = Counter()

    async def usage_event(self, raw: bytes) -> None:
        """A good one: its quantity is to be counted."""
        event = decode(InputTopic.USAGE, raw)
        assert isinstance(event, UsageEvent)
        self.usage[event.account_id] += event.quantity
        self.good[self._app.settings.topic("usage"), "usage"] += 1
        await self._send(InputTopic.USAGE, raw, b"key")

    async def some_usage(self) -> None:
        """The next good event of one of twenty accounts."""
        number = self.good.total()
        at = format_instant(int(time.time() * 1000) - self._random.randrange(86_400_000))
        event = {"event": "login", "occurred_at": at, "quantity": number % 3 + 1, "event_id": f"e-{number}"}
        await self.usage_event(json.dumps({"account_id": f"good-{number % 20}", **event}).encode())

    async def bad_record(self, record: BadRecord) -> None:
        """A bad one, with a key of any bytes or none; a compacted topic, or a null, needs one."""
        keys = (b"", b"\xff\x00", b"good-1")
        keyed = record.topic is InputTopic.ACCOUNTS or record.raw is None
        key = self._random.choice(keys if keyed else (*keys, None))
        place = await self._send(record.topic, record.raw, key)
        self.bad[place] = Bad(record.reason, record.field, record.raw, key)

    async def tombstone(self) -> None:
        """A null on the accounts topic, as compaction has it: no event, and not bad."""
        await self._send(InputTopic.ACCOUNTS, None, b"good-1")

    async def _send(self, topic: InputTopic, raw: bytes | None, key: bytes | None) -> Place:
        name, partition = self._app.settings.topic(topic.value), self._random.randrange(PARTITIONS)
        sent = await self._producer.send_and_wait(name, raw, key=key, partition=partition)
        return Place(name, partition, sent.offset)


def _generated() -> list[BadRecord]:
    """A hundred that nobody thought of."""
    found: list[BadRecord] = []
    values = st.binary(min_size=1, max_size=200) | JSON.map(lambda value: json.dumps(value).encode())

    @settings(max_examples=100, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(InputTopic), values)
    def draw(topic: InputTopic, raw: bytes) -> None:
        refusal = decode(topic, raw)
        if isinstance(refusal, Rejected):
            found.append(BadRecord(f"generated {len(found)}", topic, raw, refusal.reason, refusal.field))

    draw()
    return found


def _more() -> list[BadRecord]:
    """What the corpus cannot hold: limits of the worker's own settings, and of the present."""
    tomorrow = {"occurred_at": format_instant(int(time.time() * 1000) + 86_400_000)}
    records = [BadRecord("tomorrow", InputTopic.USAGE, text(USAGE | tomorrow), Reason.TIME_IN_FUTURE, "occurred_at")]
    for topic, event in SOUND.items():
        padding = "x" * (LIMIT + 1 - len(text(event | {"properties": ""})))
        raw = text(event | {"properties": padding})
        records.append(BadRecord(f"a byte too many in {topic}", topic, raw, Reason.TOO_LARGE, None))
    return records


async def test_every_good_record_is_counted_and_every_bad_one_is_a_dead_letter(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    app = await application(kafka, tmp_path, clock="wall", max_record_bytes=str(LIMIT), partitions=str(PARTITIONS))
    corpus = [record for record in BAD_RECORDS if record.raw is None or len(record.raw) < SMALL]
    records = [*corpus, *_generated(), *_more()]
    Random(7).shuffle(records)
    began_at = int(time.time() * 1000)
    async with (
        AIOKafkaProducer(bootstrap_servers=kafka.address) as producer,
        app.worker() as worker,
        aiohttp.ClientSession() as session,
    ):
        given = Input(app, producer)
        odd = [
            each.raw
            for each in GOOD_RECORDS
            if each.topic is InputTopic.USAGE and len(each.raw) < LIMIT and b"2099-12-31" not in each.raw
        ]
        for number, record in enumerate(records):
            await given.some_usage()
            if number < len(odd):
                await given.usage_event(odd[number])
            if record.topic is InputTopic.ACCOUNTS and record.raw is None:
                await given.tombstone()
            else:
                await given.bad_record(record)
        # Sound, and impossible: there is no such alert. Its home partition says so, not the one who read it.
        given.bad[await given._send(InputTopic.COMMANDS, text(COMMAND), None)] = Bad(
            Reason.IMPOSSIBLE_COMMAND, "alert_id", None, None
        )
        given.good[app.settings.topic("commands"), "acknowledge"] += 1
        await given.some_usage()

        async def all_there() -> bool:
            return len(await app.records("dead_letters")) >= len(given.bad) and await _totals(app) == given.usage

        async def nothing_waits() -> bool:
            lag = [lag for name, lag in (await worker.metrics()).items() if name.startswith("slackwater_consumer_lag")]
            return bool(lag) and not any(lag)

        await eventually(all_there, "every good record counted and every bad one a dead letter")
        await eventually(nothing_waits, "no lag is left, also where the last record is one of a transaction's")
        letters = await app.records("dead_letters")
        metrics = await worker.metrics()
        async with session.get(f"{worker.address}/healthz") as health:
            assert health.status == 200

    assert len(records) > 400
    assert len({record.reason for record in records}) >= 15
    _check_letters(letters, given.bad, began_at)
    assert await _totals(app) == given.usage
    _check_metrics(metrics, given)


async def _totals(app: Application) -> Counter[str]:
    pictures = (await app.pictures()).values()
    return Counter({each.account_id: each.engagement.events_total for each in pictures if each.engagement.events_total})


def _check_letters(records: list[ConsumerRecord], bad: dict[Place, Bad], began_at: int) -> None:
    found: dict[Place, Bad] = {}
    for record in records:
        letter = DeadLetter.model_validate_json(record.value)
        place = Place(letter.origin.topic, letter.origin.partition, letter.origin.offset)
        assert place not in found, f"two dead letters of {place}"
        assert letter.detail
        if letter.reason is Reason.IMPOSSIBLE_COMMAND:
            assert letter.raw is not None  # the command as it was understood
            assert json.loads(letter.raw)["command_id"] == COMMAND["command_id"]
            letter = letter.model_copy(update={"raw": None})
        else:
            assert began_at <= letter.at <= time.time() * 1000
        found[place] = Bad(letter.reason, letter.field, letter.raw, letter.key)
        assert dict(record.headers) == {
            "content-type": b"application/json",
            "slackwater-reason": letter.reason.value.encode(),
            "slackwater-topic": place.topic.encode(),
            "slackwater-partition": str(place.partition).encode(),
            "slackwater-offset": str(place.offset).encode(),
        }
    assert found == bad


def _check_metrics(metrics: dict[str, float], given: Input) -> None:
    def samples(name: str) -> dict[str, float]:
        return {key: value for key, value in metrics.items() if key.startswith(f"slackwater_{name}{{") and value}

    by_reason = Counter((place.topic, bad.reason.value) for place, bad in given.bad.items())
    letters = {
        f'slackwater_dead_letters_total{{reason="{reason}",topic="{topic}"}}': number
        for (topic, reason), number in by_reason.items()
    }
    assert samples("dead_letters_total") == letters
    rejected = {name.replace("dead_letters", "events_rejected"): number for name, number in letters.items()}
    rejected = {name: number for name, number in rejected.items() if "impossible_command" not in name}
    assert samples("events_rejected_total") == rejected
    assert samples("events_total") == {
        f'slackwater_events_total{{topic="{topic}",type="{kind}"}}': number
        for (topic, kind), number in given.good.items()
    }
