"""Whether the accounts were read to their ends when the tasks of this worker began.

On the wall clock nobody goes on before they are. That they were stands in the alias topic, and stays there when a
worker stops: after days there may be much more to read, and whoever went by that word would take events of an id that
is named there for those of an account of its own. So it does not count before the group has committed what there was to
be read at the assignment, whichever worker reads it.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from aiokafka import OffsetAndMetadata
from aiokafka.errors import KafkaError
from faust.types import TP

from schemas.events import InputTopic
from streams.runtime.resume import is_of

if TYPE_CHECKING:
    from streams.runtime.tasks import Tasks

log = logging.getLogger(__name__)

PAUSE: Final = 0.5
"""Seconds between two looks at what is committed."""


class AccountsRead:
    """Keeps `Aliases.unread` for the tasks of a worker."""

    def __init__(self, tasks: "Tasks") -> None:
        self._tasks = tasks
        self._watching: asyncio.Task[None] | None = None

    @property
    def partitions(self) -> list[TP]:
        """Those that are waited for: none of a topic that is gone for now, and with the clock of events none at all, as
        places decide."""
        topic = self._tasks.settings.topic(InputTopic.ACCOUNTS)
        if self._tasks.settings.clock != "wall" or topic in self._tasks.missing:
            return []
        parted = (origin.rpartition("/") for origin in self._tasks.origins)
        return [TP(topic, int(number)) for name, _, number in parted if name == topic]

    def look(self, committed: Mapping[TP, OffsetAndMetadata], earliest: Mapping[TP, int | None]) -> None:
        """Find out what is to be waited for, before any of the tasks begins, and wait for it beside them."""
        self.let_go()
        ends = {tp: self._tasks.least_end_of(tp) for tp in self.partitions}
        behind = {tp: end for tp, end in ends.items() if max(self._read(tp, committed), earliest[tp] or 0) < end}
        self._tasks.aliases.known.unread = _named(behind)
        if behind:
            log.info("ids wait until the accounts are read: %s", ", ".join(sorted(_named(behind))))
            self._watching = asyncio.create_task(self._watch(behind), name="accounts are read")

    def let_go(self) -> None:
        """The tasks end: what they wait for is found out anew with the next ones."""
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def _watch(self, behind: Mapping[TP, int]) -> None:
        aliases = self._tasks.aliases
        while behind:
            await asyncio.sleep(PAUSE)
            try:
                committed = await self._tasks.consumer.thread.committed(list(behind))
            except KafkaError as error:
                log.warning("how far the accounts are read cannot be asked for now: %r", error)
                continue
            left = {tp: end for tp, end in behind.items() if self._read(tp, committed) < end}
            if left != behind:
                await aliases.hold()  # what they say of ids was written with that
                behind, aliases.known.unread = left, _named(left)
                self._tasks.wake_ingest()

    def _read(self, tp: TP, committed: Mapping[TP, OffsetAndMetadata]) -> int:
        """How far a partition was read; of a topic of before, what is committed says nothing."""
        at, topic = committed.get(tp), self._tasks.topics.get(tp.topic)
        known = at is not None and (topic is None or is_of(at.metadata.partition("@")[2], topic.id))
        return at.offset if at is not None and known else 0


def _named(partitions: Mapping[TP, int]) -> frozenset[str]:
    return frozenset(f"{tp.topic}/{tp.partition}" for tp in partitions)
