"""Writing a task's output and its input position together: in one transaction, or as near to that as can be."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from aiokafka import AIOKafkaProducer, OffsetAndMetadata, TopicPartition
from aiokafka.errors import KafkaError, TransactionalIdAuthorizationFailed, UnknownError
from faust.types import TP

from schemas.errors import StartError
from streams.runtime.producer import Producer
from streams.runtime.settings import Settings

MAX_REQUEST: Final = 16 << 20
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
            sent = await _send(self._producer, records)
            if position is not None:
                tp, at = position
                await self._producer.send_offsets_to_transaction({TopicPartition(*tp): at}, self._group)
        return [future.result().offset for future in sent]

    async def stop(self) -> None:
        # A transaction that is still open is settled by the next owner.
        await asyncio.wait([asyncio.ensure_future(self._producer.stop())], timeout=2.0)


class PlainWriter:
    """For a broker without transactions: a flush, and the position after it. A crash in between repeats the flush."""

    def __init__(self, settings: Settings, commit: Commit) -> None:
        self._commit = commit
        self._producer = Producer(**settings.kafka(), **_PRODUCER)

    async def start(self) -> None:
        await self._producer.start()

    async def write(self, records: Sequence[Record], position: tuple[TP, OffsetAndMetadata] | None) -> list[int]:
        sent = await _send(self._producer, records)
        written = await asyncio.gather(*sent)
        if position is not None:
            await self._commit(dict([position]))
        return [each.offset for each in written]

    async def stop(self) -> None:
        await asyncio.wait([asyncio.ensure_future(self._producer.stop())], timeout=2.0)


async def has_transactions(settings: Settings) -> bool:
    """Whether the broker can do transactions: asked by beginning as a transactional producer would.

    Only the embedded broker's own answer means no. A broker, or a coordinator, that is not there yet is waited for.
    Raises `StartError` when it refuses, or does not answer in time: to go on would be at least once, unasked.
    """
    at, prefix = f"the broker at {settings.brokers}", f"{settings.app_id}-"
    last = ""
    try:
        async with asyncio.timeout(ASK_SECONDS):
            while True:
                try:
                    return await _answer(settings, f"{prefix}probe")
                except KafkaError as error:
                    if not _passing(error):
                        raise
                    last = f" (last: {error!r})"
                await asyncio.sleep(_AGAIN_SECONDS)
    except TransactionalIdAuthorizationFailed as error:
        raise StartError(
            f"{at} does not allow transactional ids that begin with {prefix!r}; give this user Describe and Write: "
            f"kafka-acls --add --allow-principal User:NAME --operation Describe --operation Write "
            f"--transactional-id {prefix} --resource-pattern-type prefixed"
        ) from error
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
        await asyncio.wait([asyncio.ensure_future(producer.stop())], timeout=2.0)
    return True


def _passing(error: KafkaError) -> bool:
    """Whether it may be over at the next attempt. aiokafka wraps what happens while it looks for the coordinator."""
    return bool(error.retriable or (isinstance(error.__cause__, KafkaError) and error.__cause__.retriable))


async def _send(producer: AIOKafkaProducer, records: Sequence[Record]) -> list[asyncio.Future[Any]]:
    """Give the records to the producer, which has room for them most of the time and then holds the loop."""
    sent: list[asyncio.Future[Any]] = []
    for topic, partition, key, value, headers in records:
        future = await producer.send(topic, value, key=key, partition=partition, headers=list(headers))
        future.add_done_callback(_looked_at)  # who waits for the last one hears of it
        sent.append(future)
        if len(sent) % BREATH == 0:
            await asyncio.sleep(0)
    return sent


def _looked_at(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()
