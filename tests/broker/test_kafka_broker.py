"""The local Apache Kafka can do what the tests and the worker want of it: transactions, crashes, pauses, restarts."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.errors import BrokerError
from streams.broker import KafkaBroker
from streams.broker.ready import cluster_at, free_port


async def test_transactions_are_seen_whole_or_not_at_all(kafka: KafkaBroker) -> None:
    topic = await _create_topic(kafka.address)
    async with AIOKafkaProducer(bootstrap_servers=kafka.address, transactional_id=topic) as producer:
        for value, commits in ((b"dropped", False), (b"kept", True)):
            await producer.begin_transaction()
            await producer.send_and_wait(topic, value)
            await (producer.commit_transaction() if commits else producer.abort_transaction())
    assert await _first_value(kafka.address, topic) == b"kept"


async def test_topics_come_only_from_those_who_create_them(kafka: KafkaBroker) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka.address) as producer:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(producer.send_and_wait("never-created", b"x"), timeout=1)


async def test_a_port_that_somebody_took_is_given_up_for_another(
    kafka: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = int(kafka.address.rpartition(":")[2])
    ports = iter([taken, free_port(), free_port(), free_port()])
    monkeypatch.setattr("streams.broker.kafka.free_port", lambda: next(ports))
    async with KafkaBroker() as broker:
        assert broker.address != kafka.address
        assert await cluster_at(broker.address) is not None


@pytest.mark.usefixtures("kafka_required")
async def test_so_is_one_on_which_something_else_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka then ends by itself, and says far from the end of its output why."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = iter([taken.getsockname()[1], free_port(), free_port(), free_port()])
        monkeypatch.setattr("streams.broker.kafka.free_port", lambda: next(ports))
        async with KafkaBroker() as broker:
            assert await cluster_at(broker.address) is not None


async def test_it_cannot_be_started_twice(kafka: KafkaBroker) -> None:
    with pytest.raises(BrokerError, match="started already"):
        await kafka.start()


@pytest.mark.slow
@pytest.mark.usefixtures("kafka_required")
async def test_records_survive_a_crash_and_a_restart_and_nothing_survives_the_end() -> None:
    async with KafkaBroker() as broker:
        topic = await _create_topic(broker.address)
        async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
            await producer.send_and_wait(topic, b"before")

        broker.pause()
        assert await cluster_at(broker.address) is None
        broker.resume()
        assert await cluster_at(broker.address) is not None

        broker.kill()
        assert await cluster_at(broker.address) is None
        with pytest.raises(BrokerError, match="does not run"):
            broker.kill()
        await broker.restart()  # after a crash
        assert await _first_value(broker.address, topic) == b"before"
        await broker.restart()  # in order
        assert await _first_value(broker.address, topic) == b"before"
        pid = broker.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(BrokerError, match="never started"):
        await broker.restart()


async def _create_topic(address: str) -> str:
    name = f"test-{uuid.uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()
    return name


async def _first_value(address: str, topic: str) -> bytes | None:
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=address, auto_offset_reset="earliest", isolation_level="read_committed"
    ) as consumer:
        record = await asyncio.wait_for(consumer.getone(), timeout=30)
    value: bytes | None = record.value
    return value
