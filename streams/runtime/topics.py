"""The topics: what each has to be like, creating the missing ones, finding those that are wrong."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, Literal

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from schemas.errors import BrokerError, StartError
from schemas.events import InputTopic
from streams.runtime.connecting import no_broker
from streams.runtime.settings import TABLES, Settings

Role = Literal["input", "output", "internal"]
_DAY: Final = 86_400_000
_LARGE: Final = str(16 << 20)
_FOR_EVER: Final = {"retention_ms": "-1", "retention_bytes": "-1"}
_KNOWN_SECONDS: Final = 20.0
ENGAGEMENT, DELIVERIES = TABLES
ABSENT: Final = "there is no such topic"


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """A topic as it has to be. The partition count of an input topic is its owner's: here only what `create` makes."""

    name: str
    partitions: int
    configs: Mapping[str, str]
    role: Role
    cleanup: frozenset[str] = field(default_factory=frozenset)
    """Cleanup policies that are allowed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A topic that a worker cannot work with, and what to do."""

    topic: str
    text: str
    remedy: str


def changelog(settings: Settings, table: str) -> str:
    """The changelog topic of a table."""
    return settings.changelog(table)


def plan(settings: Settings) -> list[TopicPlan]:
    """Every topic there has to be."""
    count = settings.partitions

    def topic(name: str, role: Role, cleanup: str, *also: str, partitions: int = count, **configs: str) -> TopicPlan:
        given = {"cleanup.policy": cleanup} | {key.replace("_", "."): value for key, value in configs.items()}
        if role != "input":
            # The broker's time: it refuses what a worker writes whose clock is an hour ahead.
            given["message.timestamp.type"] = "LogAppendTime"
        return TopicPlan(name, partitions, given, role, frozenset({cleanup, *also}))

    days = {number: str(number * _DAY) for number in (7, 14, 90)}
    return [
        topic(settings.topic("usage"), "input", "delete"),
        topic(settings.topic("billing"), "input", "delete"),
        topic(settings.topic("accounts"), "input", "compact", "compact,delete", "delete"),
        topic(settings.topic("feedback"), "input", "delete"),
        topic(settings.topic("commands"), "input", "delete"),
        topic(settings.topic("alerts"), "output", "delete", retention_ms=days[90]),
        topic(settings.topic("health"), "output", "compact", "compact,delete", max_message_bytes=_LARGE),
        topic(settings.topic("dead_letters"), "output", "delete", retention_ms=days[14], max_message_bytes=_LARGE),
        topic(settings.shuffle_topic, "internal", "delete", retention_ms=days[7], max_message_bytes=_LARGE),
        topic(settings.notifications_topic, "internal", "delete", retention_ms=days[7]),
        topic(settings.undelivered_topic, "internal", "delete", retention_ms=days[14], max_message_bytes=_LARGE),
        # A home that begins anew reads all of it: a few MB a year.
        topic(settings.fleet_topic, "internal", "delete", partitions=1, **_FOR_EVER, max_message_bytes=_LARGE),
        # Every worker reads all of it: an account is in it once, and again when its aliases change.
        topic(settings.alias_topic, "internal", "delete", partitions=1, **_FOR_EVER, max_message_bytes=_LARGE),
        # Read by whoever begins with an input partition: a few records, as long as little waits.
        topic(settings.parked_topic, "internal", "compact", partitions=1, max_message_bytes=_LARGE),
        topic(changelog(settings, ENGAGEMENT), "internal", "compact", max_message_bytes=_LARGE),
        topic(changelog(settings, DELIVERIES), "internal", "compact", max_message_bytes=_LARGE),
    ]


def of_replays(settings: Settings) -> TopicPlan:
    """Which dead letters were sent again: none of a worker's topics. Kept for longer than dead letters are."""
    kept = {"cleanup.policy": "delete", "retention.ms": str(90 * _DAY), "message.timestamp.type": "LogAppendTime"}
    return TopicPlan(settings.replayed_topic, 1, kept, "internal")


def input_names(settings: Settings) -> dict[str, InputTopic]:
    """The input topics by their full names."""
    return {settings.topic(topic.value): topic for topic in InputTopic}


async def create(
    settings: Settings,
    *,
    roles: Sequence[Role] = ("input", "output", "internal"),
    plans: Sequence[TopicPlan] | None = None,
) -> list[str]:
    """Create the topics of these roles that are missing, of `plans` or all, and give their names. Raises
    `BrokerError`."""
    async with admin_of(settings) as admin:
        existing = set(await counts_of(admin))
        wanted = plan(settings) if plans is None else plans
        missing = [each for each in wanted if each.role in roles and each.name not in existing]
        if not missing:
            return []
        response = await admin.create_topics([_new(each, settings.replication_factor) for each in missing])
        for name, code, *text in response.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                detail = text[0] if text and text[0] else error.__name__
                raise BrokerError(f"the broker at {settings.brokers} did not create the topic {name!r}: {detail}")
        names = [each.name for each in missing]
        await _until_known(admin, names)
        return names


async def verify(settings: Settings) -> list[Problem]:
    """What is wrong with the topics there are, and which input topics are missing. Raises `BrokerError`."""
    async with admin_of(settings) as admin:
        counts = await counts_of(admin)
        plans = plan(settings)
        configs = await configs_of(admin, [each.name for each in plans if each.name in counts])
    problems = []
    for each in plans:
        if each.name not in counts:
            if each.role == "input":
                key = input_names(settings)[each.name].value.upper()
                remedy = f"run: slackwater topics create; or say what it is called here: SLACKWATER_TOPIC_{key}"
                problems.append(Problem(each.name, ABSENT, remedy))
            continue
        if each.role != "input" and each.name not in _free(settings) and counts[each.name] != each.partitions:
            problems.append(_miscounted(each, counts[each.name], settings))
        policy = configs.get(each.name, {}).get("cleanup.policy")
        if policy and ",".join(sorted(policy.split(","))) not in each.cleanup:
            problems.append(
                Problem(
                    each.name,
                    f"has cleanup.policy={policy}, which would lose {_LOST[each.role]}",
                    f"use cleanup.policy={each.configs['cleanup.policy']} for it, or another topic",
                )
            )
    return problems


async def refuse_wrong(settings: Settings) -> None:
    """Raises `StartError`, which says of each topic that is not as it has to be what to do, and `BrokerError`."""
    if problems := await verify(settings):
        raise StartError("\n".join(f"topic {each.topic!r} {each.text}; {each.remedy}" for each in problems))


async def partition_counts(settings: Settings) -> dict[str, int]:
    """Partition counts of the topics that there are, by full name. Raises `BrokerError`."""
    async with admin_of(settings) as admin:
        return await counts_of(admin)


_LOST: Final[dict[Role, str]] = {"input": "events", "output": "records", "internal": "state"}


def _miscounted(topic: TopicPlan, count: int, settings: Settings) -> Problem:
    if topic.partitions == 1 and topic.name in {settings.fleet_topic, settings.alias_topic, settings.parked_topic}:
        return Problem(
            topic.name,
            f"has {count} partitions, and must have {topic.partitions}, which gives its records one order for all",
            "delete it while no worker runs, and run: slackwater reset",
        )
    return Problem(
        topic.name,
        f"has {count} partitions, and the setting partitions says {topic.partitions}",
        f"set SLACKWATER_PARTITIONS={count}; the count is fixed once there is state",
    )


def _free(settings: Settings) -> set[str]:
    """Topics whose partition count does not matter."""
    return {settings.topic("dead_letters"), settings.undelivered_topic}


def _new(topic: TopicPlan, replication_factor: int) -> NewTopic:
    new = NewTopic(topic.name, topic.partitions, 1, topic_configs=dict(topic.configs))
    new.replication_factor = replication_factor  # -1, the broker's default, is refused by the constructor alone
    return new


async def counts_of(admin: AIOKafkaAdminClient) -> dict[str, int]:
    """Partition counts of all topics, by full name."""
    # All topics: a broker may create those that are asked for by name.
    return {entry["topic"]: len(entry["partitions"]) for entry in await admin.describe_topics()}


async def configs_of(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """The configuration of each topic; of none, where the broker does not tell."""
    if not names:
        return {}
    found: dict[str, dict[str, str]] = {}
    try:
        responses = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    except KafkaError:
        return {}
    for response in responses:
        for resource in response.resources:
            code, _, _, name, entries = resource[:5]
            if code == 0:
                found[name] = {entry[0]: entry[1] for entry in entries if entry[1]}
    return found


async def _until_known(admin: AIOKafkaAdminClient, names: Sequence[str]) -> None:
    # The controller has them at once; the broker that is asked hears of them a little later.
    deadline = monotonic() + _KNOWN_SECONDS
    while missing := set(names) - (await counts_of(admin)).keys():
        if monotonic() > deadline:
            raise BrokerError(f"the broker created topics and does not know them: {', '.join(sorted(missing))}")
        await asyncio.sleep(0.05)


@asynccontextmanager
async def admin_of(settings: Settings) -> AsyncIterator[Any]:
    """An administrator's client. Inside, whatever goes wrong with the broker is a `BrokerError`."""
    admin = AIOKafkaAdminClient(**settings.kafka(), client_id=f"{settings.app_id}-admin")
    try:
        await admin.start()
        yield admin
    except (KafkaError, OSError) as error:
        raise await no_broker(settings, error) from error
    finally:
        await admin.close()
