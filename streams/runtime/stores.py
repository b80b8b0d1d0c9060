"""What a table's store is asked for, and the store that keeps everything in memory.

A store changes only by recovery and by committed transactions, always together with the changelog offset that it then
stands at. Faust's own ways to write are closed.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NoReturn, Protocol

from faust.stores.base import Store
from faust.types import TP

CHUNK = 1_000
"""Rows applied between two moments at which the loop may do something else."""


class Rows(Protocol):
    """The rows of one partition. Raises `StoreError` when they cannot be read; a dict never does."""

    def get(self, key: bytes, /) -> bytes | None: ...

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """All of them. Not to be read on once a row has changed."""
        ...


class TableStore(Store[Any, Any]):
    """A table's rows by partition, each partition with the changelog offset that it stands at."""

    @property
    def size(self) -> int:
        """Bytes that the partitions take which this worker has."""
        raise NotImplementedError

    def rows(self, partition: int) -> Rows:
        """The rows of a partition that was assigned and recovered."""
        raise NotImplementedError

    def apply(self, tp: TP, rows: Iterable[tuple[bytes, bytes | None]], offset: int, *, level: bool = True) -> None:
        """Take the rows of the changelog partition `tp` up to an offset, all or none; a value of None deletes the key.
        `level`: the changelog had no more than that. Raises `StoreError`."""
        raise NotImplementedError

    async def open(self, partitions: set[TP]) -> None:
        """Get the changelog partitions of an assignment ready, before it is asked how far each stands."""

    def close(self) -> None:
        """Let go of everything."""

    def lost(self, tp: TP) -> bool:
        """A partition that failed, and takes nothing until it is assigned anew."""
        return False

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Nothing is left to do: every batch was applied as it came."""

    def apply_changelog_batch(self, batch: Any, to_key: Any, to_value: Any) -> NoReturn:
        """Recovery's own way in, which is not used."""
        raise TypeError("changelogs are applied by the consumer, in batches")

    def set_persisted_offset(self, tp: TP, offset: int) -> NoReturn:
        """Faust's own way to say how far a partition stands, which is not used."""
        raise TypeError("an offset is stored with its rows")

    async def backup_partition(self, tp: Any, flush: bool = True, purge: bool = False, keep: int = 1) -> None:
        """Kafka is the backup."""

    def restore_backup(self, tp: Any, latest: bool = True, backup_id: int = 0) -> None:
        """Kafka is the backup."""

    def __missing__(self, key: Any) -> NoReturn:
        raise KeyError(key)


class MemoryStore(TableStore):
    """Rows in dicts. What a partition had is forgotten when it goes to another worker."""

    def __post_init__(self) -> None:
        self.reset_state()

    def reset_state(self) -> None:
        """Forget everything."""
        self._parts: defaultdict[int, dict[bytes, bytes]] = defaultdict(dict)
        self._offsets: dict[TP, int] = {}
        self._sizes: defaultdict[int, int] = defaultdict(int)

    @property
    def size(self) -> int:
        """Bytes of all keys and values."""
        return sum(self._sizes.values())

    def rows(self, partition: int) -> Rows:
        """See `TableStore`."""
        return self._parts[partition]

    def apply(self, tp: TP, rows: Iterable[tuple[bytes, bytes | None]], offset: int, *, level: bool = True) -> None:
        """See `TableStore`."""
        part = self._parts[tp.partition]
        grown = 0
        for key, value in rows:
            before = part.get(key)
            if before is not None:
                grown -= len(key) + len(before)
            if value is None:
                part.pop(key, None)
            else:
                # Copied: the bytes that orjson makes keep the room that it wrote in, several times their size.
                part[key] = bytes(memoryview(value))
                grown += len(key) + len(value)
        self._sizes[tp.partition] += grown
        self._offsets[tp] = offset

    def persisted_offset(self, tp: TP) -> int | None:
        """See Faust: recovery goes on after it."""
        return self._offsets.get(tp)

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Drop what went to another worker."""
        for tp in revoked:
            if tp.topic == self.table.changelog_topic_name:  # type: ignore[attr-defined]
                self._parts.pop(tp.partition, None)
                self._sizes.pop(tp.partition, None)
                self._offsets.pop(tp, None)
