"""What the broker knows of the consumer group. A broker that has just started, or has never had a group, has to find
out first who keeps it: that is waited for."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Any, Final, TypeVar

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupLoadInProgressError, KafkaError, for_code

from schemas.errors import BrokerError
from streams.runtime.settings import Settings

Answer = TypeVar("Answer")

PATIENCE: Final = 10.0
"""Seconds in which the group's keeper has to be found."""
_POLL: Final = 0.2


async def members(settings: Settings) -> tuple[str, ...]:
    """The live members of the group, as somebody would look for them. Raises `BrokerError`."""

    async def question(admin: AIOKafkaAdminClient) -> tuple[str, ...]:
        found: list[Any] = (await _described(admin, settings))[5]
        return tuple(sorted(f"{client} at {host.lstrip('/')} ({member})" for member, client, host, *_ in found))

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
    except (KafkaError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise BrokerError(f"the group {settings.app_id!r} cannot be read at {settings.brokers}: {reason}") from error
    finally:
        await admin.close()
