"""Faust tables that change only by recovery and by committed transactions, in memory or in RocksDB."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NoReturn

import faust
from faust.stores import STORES
from faust.tables import TableManager
from faust.types import TP

from streams.runtime.stores import TableStore

SCHEMES: Final[Mapping[str, str]] = {"memory": "slackwater-memory", "rocksdb": "slackwater-rocksdb"}
"""What the setting `store` is called among Faust's stores."""
STORES.aliases[SCHEMES["memory"]] = "streams.runtime.stores:MemoryStore"
STORES.aliases[SCHEMES["rocksdb"]] = "streams.runtime.rocks:RocksStore"  # imported only when it is used


class Table(faust.Table[Any, Any]):
    """A table that only a task's flush writes."""

    def on_key_set(self, key: Any, value: Any) -> NoReturn:
        """Refuse an assignment."""
        raise TypeError("this table is written by its task's flush only")

    def on_key_del(self, key: Any) -> NoReturn:
        """Refuse a deletion."""
        raise TypeError("this table is written by its task's flush only")


class Tables(TableManager):
    """Starts the tasks before Faust reads the ends of the changelogs: whoever wrote them last is fenced first. Then the
    stores say how far they stand."""

    _beginning: asyncio.Task[None] | None = None
    _given_up = False

    async def on_start(self) -> None:
        """See Faust, which waits a second for tables that may be added."""
        await self._update_channels()
        await self.recovery.start()

    def give_up(self) -> None:
        """Start no more tasks: the worker is to end. Faust's consumer waits at its end until the assignment is done,
        and takes no requests by then, which tasks that are being started make."""
        self._given_up = True
        if self._beginning is not None:
            self._beginning.cancel()

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """See Faust."""
        if self._given_up:
            return
        self.recovery.signal_recovery_end.clear()  # may be left over from the recovery before
        self._beginning = asyncio.create_task(self._begin(assigned))
        await asyncio.wait([self._beginning])
        if self._beginning.cancelled():
            return
        self._beginning.result()
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    async def _begin(self, assigned: set[TP]) -> None:
        await self.app.tasks.assign(assigned)  # type: ignore[attr-defined]
        for table in self.values():
            store: TableStore = table.data
            await store.open({tp for tp in assigned if tp.topic == table.changelog_topic_name})
