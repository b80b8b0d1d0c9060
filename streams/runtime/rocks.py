"""The store on disk: a RocksDB database for each table and partition.

It never is ahead of the changelog, so that a restart reads only what came since. What cannot be gone on from is thrown
away and read anew: Kafka has it all.
"""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path
from time import time
from typing import Any, Final
from uuid import uuid4

from faust.types import TP

from streams.runtime.database import Changelog, Database, distrust
from streams.runtime.state_directory import path_of
from streams.runtime.stores import Rows, TableStore
from streams.runtime.topic_ids import NO_ID, TopicId

log = logging.getLogger(__name__)

_NOBODY: Final = uuid4().hex
"""In place of an id; another one in each process."""


class RocksStore(TableStore):
    """Rows in RocksDB. What a partition had stays when it goes to another worker, for when it comes back."""

    def __post_init__(self) -> None:
        self._databases: dict[TP, Database] = {}

    @property
    def size(self) -> int:
        """Bytes on disk and in buffers."""
        return sum(database.size for database in self._databases.values() if not database.failed)

    def rows(self, partition: int) -> Rows:
        """See `TableStore`."""
        return self._databases[self._tp(partition)]

    def apply(self, tp: TP, rows: Iterable[tuple[bytes, bytes | None]], offset: int, *, level: bool = True) -> None:
        """See `TableStore`."""
        self._databases[tp].write(self._name(tp), rows, offset, level=level)

    def persisted_offset(self, tp: TP) -> int | None:
        """See Faust: recovery goes on after it. -1, and not None, for nothing: None would leave Faust's books as they
        were before a database was thrown away."""
        database = self._databases.get(tp)
        if database is None:
            return None
        return -1 if database.stand is None else database.stand.offset

    def lost(self, tp: TP) -> bool:
        """See `TableStore`."""
        database = self._databases.get(tp)
        return database is None or database.failed

    async def open(self, partitions: set[TP]) -> None:
        """Open what was assigned, and throw away what cannot be gone on from. Raises `StoreError`."""
        if not partitions:
            return
        consumer: Any = self.app.consumer
        ends = await consumer.highwaters(*partitions)
        starts = await consumer.earliest_offsets(*partitions)
        for tp in sorted(partitions):
            self._open(tp, Changelog(self._name(tp), starts.get(tp) or 0, ends.get(tp) or 0))
            await asyncio.sleep(0)

    def close(self) -> None:
        """Close all databases."""
        while self._databases:
            self._databases.popitem()[1].close()

    def reset_state(self) -> None:
        """Forget everything that is open."""
        while self._databases:
            self._databases.popitem()[1].destroy()

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Close what went to another worker."""
        for tp in revoked & self._databases.keys():
            self._databases.pop(tp).close()

    def _open(self, tp: TP, changelog: Changelog) -> None:
        database = self._databases.pop(tp, None)
        reason: str | None
        if database is not None and database.failed:
            database.destroy()
            database, reason = Database(database.path), "it failed"
        elif database is None:
            database, reason = Database.open(self._path(tp))
        else:
            reason = None
        if database.stand is not None and (reason := distrust(database.stand, changelog, int(time() * 1000))):
            database.destroy()
            database = Database(database.path)
        self._databases[tp] = database
        if reason:
            log.warning("%s is read anew from %s: %s", database.path, changelog.name, reason)

    def _path(self, tp: TP) -> Path:
        return path_of(self.app.settings) / f"{self.table_name}-{tp.partition}"  # type: ignore[attr-defined]

    def _name(self, tp: TP) -> str:
        topic: TopicId | None = self.app.tasks.topics.get(tp.topic)  # type: ignore[attr-defined]
        # A broker without ids cannot tell its topics from others of their names: then none is known again.
        return f"{topic.id if topic is not None and topic.id != NO_ID else _NOBODY}/{tp.topic}/{tp.partition}"

    def _tp(self, partition: int) -> TP:
        return TP(self.table.changelog_topic_name, partition)  # type: ignore[attr-defined]
