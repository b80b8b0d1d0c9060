"""Faust tables of bytes, kept by partition, that change only by recovery and by committed transactions."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final, NoReturn

import faust
from faust.stores import STORES
from faust.stores.base import Store
from faust.tables import TableManager
from faust.types import TP

SCHEME: Final = "partitioned"
STORES.aliases[SCHEME] = f"{__name__}:PartitionedStore"


class PartitionedStore(Store[Any, Any]):
    """Rows in memory by partition, each partition with the changelog offset that it stands at."""

    def __post_init__(self) -> None:
        self.reset_state()

    def reset_state(self) -> None:
        """Forget everything."""
        self.parts: defaultdict[int, dict[bytes, bytes]] = defaultdict(dict)
        self.offsets: dict[TP, int] = {}
        self._sizes: defaultdict[int, int] = defaultdict(int)

    @property
    def size(self) -> int:
        """Bytes of all keys and values."""
        return sum(self._sizes.values())

    def apply(self, tp: TP, rows: Iterable[tuple[bytes, bytes | None]], offset: int) -> None:
        """Take the rows of the changelog partition `tp` up to an offset; a value of None deletes the key."""
        part = self.parts[tp.partition]
        grown = 0
        for key, value in rows:
            before = part.get(key)
            if before is not None:
                grown -= len(key) + len(before)
            if value is None:
                part.pop(key, None)
            else:
                part[key] = value
                grown += len(key) + len(value)
        self._sizes[tp.partition] += grown
        self.offsets[tp] = offset

    def persisted_offset(self, tp: TP) -> int | None:
        """See Faust: recovery goes on after it."""
        return self.offsets.get(tp)

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """See Faust."""
        self.offsets[tp] = offset

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Drop what went to another worker."""
        for tp in revoked:
            if tp.topic == self.table.changelog_topic_name:  # type: ignore[attr-defined]
                self.parts.pop(tp.partition, None)
                self._sizes.pop(tp.partition, None)
                self.offsets.pop(tp, None)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Nothing is left to do: every batch was applied as it came."""

    def apply_changelog_batch(self, batch: Any, to_key: Any, to_value: Any) -> NoReturn:
        """Recovery's own way in, which is not used."""
        raise TypeError("changelogs are applied by the consumer, in batches")

    async def backup_partition(self, tp: Any, flush: bool = True, purge: bool = False, keep: int = 1) -> None:
        """There is nothing on disk."""

    def restore_backup(self, tp: Any, latest: bool = True, backup_id: int = 0) -> None:
        """There is nothing on disk."""

    def __missing__(self, key: Any) -> NoReturn:
        raise KeyError(key)


class Table(faust.Table[Any, Any]):
    """A table that only a task's flush writes."""

    def on_key_set(self, key: Any, value: Any) -> NoReturn:
        """Refuse an assignment."""
        raise TypeError("this table is written by its task's flush only")

    def on_key_del(self, key: Any) -> NoReturn:
        """Refuse a deletion."""
        raise TypeError("this table is written by its task's flush only")


class Tables(TableManager):
    """Starts the tasks before Faust reads the ends of the changelogs: whoever wrote them last is fenced first."""

    _beginning: asyncio.Task[None] | None = None

    def give_up(self) -> None:
        """Start no more tasks: the worker is to end. Faust's consumer waits at its end until the assignment is done,
        and takes no requests by then, which tasks that are being started make."""
        if self._beginning is not None:
            self._beginning.cancel()

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """See Faust."""
        self.recovery.signal_recovery_end.clear()  # may be left over from the recovery before
        self._beginning = asyncio.create_task(self.app.tasks.assign(assigned))  # type: ignore[attr-defined]
        await asyncio.wait([self._beginning])
        if self._beginning.cancelled():
            return
        self._beginning.result()
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)
