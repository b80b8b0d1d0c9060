"""Reading an output topic as a stranger would: committed records only, no group, from the beginning."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from schemas.errors import BrokerError
from streams.produce.existing import partition_counts
from streams.runtime.settings import Settings

_PATIENCE = 10.0  # seconds without getting on after which a topic is given up
_POLL_MS = 200
_SAMPLE_SECONDS = 2.0  # for so long no record of a sample may come
_FETCH_WAIT_MS = (
    50  # a broker answers what comes on a connection in turn: a fetch that waits for records holds up the rest
)
_BACKOFF_MS = 20  # also a client's pause between what it learns of one topic and of the next

Samples = dict[TopicPartition, list[ConsumerRecord]]


def reader(settings: Settings, name: str) -> AIOKafkaConsumer:
    """A consumer of committed records in no group, for one who waits at a terminal. `name` is the client's. Raises
    SettingsError when a certificate or key file cannot be used."""
    return AIOKafkaConsumer(
        **settings.kafka(),
        isolation_level="read_committed",
        auto_offset_reset="earliest",  # where records were removed, or the topic was created anew
        client_id=f"slackwater-{name}",
        fetch_max_wait_ms=_FETCH_WAIT_MS,
        retry_backoff_ms=_BACKOFF_MS,
    )


@asynccontextmanager
async def committed(settings: Settings, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that stands at the beginning of every partition of a topic (its full name).

    Raises BrokerError when there is no broker or no such topic.
    """
    count = (await partition_counts(settings, [topic]))[topic]
    parts = [TopicPartition(topic, number) for number in range(count)]
    consumer = reader(settings, "read")
    try:
        await consumer.start()
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        yield consumer
    except (KafkaError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise BrokerError(f"{topic!r} cannot be read at {settings.brokers}: {reason}") from error
    finally:
        await consumer.stop()


async def read_all(settings: Settings, topic: str) -> AsyncIterator[ConsumerRecord]:
    """The records of a topic that are committed now, each partition in its order. Raises BrokerError."""
    async with committed(settings, topic) as consumer:
        parts = consumer.assignment()
        ends = await consumer.end_offsets(parts)
        positions: dict[TopicPartition, int] = {}
        deadline = 0.0
        while True:
            # Aborted records and the marks of transactions move the position and are never handed out.
            before, positions = positions, {part: await consumer.position(part) for part in parts}
            if all(positions[part] >= ends[part] for part in parts):
                return
            if positions != before:
                deadline = time.monotonic() + _PATIENCE
            elif time.monotonic() > deadline:
                raise BrokerError(f"{topic!r} cannot be read to its end at {settings.brokers}")
            for batch in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                for record in batch:
                    yield record


async def ends_of(consumer: AIOKafkaConsumer, parts: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """Where partitions end. The embedded broker says of one that it ends behind the first record of its last batch: so
    that is read here. The consumer is assigned them, and stands at their ends.

    Raises BrokerError when a last batch does not come.
    """
    ends: dict[TopicPartition, int] = await consumer.end_offsets(parts)
    left = [part for part, end in ends.items() if end]
    if left:
        consumer.assign(left)
    for part in left:
        consumer.seek(part, ends[part] - 1)
    deadline = time.monotonic() + _PATIENCE
    while left:
        if time.monotonic() > deadline:
            names = ", ".join(sorted(f"{part.topic}/{part.partition}" for part in left))
            raise BrokerError(f"the last records of {names} cannot be read")
        await consumer.getmany(*left, timeout_ms=_POLL_MS)
        for part in list(left):
            at = await consumer.position(part)  # marks of transactions move it, and are never handed out
            if at >= ends[part]:
                ends[part] = at
                left.remove(part)
    return ends


async def sample(
    consumer: AIOKafkaConsumer,
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    most: int | None = None,
) -> Samples:
    """Records of partitions from an offset of each on: to their ends, or so many of each; fewer when they do not come
    soon."""
    if not starts:
        return {}
    consumer.assign(list(starts))
    for part, start in starts.items():
        consumer.seek(part, start)
    found: Samples = {part: [] for part in starts}
    left = set(starts)
    deadline = time.monotonic() + _SAMPLE_SECONDS
    while left and time.monotonic() < deadline:
        for part, records in (await consumer.getmany(*left, timeout_ms=100)).items():
            found[part] += records[: None if most is None else most - len(found[part])]
            deadline = time.monotonic() + _SAMPLE_SECONDS
        left = {part for part in left if len(found[part]) != most and await consumer.position(part) < ends[part]}
    return found


async def last_records(
    consumer: AIOKafkaConsumer,
    parts: Sequence[TopicPartition],
    most: int,
    seconds: float,
    most_bytes: int,
    unread: set[TopicPartition] | None = None,
) -> AsyncIterator[ConsumerRecord]:
    """The last records of partitions, about `most` of all together: fewer when they do not come soon, when so many
    seconds have gone by, or when their values come to so many bytes. However much the partitions hold. Those that were
    not read to their ends are put into `unread`."""
    if not parts:
        return
    first, ends = await consumer.beginning_offsets(parts), await consumer.end_offsets(parts)
    left = {part for part in parts if first[part] < ends[part]}
    if not left:
        return
    each = max(1, most // len(left))
    consumer.assign(list(left))
    for part in left:
        consumer.seek(part, max(first[part], ends[part] - each))
    until, deadline, size = time.monotonic() + seconds, time.monotonic() + _SAMPLE_SECONDS, 0
    while left and time.monotonic() < min(until, deadline) and size < most_bytes:
        for records in (await consumer.getmany(*left, timeout_ms=100)).values():
            deadline = time.monotonic() + _SAMPLE_SECONDS
            for record in records:  # some are newer than `ends`, and no worse
                size += len(record.value or b"")
                yield record
        left = {part for part in left if await consumer.position(part) < ends[part]}
    if unread is not None:
        unread |= left
