"""What a task knows of ids when it begins, while another one's transaction is open."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from schemas.alias_log import AliasRecord, Statement, encode_alias_record
from streams.broker import KafkaBroker
from streams.runtime import topics
from streams.runtime.alias_topic import AliasTopic
from streams.runtime.settings import Settings
from streams.runtime.writer import Record, TransactionalWriter

pytestmark = pytest.mark.kafka


def says(settings: Settings, partition: int, *aliases: str) -> Record:
    """That these are the aliases of an account."""
    statement = Statement(0, 0, "acme", 0, aliases)
    value = encode_alias_record(AliasRecord(f"accounts/{partition}", 0, 1, True, (statement,)))
    return Record(settings.alias_topic, 0, None, value)


async def test_what_stands_behind_an_open_transaction_is_waited_for(kafka: KafkaBroker) -> None:
    name = f"aliases-{uuid4().hex[:8]}"
    settings = Settings(brokers=kafka.address, app_id=name, topic_prefix=f"{name}.", partitions=1, clock="wall")
    await topics.create(settings)
    open_one, committed = (TransactionalWriter(settings, f"{name}-{number}") for number in range(2))
    await asyncio.gather(open_one.start(), committed.start())
    topic = AliasTopic(settings, lambda: None, lambda _place, _error: None)
    await topic.start()
    try:
        await topic.hold()
        _, _, key, value, _ = says(settings, 1, "other")
        await open_one._producer.begin_transaction()
        await open_one._producer.send_and_wait(settings.alias_topic, value, key=key, partition=0)
        await committed.write([says(settings, 0, "x")], None)
        holding = asyncio.ensure_future(topic.hold())
        await asyncio.wait([holding], timeout=1.0)
        assert not holding.done()
        await open_one._producer.abort_transaction()
        await asyncio.wait_for(holding, timeout=60)
        assert topic.known.count == 1
    finally:
        await topic.stop()
        await asyncio.gather(open_one.stop(), committed.stop())
