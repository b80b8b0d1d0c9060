"""How what older versions left in the other partitions comes to the one that sends, once: nothing lost, nothing twice.

Each of the others writes its rows to the notifications topic, for the sender's partition, in the transaction that
deletes them; then, in order, the records that it had not read yet; then that this was all. The sender sends nothing,
and only stores what comes, until all others have said so. Then the rows are its own, and what had come meanwhile is
taken in behind what had waited with the others.
"""

import re
from collections.abc import Iterable
from time import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from faust.types import TP
from pydantic import ValidationError

from alerting.notification import decode_note
from schemas.versions import refuse_newer
from streams.runtime.foreign import Held, foreign
from streams.runtime.parts_of_past import PARTS
from streams.runtime.placing import PLACING, POSITION, DeliveryTask, Placing, sender_of
from streams.runtime.stores import Rows
from streams.runtime.taken_in import TAKEN
from streams.runtime.transport import Batch
from streams.runtime.writer import Record

if TYPE_CHECKING:
    from streams.runtime.tasks import Tasks

MOVED: Final = b"\0moved/"
"""So the keys of records begin that are handed over: the partition, and behind a slash a row's key; none: that is
all."""
EARLY: Final = b"\0early/"
"""So the keys of rows begin that hold a notification which nobody has taken in. In their order those of other
partitions come first, as they had been written before."""
_OWN: Final = b"own/"
_MOVED: Final = re.compile(re.escape(MOVED) + rb"(\d{1,9})(?:(/)|\Z)")
_OF_EACH: Final = frozenset({TAKEN, PARTS})
"""Rows of which each partition has one."""


class HandOver(DeliveryTask):
    """A partition of the notifications topic that does not send. Whatever is still written to it goes on to the one
    that does."""

    def __init__(self, tp: TP, tasks: "Tasks") -> None:
        super().__init__(tp, tasks)
        self._rows: dict[bytes, bytes] = {}
        self._out: list[Record] = []
        self._until: int | None = None
        """The end of what is handed over; None: it is."""

    async def load(self, rows: Rows, earliest: int) -> int:
        """See `StatefulTask`. Raises `StateError` for a state of a newer version."""
        start = self.place_by(rows.get(POSITION), earliest)
        if self.tp.partition not in Placing.decode(rows.get(PLACING)).done:
            self._rows = {key: value for key, value in rows.items() if key not in {POSITION, PLACING}}
            self._until = self.log_end if self._rows or self.log.end else None
        return start

    async def accept(self, batch: Batch) -> None:
        """Send a batch on. Raises `VersionError`."""
        for record in batch.records:
            if moved_by(record) is None and not _is_note(record):
                refuse_newer(record.value or b"", f"at offset {record.offset}: a message")
                self._out.append(foreign(self, record, "notification"))
            elif self._until is not None and record.offset < self._until:
                number = f"{self.tp.partition:06}/{record.offset:020}"
                self._out.append(self._moved(EARLY + number.encode(), record.value or b""))
            else:
                self._out.append(self._to_sender(record.key, record.value))
        self.pending += len(batch.records)

    @property
    def urgent(self) -> bool:
        """The sender waits for it."""
        return bool(self._out) or self._is_all

    @property
    def _is_all(self) -> bool:
        return self._until is not None and self.position is not None and self.position >= self._until

    def take(self) -> list[Record]:
        """What goes to the sender, and is here no more."""
        own = f"/{self.tp.partition}".encode()
        records = [self._moved(key + own * (key in _OF_EACH), value) for key, value in self._rows.items()]
        records += [self.row(key, None) for key in self._rows]
        records += self._out
        if self._is_all:
            records.append(self._to_sender(MOVED + str(self.tp.partition).encode(), b""))
            records.append(self.row(PLACING, Placing(frozenset({self.tp.partition})).encode()))
            self._until = None
        self._rows, self._out = {}, []
        if records or self.position != self.flushed_position:
            records.append(self.row(POSITION, f"{self.position}{self.metadata}".encode()))
        return records

    def _moved(self, row: bytes, value: bytes) -> Record:
        return self._to_sender(MOVED + f"{self.tp.partition}/".encode() + row, value)

    def _to_sender(self, key: bytes | None, value: bytes | None) -> Record:
        return Record(self.tp.topic, sender_of(self.settings), key, value)


class Moved(NamedTuple):
    """What a record that is handed over says: its partition, and the key of a row; None: that was all."""

    partition: int
    row: bytes | None


def moved_by(record: Any) -> Moved | None:
    """What a record of the notifications topic hands over; None: it is a notification."""
    found = _MOVED.match(record.key or b"")
    if found is None:
        return None
    return Moved(int(found[1]), record.key[found.end() :] if found[2] else None)


class Arrivals:
    """What the sender stores until it has all. `placing`: who has handed over; `missing`: who has not."""

    def __init__(self, placing: Placing, missing: frozenset[int]) -> None:
        self.placing = placing
        self.missing = missing
        self._rows: list[tuple[bytes, bytes]] = []

    def take(self, record: Any) -> None:
        """Store a record of the notifications topic: as the row that was handed over, or as early."""
        moved = moved_by(record)
        if moved is None:
            self._rows.append((EARLY + _OWN + f"{record.offset:020}".encode(), record.value or b""))
        elif moved.partition not in self.missing:
            return  # again, from a broker without transactions
        elif moved.row is not None:
            self._rows.append((moved.row, record.value))
        else:
            self.missing -= {moved.partition}
            self.placing = self.placing.after(moved.partition)
            self._rows.append((PLACING, self.placing.encode()))

    def changed(self) -> list[tuple[bytes, bytes]]:
        """The rows to be written since the last call."""
        rows, self._rows = self._rows, []
        return rows


def early_ones(rows: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, Held]]:
    """Notifications that nobody has taken in, of the sender's table: the keys of their rows and the records, as far as
    they are known, in their order."""
    now = int(time() * 1000)
    own = sorted((key, value) for key, value in rows if key.startswith(EARLY))
    return [(key, Held(int(key.rpartition(b"/")[2]), value, now)) for key, value in own]


def _is_note(record: Any) -> bool:
    try:
        decode_note(record.value or b"")
    except ValidationError:
        return False
    return True
