"""A topic that was created anew is another one, on every broker there is."""

from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.errors import BrokerError
from streams.broker import Broker
from streams.runtime import topic_ids
from streams.runtime.settings import Settings
from streams.runtime.topic_ids import NO_ID, TopicIds
from tests.e2e.harness import eventually


async def test_a_topic_keeps_its_id_until_it_is_created_anew_and_asking_creates_none(broker: Broker) -> None:
    name, missing = f"one-{uuid4().hex[:8]}", f"none-{uuid4().hex[:8]}"
    ids = TopicIds(Settings(brokers=broker.address), [name, missing])
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    try:
        found = []
        for partitions in (3, 2):
            await admin.create_topics([NewTopic(name, partitions, 1)])

            async def there(count: int = partitions) -> bool:
                answer = await ids.ask()
                return name in answer and answer[name].partitions == count

            await eventually(there, "the topic is there")
            first, second = await ids.ask(), await ids.ask()
            assert first == second
            assert missing not in first
            found.append(first[name].id)
            await admin.delete_topics([name])

            async def gone() -> bool:
                return name not in await ids.ask()

            await eventually(gone, "the topic is gone")
        assert NO_ID not in found
        assert found[0] != found[1]
    finally:
        await ids.close()
        await admin.close()


async def test_a_broker_that_does_not_answer_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_ids, "PATIENCE", 1.0)
    ids = TopicIds(Settings(brokers="127.0.0.1:1"), ["any"])
    with pytest.raises(
        BrokerError, match=r"127\.0\.0\.1:1 does not say which topics there are: .*KafkaConnectionError"
    ):
        await ids.ask()
    await ids.close()
