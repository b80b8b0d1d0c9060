"""What a worker must not go on without: the state that the group's positions speak of, and the broker's leave.

A worker whose changelog is gone would build its state from what comes next, and never say that all before is missing.
Group and changelog change in the same transactions: one without the other is somebody's doing, or a disk's.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from aiokafka import TopicPartition
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
from faust.types import TP

from schemas.errors import StartError
from streams.runtime import group, topics
from streams.runtime.engagement import Engagement
from streams.runtime.settings import Settings
from streams.runtime.task import Task

if TYPE_CHECKING:
    from streams.runtime.tasks import Tasks


FORBIDDEN: Final = (
    TopicAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    ClusterAuthorizationFailedError,
)
"""A broker's answers that no further attempt changes."""
_LOOKS: Final = (0.0, 0.2, 0.8, 2.0)
"""Seconds before each further look at a partition that seems to be empty."""


def forbidden(task: Task, error: BaseException) -> str:
    """What this user may not do, and what to allow."""
    app_id = task.settings.app_id
    return (
        f"the broker does not allow what {task.stage} of {task.tp.topic}/{task.tp.partition} has to do: {error!r}; "
        f"slackwater needs Read of the topics and of the group {app_id!r}, Write of the topics it writes, and Write "
        f"of transactional ids that begin with '{app_id}-': see kafka-acls"
    )


async def refuse_without_state(settings: Settings) -> None:
    """Raises `StartError` where there is no changelog, and the group has read of the input topics all the same.

    Raises `BrokerError`, too.
    """
    changelog = topics.changelog(settings, topics.ENGAGEMENT)
    counts = await topics.partition_counts(settings)
    if changelog in counts:
        return
    inputs = [TopicPartition(name, each) for name in topics.input_names(settings) for each in range(counts[name])]
    committed = await group.committed(settings, inputs)
    read = sorted({tp.topic for tp, at in committed.items() if at > 0})
    if read:
        raise StartError(f"there is no topic {changelog!r}, {without_state(settings, read)}")


async def refuse_empty_state(tasks: "Tasks", begun: Iterable[Task]) -> None:
    """Raises `StartError` where a home partition has no state, and its shuffle shows that there was one."""
    empty = [task for task in begun if isinstance(task, Engagement) and not task.restored]
    if not empty:
        return
    settings = tasks.settings
    changelog = topics.changelog(settings, topics.ENGAGEMENT)
    for task in empty:
        if task.committed or task.log.first:
            raise StartError(f"the topic {changelog!r} has no state, {without_state(settings, [task.tp.topic])}")
    # Whoever commits a position in an input topic has written to every partition of the shuffle, in the same flush. But
    # others may have begun since this worker looked at the shuffle, and the end of what they wrote is marked in one
    # topic after the other.
    bare = [task.tp for task in empty if task.log.end == 0]
    if bare:
        inputs = [TP(topic, int(number)) for topic, _, number in (each.rpartition("/") for each in tasks.origins)]
        committed = await tasks.consumer.thread.committed(inputs)
        read = sorted({tp.topic for tp, commit in committed.items() if commit.offset > 0})
        if read and await _stay_empty(tasks, bare):
            raise StartError(f"the topic {changelog!r} has no state, {without_state(settings, read)}")


async def _stay_empty(tasks: "Tasks", partitions: Sequence[TP]) -> bool:
    """Whether one of them has nothing in it, and goes on so for a while."""
    for wait in _LOOKS:
        await asyncio.sleep(wait)
        if 0 not in (await tasks.consumer.highwaters(*partitions)).values():
            return False
    return True


def without_state(settings: Settings, read: Iterable[str]) -> str:
    """What is wrong, and what can be done."""
    return (
        f"though the group {settings.app_id!r} has read {', '.join(read)}: the state of every account is gone, and "
        "going on would begin without it. Put the topic back if you can; else run: slackwater reset, which reads the "
        "input topics again from their start, or choose another SLACKWATER_APP_ID"
    )
