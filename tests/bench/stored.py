"""Changelogs with the states of many typical accounts, as if a worker had written them."""

import asyncio
from collections.abc import Iterable

from aiokafka import AIOKafkaProducer

from streams.detection.merge import Progress
from streams.runtime import topics
from streams.runtime.engagement import PROGRESS
from streams.runtime.ingest import home_of
from streams.runtime.settings import Settings
from tests.bench.typical import Typical


async def store(settings: Settings, made: Typical, accounts: int) -> None:
    """Create an application's topics, and fill its changelog: the accounts, and the progress at its end."""
    await topics.create(settings)
    origins: dict[str, tuple[int, int | None]] = {
        f"{topic}/{partition}": (-1, made.at)
        for topic in topics.input_names(settings)
        for partition in range(settings.partitions)
    }
    progress = Progress(0, 0, made.at, origins, closed=made.closed).encode()
    changelog = topics.changelog(settings, topics.ENGAGEMENT)
    states = ((home_of(id_, settings.partitions), id_.encode(), value) for id_, value in made.rows(accounts))
    await write(settings, changelog, states)
    await write(settings, changelog, ((home, PROGRESS, progress) for home in range(settings.partitions)))


async def write(settings: Settings, topic: str, rows: Iterable[tuple[int, bytes, bytes]]) -> None:
    """Write rows of (partition, key, value)."""
    async with AIOKafkaProducer(**settings.kafka(), max_batch_size=1 << 19, linger_ms=5) as producer:
        for number, (partition, key, value) in enumerate(rows):
            await producer.send(topic, partition=partition, key=key, value=value)
            if number % 1_000 == 0:
                await asyncio.sleep(0)
        await producer.flush()
