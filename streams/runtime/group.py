"""What the broker knows of the consumer group. A broker that has just started, or has never had a group, has to find
out first who keeps it: that is waited for."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Any, Final, TypeVar

from aiokafka import OffsetAndMetadata, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaConnectionError,
    KafkaError,
    NotCoordinatorForGroupError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.commit import OffsetFetchRequest
from faust.types import TP

from alerting.markup import clean
from schemas.errors import BrokerError
from streams.runtime.connecting import no_broker
from streams.runtime.settings import Settings

Answer = TypeVar("Answer")

PATIENCE: Final = 10.0
"""Seconds in which the group's keeper has to be found."""
_POLL: Final = 0.2


async def members(settings: Settings) -> tuple[str, ...]:
    """The live members of the group, as somebody would look for them, and fit to be shown: clients name themselves.
    Raises `BrokerError`."""

    async def question(admin: AIOKafkaAdminClient) -> tuple[str, ...]:
        found: list[Any] = (await _described(admin, settings))[5]
        return tuple(sorted(clean(f"{client} at {host.lstrip('/')} ({member})") for member, client, host, *_ in found))

    return await _ask(settings, question)


async def committed(settings: Settings, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """The group's positions; -1 where it has none. Raises `BrokerError`."""

    async def question(admin: AIOKafkaAdminClient) -> dict[TopicPartition, int]:
        await _described(admin, settings)
        # By name: asked for all that it has, the embedded broker closes the connection.
        found = await admin.list_consumer_group_offsets(settings.app_id, partitions=list(partitions))
        if len(found) < len(partitions):  # what the client makes of any error of the whole group
            raise GroupLoadInProgressError(f"{len(found)} of {len(partitions)} positions were given")
        return {tp: at.offset for tp, at in found.items()}

    return await _ask(settings, question)


async def positions(coordinator: Any, partitions: Sequence[TP]) -> dict[TP, OffsetAndMetadata]:
    """The positions that a consumer's group committed; partitions without one are left out. As the consumer's own
    coordinator asks for them, which takes any error of the whole group, such as that its keeper is still loading it,
    for a group that has committed nothing. Raises `KafkaError` for what waiting does not mend."""
    by_topic: defaultdict[str, list[int]] = defaultdict(list)
    for tp in partitions:
        by_topic[tp.topic].append(tp.partition)
    request = OffsetFetchRequest(coordinator.group_id, list(by_topic.items()))
    while True:
        await coordinator.ensure_coordinator_known()
        try:
            return _positions(await coordinator._send_req(request))
        except KafkaError as error:
            if not error.retriable:
                raise
            if isinstance(error, NotCoordinatorForGroupError | GroupCoordinatorNotAvailableError):
                coordinator.coordinator_dead()
        await asyncio.sleep(_POLL)


def _positions(response: Any) -> dict[TP, OffsetAndMetadata]:
    if code := getattr(response, "error_code", 0):
        raise for_code(code)("the group's positions")
    found = {}
    for topic, several in response.topics:
        for partition, offset, metadata, code in several:
            if code and for_code(code) is not UnknownTopicOrPartitionError:
                raise for_code(code)(f"the group's position in {topic}/{partition}")
            if offset >= 0:
                found[TP(topic, partition)] = OffsetAndMetadata(offset, metadata)
    return found


async def _described(admin: AIOKafkaAdminClient, settings: Settings) -> Any:
    ((group,),) = [answer.groups for answer in await admin.describe_consumer_groups([settings.app_id])]
    if code := group[0]:  # which the client does not look at
        raise for_code(code)(f"the group {settings.app_id!r} cannot be described")
    return group


async def _ask(settings: Settings, question: Callable[[AIOKafkaAdminClient], Awaitable[Answer]]) -> Answer:
    admin = AIOKafkaAdminClient(**settings.kafka(), client_id=f"{settings.app_id}-admin")
    deadline = monotonic() + PATIENCE
    try:
        await admin.start()
        while True:
            try:
                return await question(admin)
            except KafkaError as error:
                if not error.retriable or monotonic() > deadline:
                    raise
            await asyncio.sleep(_POLL)
    except KafkaConnectionError as error:
        raise await no_broker(settings, error) from error
    except (KafkaError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise BrokerError(f"the group {settings.app_id!r} cannot be read at {settings.brokers}: {reason}") from error
    finally:
        await admin.close()
