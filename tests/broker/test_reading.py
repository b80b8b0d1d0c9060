"""Where the partitions of a topic end."""

from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.errors import BrokerError
from streams.broker import Broker, KafkaBroker
from streams.broker.embedded import EmbeddedBroker
from streams.cli import reading


async def test_a_partition_ends_behind_its_last_batch_not_behind_the_first_record_of_that(broker: Broker) -> None:
    topic = uuid4().hex
    empty, one, two = (TopicPartition(topic, number) for number in range(3))
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 3, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
        for partition, sizes in ((1, (1, 5)), (2, (3, 1))):
            for size in sizes:
                batch = producer.create_batch()
                for _ in range(size):
                    batch.append(key=None, value=b"x", timestamp=None)
                batch.close()
                await (await producer.send_batch(batch, topic, partition=partition))
    async with AIOKafkaConsumer(bootstrap_servers=broker.address, enable_auto_commit=False) as consumer:
        exactly_once = isinstance(broker, KafkaBroker)
        ends = await reading.ends_of(consumer, [empty, one, two], exactly_once=exactly_once)
        assert ends == {empty: 0, one: 6, two: 4}
        assert await reading.ends_of(consumer, [empty], exactly_once=exactly_once) == {empty: 0}


async def test_a_last_batch_that_does_not_come_is_named(
    embedded: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = uuid4().hex
    part = TopicPartition(topic, 0)
    async with AIOKafkaProducer(bootstrap_servers=embedded.address) as producer:
        await producer.send_and_wait(topic, b"x", partition=0)
    monkeypatch.setattr(reading, "_PATIENCE", -1.0)
    async with AIOKafkaConsumer(bootstrap_servers=embedded.address, enable_auto_commit=False) as consumer:
        with pytest.raises(BrokerError, match=f"the last records of {topic}/0 cannot be read"):
            await reading.ends_of(consumer, [part], exactly_once=False)
