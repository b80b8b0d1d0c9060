"""Faust's aiokafka transport, with one Faust event for each fetched batch of a partition.

Faust hands on a record at a time, which costs more than all that is done with it. Here a batch goes through Faust as
one event, with the positions before and after it, so that a task can tell a hole or a repetition. What is committed,
and where reading goes on, is the tasks' to say. Private names of Faust and aiokafka that this leans on are pinned in
tests/framework.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, OffsetAndMetadata, TopicPartition
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from schemas.errors import StoreError
from streams.runtime import group
from streams.runtime.holes import Holes
from streams.runtime.stores import CHUNK, TableStore

FETCH_WAIT_MS: Final = 200
"""Faust waits 1,500 for a fetch to fill, and a seek waits for the fetch that is on its way."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one fetch moved a partition's position over. Control records make it longer than its records."""

    start: int
    end: int
    log_end: int
    """The partition's end for a reader of committed records, as of the fetch."""
    records: list[Any]
    """As aiokafka parses them: with `offset`, `timestamp`, `key`, `value` and `headers`, and no more."""
    removed: bool = False
    """Not fetched: what was between these positions is no longer in the topic."""


class _Fetched(OrderedDict[Any, Any]):
    """What aiokafka has fetched and not handed out yet. Each record is handed out as it was parsed: to make a
    `ConsumerRecord` of it takes longer than all else that is done to read it."""

    def __setitem__(self, tp: Any, result: Any) -> None:
        if type(result) is FetchResult:
            result._partition_records._consumer_record = _as_parsed
        super().__setitem__(tp, result)


def _as_parsed(_tp: Any, record: Any) -> Any:
    return record


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Fetches batches, read committed, in the consumer's own thread."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        self._holes = Holes()
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: Any,
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Any:
        self._pause_all_but(consumer, active_partitions)
        if type(consumer._fetcher._records) is not _Fetched:  # it is made anew at each start
            consumer._fetcher._records = _Fetched(consumer._fetcher._records)
        before = _positions(consumer, active_partitions)
        fetched = await super()._fetch_records(consumer, active_partitions, timeout, max_records)
        batches = {}
        for tp, now in _positions(consumer, active_partitions).items():
            if tp not in before or before[tp].run is not now.run:
                # Reset in between. Where the task stands it has a hole, which it looks into: even if no more comes.
                # Faust would pass over a batch that lies before what it has seen.
                self.consumer._read_offset.pop(TP(*tp), None)
                batches[TP(*tp)] = [Batch(now.position, now.position, now.log_end, [])]
            elif before[tp].position < now.position:
                batch = Batch(before[tp].position, now.position, now.log_end, fetched.get(tp, []))
                if not self.consumer.app.tasks.transactions:  # type: ignore[attr-defined]
                    batch = self._unbroken(tp, batch)
                if batch.start < batch.end:
                    batches[TP(*tp)] = [batch]
        return batches

    def _unbroken(self, tp: Any, batch: Batch) -> Batch:
        """A batch up to its first hole, from which the consumer reads again."""
        hole = self._holes.first(tp, batch.start, batch.records)
        if hole is None:
            return batch
        self._ensure_consumer().seek(tp, hole)
        return replace(batch, end=hole, records=batch.records[: hole - batch.start])

    async def on_thread_stop(self) -> None:
        """Stop the consumer. While a broker is away it ends with the cancellation of a fetch of its own; let through,
        that would end the thread without a word, and Faust waits a minute for one."""
        with suppress(asyncio.CancelledError):
            await super().on_thread_stop()

    @staticmethod
    def _pause_all_but(consumer: Any, active: Any) -> None:
        # Faust only ignores a paused partition; aiokafka would go on fetching it (our own changelog, say).
        for tp in consumer.assignment():
            (consumer.resume if tp in active else consumer.pause)(tp)

    def rejoin(self) -> None:
        """Leave and join the group again: every task begins anew."""
        self.thread_loop.call_soon_threadsafe(self._ensure_consumer()._coordinator.request_rejoin)

    async def rejoin_knowing(self) -> None:
        """`rejoin` once it is known which partitions there are now."""
        await self.call_thread(self._ensure_consumer()._client.force_metadata_update)
        self.rejoin()

    def known_partitions(self, topic: str) -> int:
        """How many partitions of a topic the client knows, by which it deals out if that falls to it."""
        return len(self._ensure_consumer()._client.cluster.partitions_for_topic(topic) or ())

    async def committed(self, partitions: list[TP]) -> Mapping[TP, OffsetAndMetadata]:
        """What the group committed; partitions without a commit are left out."""
        coordinator = self._ensure_consumer()._coordinator
        found: Mapping[TP, OffsetAndMetadata] = await self.call_thread(group.positions, coordinator, partitions)
        return found

    async def commit_with_metadata(self, offsets: Mapping[TP, OffsetAndMetadata]) -> None:
        """Commit for the group; used where the broker has no transactions."""
        await self.call_thread(self._ensure_consumer().commit, {TopicPartition(*tp): at for tp, at in offsets.items()})


class _Position(NamedTuple):
    position: int
    log_end: int
    run: object
    """Another one after each reset by the client, which goes to the first record there is when there is none where it
    stood."""


def _positions(consumer: AIOKafkaConsumer, partitions: Any) -> dict[Any, _Position]:
    assignment = consumer._subscription.subscription.assignment
    if assignment is None:
        return {}
    found = {}
    for tp in partitions:
        state = assignment.state_value(tp)
        if state and state.has_valid_position:
            log_end = state.lso if state.lso is not None and state.lso >= 0 else state.highwater or 0
            found[tp] = _Position(state.position, max(log_end, state.position), state._position_fut)
    return found


class Consumer(driver.Consumer):
    """Hands batches to the tasks' agents, and changelogs to the stores."""

    fetched_at = 0.0
    """When the fetch loop last turned (monotonic): whether it makes progress."""

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def thread(self) -> ConsumerThread:
        """The thread that the aiokafka consumer lives in."""
        thread: ConsumerThread = self._thread  # type: ignore[assignment]
        return thread

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        batch: Batch = record
        stamp = batch.records[-1].timestamp / 1000 if batch.records else 0.0
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            batch.end - 1,
            stamp,
            0,
            None,  # a batch has no headers
            b"",
            batch,  # type: ignore[arg-type]  # Faust's value is whatever the codec takes
            None,
            0,
            0,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Flush and let go before Faust stops the flow and waits."""
        await self.app.tasks.release()  # type: ignore[attr-defined]
        await super().on_partitions_revoked(revoked)

    async def perform_seek(self) -> None:
        """Where to go on is the tasks' to say, not the group's. Faust calls this also when nothing has changed."""
        await self.seek_wait(await self.app.tasks.positions(self))  # type: ignore[attr-defined]

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        self.fetched_at = monotonic()
        logs = self.app.tables.changelog_topics
        tasks = self.app.tasks  # type: ignore[attr-defined]
        wanted = {tp for tp in active_partitions or () if tp.topic in logs or tasks.has_room(tp)}
        if not wanted:
            await asyncio.sleep(0.005)  # an empty set means "all" to aiokafka
            return {}
        try:
            fetched: dict[TP, Any] = dict(await super()._getmany(wanted, FETCH_WAIT_MS / 1000))
            for tp in [tp for tp in fetched if tp.topic in logs]:
                await self._recover(tp, fetched.pop(tp)[0])
        except IllegalStateError:  # the partition went away: a rebalance is on
            return {}
        for tp, (batch,) in fetched.items():
            tasks.fetched(tp, batch)
        return fetched

    async def _recover(self, tp: TP, batch: Batch) -> None:
        # At once, and not through Recovery's queue: that is cleared by every resume, and is slow.
        recovery = self.app.tables.recovery  # type: ignore[attr-defined]
        books = recovery.active_offsets if tp in recovery.active_tps else recovery.standby_offsets
        have = books.get(tp)
        if have is None or not self.flow_active:  # the books are of before the rebalance
            return
        if batch.start > have + 1:  # a fetch of before a seek, or one was dropped
            await self.seek_wait({tp: have + 1})
        elif batch.end - 1 > have:
            await self._apply(tp, batch, books)
        if recovery.in_recovery and not recovery.need_recovery():
            recovery.signal_recovery_end.set()

    async def _apply(self, tp: TP, batch: Batch, books: Any) -> None:
        store: TableStore = self.app.tables.recovery.tp_to_table[tp].data  # type: ignore[attr-defined]
        generation = self.app.consumer_generation_id
        for first in range(0, len(batch.records), CHUNK) or (0,):
            if store.lost(tp) or generation != self.app.consumer_generation_id or not self.flow_active:
                return
            some = batch.records[first : first + CHUNK]
            last = first + CHUNK >= len(batch.records)
            offset = batch.end - 1 if last else some[-1].offset
            level = last and batch.end >= batch.log_end
            try:
                store.apply(tp, ((record.key, record.value) for record in some), offset, level=level)
            except StoreError as error:
                self.app.tasks.store_failed(tp, error)  # type: ignore[attr-defined]
                return
            books[tp] = offset
            if level:
                self.app.tasks.store_level(tp)  # type: ignore[attr-defined]
            await asyncio.sleep(0)


class Transport(driver.Transport):
    """Faust's transport with this module's consumer."""

    Consumer = Consumer
