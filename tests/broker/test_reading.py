"""Where the partitions of a topic end."""

from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, OffsetAndMetadata, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from schemas.errors import BrokerError
from streams.broker import Broker
from streams.broker.embedded import EmbeddedBroker
from streams.cli import reading
from streams.cli.checks import group
from streams.runtime import topics
from streams.runtime.settings import Settings


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
        assert await reading.ends_of(consumer, [empty, one, two]) == {empty: 0, one: 6, two: 4}
        assert await reading.ends_of(consumer, [empty]) == {empty: 0}
        assert await reading.ends_of(consumer, []) == {}


async def test_a_group_that_has_read_all_is_not_told_of_a_topic_that_was_created_anew(broker: Broker) -> None:
    name = f"reading-{uuid4().hex[:8]}"
    settings = Settings(brokers=broker.address, app_id=name, topic_prefix=f"{name}.", partitions=1)
    await topics.create(settings)
    part = TopicPartition(settings.topic("usage"), 0)
    async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
        batch = producer.create_batch()
        for _ in range(5):
            batch.append(key=None, value=b"x", timestamp=None)
        await (await producer.send_batch(batch, part.topic, partition=0))
    kafka = settings.kafka()
    async with AIOKafkaConsumer(**kafka, group_id=settings.app_id, enable_auto_commit=False) as consumer:
        consumer.assign([part])
        await consumer.commit({part: OffsetAndMetadata(5, "")})
        assert not [each for each in await group.look(settings) if "anew" in each.text]
        await consumer.commit({part: OffsetAndMetadata(6, "")})
        (anew,) = [each for each in await group.look(settings) if "anew" in each.text]
        assert "has read up to 6, and the topic ends at 5" in anew.text


@pytest.mark.kafka
async def test_what_was_removed_while_it_is_read_takes_nothing_else_with_it(kafka: Broker) -> None:
    topic = uuid4().hex
    part = TopicPartition(topic, 0)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    async with AIOKafkaProducer(bootstrap_servers=kafka.address) as producer:
        for number in range(6):
            await producer.send_and_wait(topic, str(number).encode(), partition=0)
    await admin.delete_records({part: RecordsToDelete(4)})
    await admin.close()
    consumer = reading.reader(Settings(brokers=kafka.address), "test")
    await consumer.start()
    try:
        found = await reading.sample(consumer, {part: 0}, {part: 6})
    finally:
        await consumer.stop()
    assert [each.value for each in found[part]] == [b"4", b"5"]


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
            await reading.ends_of(consumer, [part])
