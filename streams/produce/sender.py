"""Sending records to the input topics: keys, markers, pace.

A marker is a record with the key `slackwater-clock`, an empty value, and a header of the same name that holds a time in
RFC 3339: everything after it, in its partition, is not older than that. A worker whose clock is `events` goes by
them alone. One is written to every partition of every input topic at each beginning of a day (UTC) and at the end.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, UnknownError, UnsupportedVersionError
from aiokafka.partitioner import murmur2

from schemas.errors import BrokerError
from schemas.events import InputTopic
from schemas.instants import format_instant
from streams.produce.existing import partition_counts
from streams.produce.lanes import Lanes
from streams.produce.pace import Pace
from streams.produce.record import InputRecord
from streams.runtime.connecting import no_broker
from streams.runtime.settings import Settings

MARKER = "slackwater-clock"
MARKER_KEY = MARKER.encode()
DAY_MS = 86_400_000
_BATCH_BYTES = 128 * 1024
_LINGER = 0.05  # seconds that a paced record may wait for company
_BREATH = 500  # records between two looks at the event loop


@dataclass(slots=True)
class Sent:
    """What has been sent so far. Times are event times in milliseconds."""

    records: Counter[InputTopic] = field(default_factory=Counter)
    markers: int = 0
    first_at: int | None = None
    last_at: int | None = None

    @property
    def total(self) -> int:
        """Records of all topics, without markers."""
        return self.records.total()


class Sender:
    """An open connection for sending: `async with Sender(settings) as sender`.

    Keys are account ids in UTF-8 and partitions those of Kafka's Java client (murmur2). It sends to these `topics`, and
    needs no right on others. Raises BrokerError when there is no broker, when one of them is missing, and when a record
    cannot be written.
    """

    def __init__(self, settings: Settings, topics: Iterable[InputTopic] = InputTopic) -> None:
        self.sent = Sent()
        self._settings = settings
        self._topics = {topic: settings.topic(topic.value) for topic in topics}
        self._partitions: dict[InputTopic, int] = {}
        self._hashes: dict[str, tuple[bytes, int]] = {}
        self._producer: AIOKafkaProducer | None = None
        self._lanes: Lanes | None = None

    async def __aenter__(self) -> Self:
        counts = await partition_counts(self._settings, self._topics.values())
        self._partitions = {topic: counts[name] for topic, name in self._topics.items()}
        try:
            producer = await _start_producer(self._settings)
        except (KafkaError, OSError) as error:
            raise await no_broker(self._settings, error) from error
        self._producer, self._lanes = producer, Lanes(producer)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._producer is not None:
            await self._producer.stop()
            self._producer = self._lanes = None

    async def send(self, record: InputRecord) -> None:
        """Append a record. It is on its way when its batch is full or `hand_over` is called."""
        key, spread = self._hashed(record.account)
        partition = spread % self._partitions[record.topic]
        try:
            await self._running().add(self._topics[record.topic], partition, key, record.value, [])
        except KafkaError as error:
            raise _refused(error) from error
        sent = self.sent
        sent.records[record.topic] += 1
        if sent.first_at is None:
            sent.first_at = record.at
        sent.last_at = record.at

    async def mark(self, at: int) -> None:
        """Write a marker of this time (milliseconds) to every partition of every input topic."""
        headers = [(MARKER, format_instant(at).encode())]
        lanes = self._running()
        try:
            for topic, count in self._partitions.items():
                for partition in range(count):
                    await lanes.add(self._topics[topic], partition, MARKER_KEY, b"", headers)
                    self.sent.markers += 1
        except KafkaError as error:
            raise _refused(error) from error

    async def hand_over(self) -> None:
        """Put on its way what waits for its batch to fill up."""
        try:
            await self._running().hand_over()
        except KafkaError as error:
            raise _refused(error) from error

    async def flush(self) -> None:
        """Wait until all of it is written."""
        try:
            await self._running().flush()
        except KafkaError as error:
            raise _refused(error) from error

    def _hashed(self, account: str) -> tuple[bytes, int]:
        hashed = self._hashes.get(account)
        if hashed is None:
            key = account.encode()
            hashed = self._hashes[account] = (key, murmur2(key) & 0x7FFF_FFFF)
        return hashed

    def _running(self) -> Lanes:
        if self._lanes is None:
            raise RuntimeError("use the sender in `async with`")
        return self._lanes


async def send(
    records: Iterable[InputRecord],
    settings: Settings,
    *,
    pace: Pace | None = None,
    topics: Iterable[InputTopic] = InputTopic,
    markers: bool = True,
    settle_ms: int = 0,
    progress: Callable[[Sent], None] | None = None,
) -> Sent:
    """Send records, which come in order of event time, and return when all of them are written.

    All of them are for these `topics`, which get the markers. Without a `pace` they go at full speed. The end marker's
    time is the last event's plus `settle_ms` (at least 1).
    `progress` is called now and then. Raises BrokerError as `Sender` does, and what `records` raises.
    """
    async with Sender(settings, topics) as sender:
        sent = sender.sent
        next_day: int | None = None
        for count, record in enumerate(records):
            while markers and next_day is not None and record.at >= next_day:
                if pace is not None:
                    await _until(pace, sender, next_day)
                await sender.mark(next_day)
                next_day += DAY_MS
            if next_day is None:
                next_day = (record.at // DAY_MS + 1) * DAY_MS
            if pace is not None:
                await _until(pace, sender, record.at)
            await sender.send(record)
            if count % _BREATH == 0:
                await asyncio.sleep(0)
                if progress is not None:
                    progress(sent)
        if markers and sent.last_at is not None:
            # A worker applies what lies before the clock: so that the last event does, too, the clock goes beyond it.
            await sender.mark(sent.last_at + max(settle_ms, 1))
        await sender.flush()
        if progress is not None:
            progress(sent)
        return sent


async def _until(pace: Pace, sender: Sender, at: int) -> None:
    """Wait until an event is due; meanwhile nothing that was due before is kept back."""
    wait = pace.wait(at)
    if wait > 0:
        await sender.hand_over()
        await asyncio.sleep(max(wait, _LINGER))


async def _start_producer(settings: Settings) -> AIOKafkaProducer:
    """An idempotent producer; a plain one on a broker that knows no idempotence (the embedded one)."""
    try:
        return await _started(AIOKafkaProducer(**_producer_options(settings), enable_idempotence=True))
    except (UnknownError, UnsupportedVersionError):
        return await _started(AIOKafkaProducer(**_producer_options(settings), acks="all"))


async def _started(producer: AIOKafkaProducer) -> AIOKafkaProducer:
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise
    return producer


def _producer_options(settings: Settings) -> dict[str, Any]:
    return {**settings.kafka(), "max_batch_size": _BATCH_BYTES, "client_id": "slackwater-produce"}


def _refused(error: KafkaError) -> BrokerError:
    return BrokerError(f"the broker did not take a record: {str(error) or type(error).__name__}")
