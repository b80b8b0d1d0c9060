"""The board reads the health topic of a real broker: committed records, and whatever comes later."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.board.accounts import Accounts
from streams.board.feed import Feed, Stage
from streams.broker import Broker, EmbeddedBroker
from streams.cli.reading import committed
from streams.runtime.settings import Settings
from tests.e2e.harness import eventually
from tests.unit.board.kit import picture


def settings_of(broker: Broker) -> Settings:
    return Settings(brokers=broker.address, topic_prefix=f"{uuid4().hex[:8]}.")


async def create(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(**settings.kafka())
    await admin.start()
    await admin.create_topics([NewTopic(settings.topic("health"), 3, 1)])
    await admin.close()


async def write(settings: Settings, values: dict[str, dict[str, Any] | None], *, commit: bool = True) -> None:
    producer = AIOKafkaProducer(**settings.kafka(), transactional_id=f"t-{uuid4().hex}")
    await producer.start()
    await producer.begin_transaction()
    for key, value in values.items():
        await producer.send(settings.topic("health"), json.dumps(value).encode() if value else None, key.encode())
    await producer.flush()
    await (producer.commit_transaction() if commit else producer.abort_transaction())
    await producer.stop()


@asynccontextmanager
async def following(settings: Settings) -> AsyncIterator[Feed]:
    feed = Feed(Accounts(), lambda: committed(settings, settings.topic("health")), again=0.5)
    task = asyncio.create_task(feed.follow())
    try:
        yield feed
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def live(feed: Feed) -> None:
    async def so() -> bool:
        return feed.stage is Stage.LIVE

    await eventually(so, "the topic has been read")


async def test_what_was_committed_is_read_and_what_comes_later_is_followed(kafka: Broker) -> None:
    settings = settings_of(kafka)
    await create(settings)
    await write(settings, {"a": picture("a", health=10), "b": picture("b"), "c": picture("c")})
    await write(settings, {"d": picture("d")}, commit=False)
    async with following(settings) as feed:
        await live(feed)
        assert {each.account_id for each in feed.accounts.all()} == {"a", "b", "c"}
        await write(settings, {"a": picture("a", health=90), "b": None})

        async def so() -> bool:
            return {each.account_id: each.health for each in feed.accounts.all()} == {"a": 90, "c": 80}

        await eventually(so, "the new pictures are there")


async def test_a_topic_that_is_not_there_yet_is_waited_for(kafka: Broker) -> None:
    settings = settings_of(kafka)
    async with following(settings) as feed:

        async def told() -> bool:
            return "slackwater topics create" in (feed.trouble or "")

        await eventually(told, "it is said what to do")
        assert feed.stage is Stage.CONNECTING
        await create(settings)
        await live(feed)
        assert (len(feed.accounts), feed.trouble) == (0, None)


async def test_a_broker_that_goes_away_is_told_of_and_what_is_known_stays() -> None:
    async with EmbeddedBroker() as broker:
        settings = settings_of(broker)
        await create(settings)
        producer = AIOKafkaProducer(**settings.kafka())
        await producer.start()
        await producer.send_and_wait(settings.topic("health"), json.dumps(picture("a")).encode(), b"a")
        await producer.stop()
        async with following(settings) as feed:
            await live(feed)
            await broker.stop()

            async def told() -> bool:
                return "the broker does not answer" in (feed.trouble or "")

            await eventually(told, "it is said that nothing new can be read")
            assert (len(feed.accounts), feed.stage) == (1, Stage.LIVE)
