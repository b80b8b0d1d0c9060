"""The alias topic: what the partitions of the accounts topic say of ids, in one order for all ingest tasks.

One reader for all tasks of a worker. It is written by the tasks that read the accounts topic, in their transactions,
and read from its beginning by every worker.
"""

import logging
from collections.abc import Callable
from typing import ClassVar

from aiokafka import AIOKafkaConsumer

from schemas.alias_log import decode_alias_record
from schemas.errors import StateError, VersionError
from streams.detection.aliases import Aliases
from streams.runtime.fleet_topic import FleetTopic
from streams.runtime.letting_go import stopped
from streams.runtime.settings import Settings

log = logging.getLogger(__name__)


class AliasTopic(FleetTopic):
    """Read as the fleet topic is, but for what is not committed. `known` is what has been read of it. `arrived` is
    called when that is more, `refused` once, with a place and an error, when there is something that another version
    wrote: nothing behind it is learnt, and nobody is to go on."""

    isolation: ClassVar[str] = "read_committed"

    def __init__(
        self, settings: Settings, arrived: Callable[[], None], refused: Callable[[str, StateError], None]
    ) -> None:
        super().__init__(settings, self._learn, topic=settings.alias_topic)
        self.known = Aliases(live=settings.clock == "wall", have_to_be=settings.park_ids)
        self._told = arrived
        self._refused = refused
        self._refusal: VersionError | None = None
        self._learnt = -1

    async def follow(self) -> None:
        """See `FleetTopic`."""
        await self._first_ask.wait()
        # Where committed records end is not the end: another task's transaction may be open in front of what one of
        # ours has committed, and a task that has not read that takes for known what is known no more.
        self._unsettled = AIOKafkaConsumer(**self._settings.kafka(), client_id=self.topic, enable_auto_commit=False)
        try:
            await self._unsettled.start()
            await super().follow()
        finally:
            await stopped(self._unsettled)

    async def end_of(self, _consumer: AIOKafkaConsumer) -> int:
        """See `FleetTopic`."""
        return await super().end_of(self._unsettled)

    async def hold(self, offset: int = 0) -> None:
        """Return when all that is in the topic now is known. A broker that is away is waited for. Raises `VersionError`
        where that is impossible."""
        await super().hold(offset)
        self._learn()
        if self._refusal is not None:
            raise self._refusal

    def _learn(self) -> None:
        for offset, value in self.let_go():
            if offset > self._learnt and self._refusal is None:
                self._learnt = offset
                place = f"offset {offset} of {self.topic}/0"
                try:
                    learn(self.known, value, place)
                except VersionError as error:
                    self._refusal = VersionError(f"{place}: {error}")
                    self._refused(place, error)
        self._told()


def learn(known: Aliases, value: bytes, place: str) -> None:
    """Take a record of the topic. One that is none of its own is passed over, with a line in the log: the topic keeps
    it, and every worker comes upon it again. Raises `VersionError` for what another version wrote."""
    try:
        known.take(decode_alias_record(value))
    except ValueError as error:
        log.error("%s: %s", place, error)
