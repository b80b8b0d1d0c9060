"""Creating the topics, and what is said of those that are not as they have to be."""

from __future__ import annotations

from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.errors import BrokerError, StartError
from streams.broker import Broker
from streams.cli.bootstrap import found
from streams.cli.reset import look as before_reset
from streams.runtime import topics
from streams.runtime.settings import Settings


@pytest.fixture
def settings(broker: Broker) -> Settings:
    name = f"checks-{uuid4().hex[:8]}"
    return Settings(brokers=broker.address, app_id=name, topic_prefix=f"{name}.", partitions=3)


async def test_what_was_created_has_no_problems_and_is_not_created_again(settings: Settings) -> None:
    made = await topics.create(settings)
    assert sorted(made) == sorted(each.name for each in topics.plan(settings))
    assert await topics.create(settings) == []
    assert await topics.verify(settings) == []
    counts = await topics.partition_counts(settings)
    of_one = (settings.fleet_topic, settings.alias_topic, settings.parked_topic)
    assert [counts.pop(name) for name in of_one] == [1, 1, 1]
    assert {counts[each.name] for each in topics.plan(settings) if each.name in counts} == {3}


async def test_missing_input_topics_are_problems_and_missing_others_are_not(settings: Settings) -> None:
    problems = await topics.verify(settings)
    assert sorted(each.topic for each in problems) == sorted(topics.input_names(settings))
    assert all(each.text == "there is no such topic" and "topics create" in each.remedy for each in problems)
    made = await topics.create(settings, roles=("output", "internal"))
    assert not set(made) & set(topics.input_names(settings))


async def test_another_count_of_partitions_is_a_problem_of_our_own_topics_only(settings: Settings) -> None:
    await topics.create(settings)
    other = settings.model_copy(update={"partitions": 5})
    problems = {each.topic: each for each in await topics.verify(other)}
    assert settings.shuffle_topic in problems
    assert topics.changelog(settings, topics.ENGAGEMENT) in problems
    read_by_all = {settings.fleet_topic, settings.alias_topic, settings.parked_topic}
    others = {*topics.input_names(settings), settings.topic("dead_letters"), *read_by_all}
    assert not others & set(problems)
    assert "SLACKWATER_PARTITIONS=3" in problems[settings.shuffle_topic].remedy


@pytest.mark.parametrize("partitions", [2, 5])
async def test_neither_a_reset_nor_a_bootstrap_begins_with_another_count_of_partitions(
    settings: Settings, partitions: int
) -> None:
    await topics.create(settings)
    other = settings.model_copy(update={"partitions": partitions})
    for look in (before_reset.look, found.look):
        with pytest.raises(StartError, match=f"has 3 partitions, .* says {partitions}; set SLACKWATER_PARTITIONS=3"):
            await look(other)


async def test_a_bootstrap_creates_what_is_missing_of_its_own_and_a_reset_wants_the_inputs(settings: Settings) -> None:
    with pytest.raises(StartError, match="there is no such topic; run: slackwater topics create"):
        await before_reset.look(settings)
    await topics.create(settings, roles=("input",))
    await found.look(settings)
    assert await topics.create(settings) == []


async def test_a_fleet_topic_of_several_partitions_is_a_problem(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers)
    await admin.start()
    await admin.create_topics([NewTopic(settings.fleet_topic, 3, 1)])
    await admin.close()
    await topics.create(settings)
    (problem,) = await topics.verify(settings)
    assert problem.topic == settings.fleet_topic
    assert "has 3 partitions, and must have 1" in problem.text
    assert "slackwater reset" in problem.remedy


@pytest.mark.kafka
async def test_a_policy_that_loses_records_is_a_problem(kafka: Broker) -> None:
    name = f"checks-{uuid4().hex[:8]}"
    settings = Settings(brokers=kafka.address, app_id=name, topic_prefix=f"{name}.", partitions=3)
    changelog = topics.changelog(settings, topics.ENGAGEMENT)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    wrong = {settings.topic("usage"): "compact", changelog: "delete", settings.topic("accounts"): "delete"}
    await admin.create_topics(
        [NewTopic(topic, 3, 1, topic_configs={"cleanup.policy": policy}) for topic, policy in wrong.items()]
    )
    await admin.close()
    await topics.create(settings)
    problems = {each.topic: each.text for each in await topics.verify(settings)}
    assert problems == {
        settings.topic("usage"): "has cleanup.policy=compact, which would lose events",
        changelog: "has cleanup.policy=delete, which would lose state",
    }


async def test_without_a_broker_it_is_said_where_none_is() -> None:
    with pytest.raises(BrokerError, match=r"no Kafka broker can be used at 127\.0\.0\.1:1"):
        await topics.verify(Settings(brokers="127.0.0.1:1"))
