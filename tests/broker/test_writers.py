"""A task's writer on the embedded broker and on a real one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import aiokafka.client
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, OffsetAndMetadata, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from faust.types import TP

from streams.broker import EmbeddedBroker, KafkaBroker
from streams.runtime.settings import Settings
from streams.runtime.writer import PlainWriter, Record, TransactionalWriter, has_transactions


async def topic_on(address: str, partitions: int = 2) -> tuple[Settings, str]:
    """Settings with a group of their own, and a new topic."""
    name = f"writer-{uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([NewTopic(name, partitions, 1)])
    await admin.close()
    return Settings(brokers=address, app_id=name), name


async def committed_records(settings: Settings, topic: str, wanted: int) -> list[ConsumerRecord]:
    """What a reader of committed records finds, by partition and offset; waits for `wanted` of them."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.brokers, isolation_level="read_committed")
    await consumer.start()
    parts = [TopicPartition(topic, number) for number in range(2)]
    consumer.assign(parts)
    await consumer.seek_to_beginning(*parts)
    found: list[ConsumerRecord] = []
    for _ in range(20):
        for batch in (await consumer.getmany(timeout_ms=200)).values():
            found += batch
        if len(found) >= wanted:
            break
    await consumer.stop()
    return sorted(found, key=lambda record: (record.partition, record.offset))


async def group_offset(settings: Settings, tp: TopicPartition) -> OffsetAndMetadata:
    """What the group has committed."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers)
    await admin.start()
    found: Mapping[TopicPartition, OffsetAndMetadata] = await admin.list_consumer_group_offsets(settings.app_id)
    await admin.close()
    return found[tp]


def records(topic: str) -> list[Record]:
    return [
        Record(topic, 0, b"a", b"1", [("h", b"x")]),
        Record(topic, 1, None, b"2"),
        Record(topic, 0, b"b", None),
    ]


async def test_a_plain_writer_writes_all_and_commits_after_it(embedded: EmbeddedBroker) -> None:
    settings, topic = await topic_on(embedded.address)
    commits: list[Mapping[TP, OffsetAndMetadata]] = []
    written_before = []

    async def commit(offsets: Mapping[TP, OffsetAndMetadata]) -> None:
        written_before.append(len(await committed_records(settings, topic, 3)))
        commits.append(offsets)

    writer = PlainWriter(settings, commit)
    await writer.start()
    position = (TP("input", 0), OffsetAndMetadata(7, "clock"))
    assert await writer.write(records(topic), position) == [0, 0, 1]
    assert await writer.write(records(topic)[:1], None) == [2]
    await writer.stop()
    found = await committed_records(settings, topic, 4)
    assert [(each.partition, each.key, each.value) for each in found] == [
        (0, b"a", b"1"),
        (0, b"b", None),
        (0, b"a", b"1"),
        (1, None, b"2"),
    ]
    assert found[0].headers == (("h", b"x"),)
    assert (commits, written_before) == ([dict([position])], [3])


async def test_a_plain_writer_that_cannot_write_commits_nothing(embedded: EmbeddedBroker) -> None:
    settings, topic = await topic_on(embedded.address)
    commits: list[object] = []

    async def commit(offsets: Mapping[TP, OffsetAndMetadata]) -> None:
        commits.append(offsets)

    writer = PlainWriter(settings, commit)
    await writer.start()
    with pytest.raises(KafkaError):
        await writer.write([Record(topic, 0, None, bytes(17 << 20))], (TP("input", 0), OffsetAndMetadata(7, "")))
    await writer.stop()
    assert commits == []


async def test_a_transaction_holds_records_and_position(kafka: KafkaBroker) -> None:
    settings, topic = await topic_on(kafka.address)
    writer = TransactionalWriter(settings, f"{topic}-task")
    await writer.start()
    assert await writer.write(records(topic), (TP(topic, 1), OffsetAndMetadata(7, "clock"))) == [0, 0, 1]
    await writer.stop()
    assert len(await committed_records(settings, topic, 3)) == 3
    at = await group_offset(settings, TopicPartition(topic, 1))
    assert (at.offset, at.metadata) == (7, "clock")


async def test_a_second_start_with_the_same_id_fences_the_first(kafka: KafkaBroker) -> None:
    settings, topic = await topic_on(kafka.address)
    old, new = (TransactionalWriter(settings, f"{topic}-task") for _ in range(2))
    await old.start()
    await old.write(records(topic), (TP(topic, 0), OffsetAndMetadata(1, "")))
    await new.start()
    with pytest.raises(KafkaError):
        await old.write(records(topic), (TP(topic, 0), OffsetAndMetadata(99, "")))
    await new.write(records(topic)[:1], (TP(topic, 0), OffsetAndMetadata(2, "")))
    with pytest.raises((KafkaError, AssertionError)):  # aiokafka asserts that a fenced producer begins nothing
        await old.write(records(topic), (TP(topic, 0), OffsetAndMetadata(99, "")))
    await old.stop()
    await new.stop()
    assert len(await committed_records(settings, topic, 5)) == 4
    assert (await group_offset(settings, TopicPartition(topic, 0))).offset == 2


async def test_a_write_that_fails_leaves_nothing_for_readers_of_committed_records(kafka: KafkaBroker) -> None:
    settings, topic = await topic_on(kafka.address)
    writer = TransactionalWriter(settings, f"{topic}-task")
    await writer.start()
    with pytest.raises(KafkaError):
        await writer.write(
            [*records(topic), Record(topic, 0, None, bytes(17 << 20))], (TP(topic, 0), OffsetAndMetadata(5, ""))
        )
    await writer.write(records(topic)[:1], (TP(topic, 0), OffsetAndMetadata(1, "")))
    await writer.stop()
    assert [each.value for each in await committed_records(settings, topic, 2)] == [b"1"]
    assert (await group_offset(settings, TopicPartition(topic, 0))).offset == 1


async def test_only_a_real_kafka_has_transactions(kafka: KafkaBroker, embedded: EmbeddedBroker) -> None:
    assert await has_transactions(Settings(brokers=kafka.address))
    assert not await has_transactions(Settings(brokers=embedded.address))


async def test_a_broker_that_is_away_is_tried_a_few_times_a_second_and_gets_the_flush_when_it_is_back(
    kafka_required: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, attempts = aiokafka.client.create_conn, 0

    async def counted(*to: Any, **how: Any) -> Any:
        nonlocal attempts
        attempts += 1
        return await connect(*to, **how)

    async with KafkaBroker() as broker:
        settings, topic = await topic_on(broker.address)
        writers = [TransactionalWriter(settings, f"{topic}-{number}") for number in range(4)]
        await asyncio.gather(*(writer.start() for writer in writers))
        await asyncio.gather(*(writer.write(records(topic), None) for writer in writers))
        broker.kill()
        flushes = asyncio.gather(*(writer.write(records(topic), None) for writer in writers))
        await asyncio.sleep(1)
        monkeypatch.setattr(aiokafka.client, "create_conn", counted)
        await asyncio.sleep(3)
        assert 4 <= attempts < 60, f"{attempts} attempts of {len(writers)} producers in 3 s"
        await broker.restart()
        async with asyncio.timeout(20):
            await flushes
        await asyncio.gather(*(writer.stop() for writer in writers))
        assert len(await committed_records(settings, topic, 24)) == 24
