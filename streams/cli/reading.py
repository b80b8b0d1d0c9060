"""Reading an output topic as a stranger would: committed records only, no group, from the beginning."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from schemas.errors import BrokerError
from streams.runtime.settings import Settings

_PATIENCE = 10_000  # milliseconds without a record after which a topic that does not reach its end is given up


@asynccontextmanager
async def committed(settings: Settings, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that stands at the beginning of every partition of a topic (its full name).

    Raises BrokerError when there is no broker or no such topic.
    """
    consumer = AIOKafkaConsumer(**settings.kafka(), isolation_level="read_committed", client_id="slackwater-read")
    try:
        await consumer.start()
        # All topics: a broker may create those that are asked for by name.
        if topic not in await consumer.topics():
            raise BrokerError(f"the broker at {settings.brokers} has no topic {topic!r}; run: slackwater topics create")
        parts = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
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
        while [part for part in parts if await consumer.position(part) < ends[part]]:
            before = {part: await consumer.position(part) for part in parts}
            for batch in (await consumer.getmany(timeout_ms=_PATIENCE)).values():
                for record in batch:
                    yield record
            if before == {part: await consumer.position(part) for part in parts}:
                raise BrokerError(f"{topic!r} cannot be read to its end at {settings.brokers}")
