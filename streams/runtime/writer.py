"""Writing a task's output and its input position together: in one transaction, or as near to that as can be."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, NamedTuple, Protocol

from aiokafka import AIOKafkaProducer, OffsetAndMetadata, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, TransactionalIdAuthorizationFailed, UnknownError
from aiokafka.producer.message_accumulator import BatchBuilder
from faust.types import TP

from schemas.errors import StartError
from streams.runtime.acls import refusal, transactions
from streams.runtime.letting_go import stopped
from streams.runtime.producer import Producer
from streams.runtime.settings import Settings

MAX_REQUEST: Final = 16 << 20
MAX_RECORD: Final = MAX_REQUEST - 4_096
"""Bytes of a value, with room for its key, its headers and what is around them."""
ASK_SECONDS: Final = 30.0
"""For so long a broker is asked whether it has transactions: on a new cluster it first makes a topic for them."""
_AGAIN_SECONDS: Final = 0.5
BREATH: Final = 100
"""Records made or sent between two moments at which the loop may do something else."""
_PRODUCER: Final[dict[str, Any]] = {
    "linger_ms": 2,
    "max_batch_size": 1 << 19,
    "max_request_size": MAX_REQUEST,
    "acks": "all",
}


def transactional_id(settings: Settings, stage: str, tp: TP) -> str:
    """Of a task: whoever starts a producer with it fences the one before."""
    return f"{settings.app_id}-{stage}-{tp.topic}-{tp.partition}"


class Record(NamedTuple):
    """One record to be written."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class Commit(Protocol):
    """Commits offsets for the group, outside a transaction."""

    async def __call__(self, offsets: Mapping[TP, OffsetAndMetadata]) -> None: ...


class Writer(Protocol):
    """What a task writes with."""

    async def start(self) -> None: ...
    async def write(self, records: Sequence[Record], position: tuple[TP, OffsetAndMetadata] | None) -> list[int]:
        """All of it or none. Gives the offset of each record."""
        ...

    async def stop(self) -> None: ...


class TransactionalWriter:
    """One transaction a write. `start` fences whoever had the same id before, and settles what it left open."""

    def __init__(self, settings: Settings, transactional_id: str, timeout_ms: int = 20_000) -> None:
        self._group = settings.app_id
        self._producer = Producer(
            **settings.kafka(), **_PRODUCER, transactional_id=transactional_id, transaction_timeout_ms=timeout_ms
        )

    async def start(self) -> None:
        await self._producer.start()

    async def write(self, records: Sequence[Record], position: tuple[TP, OffsetAndMetadata] | None) -> list[int]:
        async with self._producer.transaction():
            sending = _Sending(self._producer)
            await sending.send(records)
            if position is not None:
                tp, at = position
                await self._producer.send_offsets_to_transaction({TopicPartition(*tp): at}, self._group)
        return await sending.written()

    async def stop(self) -> None:
        # A transaction that is still open is settled by the next owner.
        await stopped(self._producer)


class PlainWriter:
    """For a broker without transactions: a flush, and the position after it. A crash in between repeats the flush.
    Without `commit` no position can be written."""

    def __init__(self, settings: Settings, commit: Commit | None = None) -> None:
        self._commit = commit
        self._producer = Producer(**settings.kafka(), **_PRODUCER)

    async def start(self) -> None:
        await self._producer.start()

    async def write(self, records: Sequence[Record], position: tuple[TP, OffsetAndMetadata] | None) -> list[int]:
        offsets: list[int] = []
        # Topic by topic, as they come: what is said is written before the state that says that it was.
        for _, of_topic in groupby(records, key=attrgetter("topic")):
            sending = _Sending(self._producer)
            await sending.send(list(of_topic))
            offsets += await sending.written()
        if position is not None:
            assert self._commit is not None
            await self._commit(dict([position]))
        return offsets

    async def stop(self) -> None:
        await stopped(self._producer)


async def has_transactions(settings: Settings) -> bool:
    """Whether the broker can do transactions: asked by beginning as a transactional producer would.

    Only the embedded broker's own answer means no. A broker, or a coordinator, that is not there yet is waited for.
    Raises `StartError` when it refuses, or does not answer in time: to go on would be at least once, unasked.
    """
    at = f"the broker at {settings.brokers}"
    last = ""
    try:
        async with asyncio.timeout(ASK_SECONDS):
            while True:
                try:
                    return await _answer(settings, f"{settings.app_id}-probe")
                except KafkaError as error:
                    if not _passing(error):
                        raise
                    last = f" (last: {error!r})"
                await asyncio.sleep(_AGAIN_SECONDS)
    except TransactionalIdAuthorizationFailed as error:
        raise StartError(refusal(settings, [transactions(settings)])) from error
    except KafkaError as error:
        raise StartError(f"{at} does not begin transactions: {error!r}; its own log says why") from error
    except TimeoutError as error:
        raise StartError(
            f"{at} has not begun a transaction within {ASK_SECONDS:g} s{last}; look whether its topic "
            "__transaction_state has leaders, and as many brokers as its replication factor and min.isr ask for"
        ) from error


async def _answer(settings: Settings, transactional_id: str) -> bool:
    producer = AIOKafkaProducer(**settings.kafka(), transactional_id=transactional_id)
    try:
        await producer.start()
    except UnknownError:  # so the embedded broker answers; a Kafka says what is wrong
        return False
    finally:
        await stopped(producer)
    return True


def _passing(error: KafkaError) -> bool:
    """Whether it may be over at the next attempt. aiokafka wraps what happens while it looks for the coordinator."""
    return bool(error.retriable or (isinstance(error.__cause__, KafkaError) and error.__cause__.retriable))


@dataclass(slots=True, eq=False)
class _Batch:
    """Records of one partition that go out together."""

    builder: BatchBuilder
    written: asyncio.Future[Any] | None = None
    """Holds the first record's offset once the batch is written."""


class _Sending:
    """Gives records to a producer in batches that are filled here. Record by record aiokafka needs several times as
    long, most of all for a future of each."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._open: dict[tuple[str, int], _Batch] = {}
        self._batches: list[_Batch] = []
        self._places: list[tuple[_Batch, int]] = []

    async def send(self, records: Sequence[Record]) -> None:
        """Hand all of them over; those of one partition stay in order. Where much is sent, others have their turn."""
        for count, (topic, partition, key, value, headers) in enumerate(records):
            if len(value or b"") > MAX_RECORD:  # said here, before anything of its batch goes out
                raise MessageSizeTooLargeError(f"a record of {len(value or b'')} bytes for {topic}; {MAX_RECORD} fit")
            batch = self._open.get((topic, partition))
            fields = {"timestamp": None, "key": key, "value": value, "headers": list(headers)}
            if batch is None or batch.builder.append(**fields) is None:
                if batch is not None:
                    await self._hand_over(topic, partition, batch)
                batch = self._open[topic, partition] = _Batch(self._producer.create_batch())
                batch.builder.append(**fields)  # the first one always fits; a broker may find it too large
            self._places.append((batch, batch.builder.record_count() - 1))
            if (count + 1) % BREATH == 0:
                await asyncio.sleep(0)
        for (topic, partition), batch in self._open.items():
            await self._hand_over(topic, partition, batch)

    async def written(self) -> list[int]:
        """The records' offsets, when all of them are written."""
        first = {batch: (await batch.written).offset for batch in self._batches if batch.written is not None}
        return [first[batch] + place for batch, place in self._places]

    async def _hand_over(self, topic: str, partition: int, batch: _Batch) -> None:
        batch.written = await self._producer.send_batch(batch.builder, topic, partition=partition)
        batch.written.add_done_callback(_looked_at)  # who waits for the last one hears of it
        self._batches.append(batch)


def _looked_at(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()
