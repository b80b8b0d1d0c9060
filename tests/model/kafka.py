"""Kafka in memory, as far as exactly once leans on it: logs with offsets, transactions, fencing, a group's offsets.

A transaction's records take their offsets when they are sent, and hold the last stable offset until it is settled. Its
markers are records of their own, which nobody sees and which leave holes. Who begins with a transactional id fences
whoever had it, and settles what that left open. All calls are done at once: where to stop between two of them is the
producer's affair.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import SimpleNamespace

from aiokafka import OffsetAndMetadata
from aiokafka.errors import ProducerFenced
from faust.types import TP

from streams.runtime.transport import Batch

Headers = Sequence[tuple[str, bytes]]


class State(Enum):
    """Of a transaction."""

    OPEN = "open"
    COMMITTED = "committed"
    ABORTED = "aborted"


@dataclass(eq=False, slots=True)
class Transaction:
    """What one producer writes together. Decided, it is not over: its markers may still be on their way."""

    state: State = State.OPEN
    first: dict[TP, int] = field(default_factory=dict)
    """Of each partition the offset of its first record."""
    offsets: dict[TP, OffsetAndMetadata] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Stored:
    """A place in a log. A marker has neither key nor value nor reader."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int
    transaction: Transaction | None
    marker: bool = False
    compacted: bool = False

    @property
    def committed(self) -> bool:
        """Whether it is there for a reader of committed records, who may have come before it was compacted."""
        return not self.marker and (self.transaction is None or self.transaction.state is State.COMMITTED)


class Kafka:
    """Topics, one group, and the transactional producers. Topics are there when they are asked for."""

    def __init__(self) -> None:
        self.logs: defaultdict[TP, list[Stored]] = defaultdict(list)
        self.group: dict[TP, OffsetAndMetadata] = {}
        self.slow = False
        """Markers stay on their way until somebody has to wait for them."""
        self.fleet: list[bytes] = []
        """The fleet topic, which is written outside of transactions."""
        self.hear_of_fleet: list[Callable[[], None]] = []
        """Called when something was added to it: one of each worker."""
        self.appended = 0
        self.fenced = 0
        """Calls that were refused since another producer has the id."""
        self._epochs: dict[str, int] = {}
        self._unsettled: dict[str, Transaction] = {}

    # For producers.

    def init(self, transactional_id: str) -> int:
        """A new epoch of the id: the one before is fenced, and what it left open is aborted."""
        self._settle(transactional_id)
        self._epochs[transactional_id] = self._epochs.get(transactional_id, -1) + 1
        return self._epochs[transactional_id]

    def append(
        self,
        tp: TP,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        *,
        timestamp: int = 0,
        by: tuple[str, int] | None = None,
    ) -> int:
        """Write a record, in the transaction of `by` (id and epoch) if that is given. Gives its offset. Raises
        ProducerFenced."""
        transaction = self._of(*by) if by is not None else None
        if transaction is not None:
            transaction.first.setdefault(tp, len(self.logs[tp]))
        return self._append(Stored(len(self.logs[tp]), key, value, headers, timestamp, transaction), tp)

    def add_offsets(self, offsets: dict[TP, OffsetAndMetadata], *, by: tuple[str, int]) -> None:
        """Commit offsets of the group with the transaction. Raises ProducerFenced."""
        self._of(*by).offsets.update(offsets)

    def end(self, *, by: tuple[str, int], commit: bool) -> None:
        """Decide a transaction; one that nothing was written in is none. Raises ProducerFenced."""
        self._check(*by)
        transaction = self._unsettled.get(by[0])
        if transaction is None or transaction.state is not State.OPEN:
            return
        transaction.state = State.COMMITTED if commit else State.ABORTED
        if not self.slow:
            self._settle(by[0])

    def tell_of_fleet(self) -> None:
        """Something was added to the fleet topic."""
        self.appended += 1
        for each in self.hear_of_fleet:
            each()

    # For readers.

    def stable_end(self, tp: TP) -> int:
        """The offset that readers of committed records come to."""
        held = [each.first[tp] for each in self._unsettled.values() if tp in each.first]
        return min(held, default=len(self.logs[tp]))

    def fetch(self, tp: TP, start: int, most: int) -> Batch:
        """What one fetch of at most so many records moves a reader over, with what nobody sees behind them."""
        records: list[SimpleNamespace] = []
        end, stable = start, self.stable_end(tp)
        for each in self.logs[tp][start:stable]:
            if each.committed and not each.compacted:
                if len(records) == most:
                    break
                records.append(
                    SimpleNamespace(
                        offset=each.offset,
                        key=each.key,
                        value=each.value,
                        headers=each.headers,
                        timestamp=each.timestamp,
                    )
                )
            end = each.offset + 1
        return Batch(start, end, stable, records)

    def committed(self, topic: str) -> Iterator[tuple[TP, Stored]]:
        """Everything that readers of committed records have ever had of a topic, in the order of each partition."""
        for tp in sorted(each for each in self.logs if each.topic == topic):
            stable = self.stable_end(tp)
            yield from ((tp, each) for each in self.logs[tp][:stable] if each.committed)

    def values(self, tp: TP, first: int) -> list[bytes]:
        """The values that readers of committed records have of a partition by now, from a number of them on."""
        read = [each.value for each in self.logs[tp][: self.stable_end(tp)] if each.committed]
        return [value for value in read[first:] if value is not None]

    def rows(self, tp: TP) -> tuple[int, dict[bytes, bytes]]:
        """How far readers of committed records come in a compacted partition, and what they find there."""
        stable, rows = self.stable_end(tp), dict[bytes, bytes]()
        for each in self.logs[tp][:stable]:
            if each.committed and not each.compacted and each.key is not None:
                rows.pop(each.key, None)
                if each.value is not None:
                    rows[each.key] = each.value
        return stable, rows

    # What happens by itself, or is done by people.

    def settle(self) -> None:
        """Markers that were on their way are written."""
        for each in [name for name, held in self._unsettled.items() if held.state is not State.OPEN]:
            self._settle(each)

    def expire(self) -> int:
        """Transactions that are open for too long are aborted, and their producers fenced. Gives how many."""
        late = [name for name, held in self._unsettled.items() if held.state is State.OPEN]
        for each in late:
            self.init(each)
        return len(late)

    def compact(self, tp: TP) -> None:
        """Drop the rows that a later one of the same key stands for."""
        last = {each.key: each for each in self.logs[tp][: self.stable_end(tp)] if each.committed}
        for each in self.logs[tp][: self.stable_end(tp)]:
            each.compacted = each.committed and last[each.key] is not each

    def _of(self, transactional_id: str, epoch: int) -> Transaction:
        """The producer's open transaction; begins one."""
        self._check(transactional_id, epoch)
        held = self._unsettled.get(transactional_id)
        if held is not None and held.state is not State.OPEN:  # the coordinator lets nobody begin before that
            self._settle(transactional_id)
            held = None
        if held is None:
            held = self._unsettled[transactional_id] = Transaction()
        return held

    def _check(self, transactional_id: str, epoch: int) -> None:
        if self._epochs.get(transactional_id) != epoch:
            self.fenced += 1
            raise ProducerFenced

    def _settle(self, transactional_id: str) -> None:
        transaction = self._unsettled.pop(transactional_id, None)
        if transaction is None:
            return
        if transaction.state is State.OPEN:
            transaction.state = State.ABORTED
        for tp in transaction.first:
            self._append(Stored(len(self.logs[tp]), None, None, (), 0, transaction, marker=True), tp)
        if transaction.state is State.COMMITTED:
            self.group.update(transaction.offsets)

    def _append(self, stored: Stored, tp: TP) -> int:
        self.logs[tp].append(stored)
        self.appended += 1
        return stored.offset
