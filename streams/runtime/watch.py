"""Notices while the worker runs that a topic is not the one any more that it reads.

An input topic that was created anew is begun anew, by a new assignment. An internal topic that is gone cannot be
replaced under a running worker, which holds what it had in it: that ends the worker, and the next start says what is
lost, or refuses.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from schemas.errors import BrokerError, StartError
from streams.runtime.topic_ids import TopicId

if TYPE_CHECKING:
    from streams.runtime.tasks import Tasks

log = logging.getLogger(__name__)

SECONDS: Final = 2.0
"""Between two looks."""


async def watch(tasks: "Tasks") -> None:
    """Looks now and then, until an internal topic is gone."""
    assert tasks.topic_ids is not None
    missing: frozenset[str] = frozenset()
    while True:
        await asyncio.sleep(SECONDS)
        try:
            there = await tasks.topic_ids.ask()
        except BrokerError:  # those who need it say so
            continue
        known = dict(tasks.topics)
        now_missing = frozenset(known.keys() - there.keys())
        # A broker that has just started may not know all yet: what is missing twice is gone.
        if gone := internal_gone(tasks, known, there, missing & now_missing):
            await tasks.app.crash(
                StartError(
                    f"the topic {gone!r} was deleted while the worker ran; start the worker again: it creates the "
                    "topic, or says why it must not"
                )
            )
            return
        for name in sorted(now_missing - missing):
            if name in tasks.inputs:
                log.error("the input topic %s is gone; slackwater waits for it to be there again", name)
        missing = now_missing
        thread = tasks.consumer.thread
        changed = [name for name in tasks.inputs if name in there and there[name] != known.get(name, there[name])]
        if changed:
            tasks.topics |= {name: there[name] for name in changed}
            log.warning("created anew, or with other partitions: %s", ", ".join(changed))
            await thread.rejoin_knowing()
        elif tasks.dealt_out and any(
            name in there and thread.known_partitions(name) != there[name].partitions for name in tasks.inputs
        ):
            # Whoever deals out the partitions may have asked before the broker could say which there are, or while one
            # was being created: it leaves out what it does not know, and would not ask again for minutes.
            log.warning("the group was dealt out without some of the partitions there are; again")
            await thread.rejoin_knowing()


def internal_gone(
    tasks: "Tasks", known: Mapping[str, TopicId], there: Mapping[str, TopicId], missing: frozenset[str]
) -> str | None:
    """An internal topic that is missing, or is another one by now."""
    for name, topic in known.items():
        if name not in tasks.inputs and (name in missing or (name in there and there[name].id != topic.id)):
            return name
    return None
