"""A task: one partition of one topic, worked by one coroutine, with the producer that writes what comes of it.

A task takes batches only where it stands. It does one thing after another: take what was fetched, work, flush; so that
a flush always finds the state whole. A flush writes everything there is to say, the changelog and the position in one
transaction. What goes wrong in a task ends it: its memory is dropped, and the next assignment starts it from its log.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, Final

from aiokafka import OffsetAndMetadata
from faust.types import TP

from alerting.outbox import RouteStatus
from streams.runtime import losses
from streams.runtime.resume import UNKNOWN_END, Log, Loss, Resumed, What, resume
from streams.runtime.stores import CHUNK, Rows
from streams.runtime.transport import Batch
from streams.runtime.writer import BREATH, Record, Writer, transactional_id

if TYPE_CHECKING:
    from streams.runtime.tasks import Tasks

log = logging.getLogger(__name__)

URGENT_SECONDS: Final = 0.1


class ReplacedError(Exception):
    """The topic is another one by now, and some of what was read may be of it."""


class Task:
    """What the stages have in common. `position` is the offset up to which everything has been worked; None as long as
    the task is not recovered."""

    stage: ClassVar[str]
    lag: ClassVar[int] = 1_000
    """Records behind the end of its partition from which on a task is lagging: then it says less often what it has."""
    ahead: ClassVar[int] = 20_000
    """Offsets that may be fetched and not yet worked."""

    def __init__(self, tp: TP, tasks: "Tasks") -> None:
        self.tp = tp
        self.tasks = tasks
        self.settings = tasks.settings
        self.metrics = tasks.metrics
        self.position: int | None = None
        self.expected = self.fetched_to = 0
        self.log_end = 0
        self.log = Log()
        """The partition, as it was when the task began."""
        self.mark = ""
        """Of what it reads: see `resume`."""
        self.committed: int | None = None
        """The group's position when the task began."""
        self.closing = False
        self.beat = monotonic()
        self.pending = 0
        self.held_up = False
        """It stands before a record that it cannot work yet."""
        self._inbox: deque[Batch] = deque()
        self._losses: list[Loss] = []
        self._wake = asyncio.Event()
        self._flushed_at = monotonic()
        self._took = 0.0  # seconds, by the last flush
        self.flushed_position: int | None = None
        """The position that is committed; None when it is to be, whether or not it has moved."""
        self._writer: Writer = tasks.writer(transactional_id(self.settings, self.stage, tp))
        self.runner: asyncio.Task[None] | None = None

    # What a stage says of itself.

    async def accept(self, batch: Batch) -> int | None:
        """Work a batch. Gives the offset of the record before which it has to wait, if there is one."""
        raise NotImplementedError

    async def work(self) -> None:
        """What is to be done besides, after batches and now and then."""

    def take(self) -> Iterable[Record]:
        """Everything to say since the last flush. Where that may be much, it is made as it is read; the loop may do
        something else in between, and the state stays as it is until all is read."""
        raise NotImplementedError

    @property
    def urgent(self) -> bool:
        """Somebody waits for what there is to say."""
        return False

    @property
    def lagging(self) -> bool:
        """Much is still to be read."""
        return self.log_end - self.expected > self.lag

    @property
    def metadata(self) -> str:
        """Stored with the committed position: before the mark, what a stage has to add."""
        return f"@{self.mark}" if self.mark else ""

    async def still_there(self) -> bool:
        """Whether the topic is the one that was read, so that the position in it can be committed. Raises
        `ReplacedError`."""
        return True

    async def written(self, records: list[Record], offsets: list[int]) -> None:
        """Called when a flush is committed."""

    def routes(self) -> Iterable[RouteStatus]:
        """How the routes do whose messages it sends."""
        return ()

    def held(self) -> Mapping[str, int]:
        """How many alerts each of them holds back."""
        return {}

    @property
    def parked_records(self) -> int | None:
        """Records that wait until it can be told whose they are; None where there are none such."""
        return None

    @property
    def place_of_state(self) -> str:
        """Where it is, and where its state is, in words."""
        return f"{self.stage} of {self.tp.topic}/{self.tp.partition}"

    # The life of a task.

    async def start(self) -> None:
        """Fence the previous owner, and settle what it left open."""
        await self._writer.start()

    async def resume(self, commit: OffsetAndMetadata | None, log: Log) -> int:
        """Where to go on, by what the group committed and what is there now."""
        self._look(commit, log)
        return self.place(self.committed, "" if commit is None else commit.metadata.partition("@")[2]).position

    def _look(self, commit: OffsetAndMetadata | None, log: Log) -> None:
        self.log, self.log_end = log, log.least if log.end == UNKNOWN_END else log.end
        self.committed = None if commit is None else commit.offset

    def place(self, position: int | None, mark: str) -> Resumed:
        """`resume` from a stored position and mark, and remember what is lost."""
        resumed = resume(position, mark, self.log)
        self.mark = resumed.mark
        if resumed.found is not None and position is not None:
            self.lost(Loss(resumed.found, *self.tp, position, resumed.position))
        return resumed

    def lost(self, loss: Loss) -> None:
        """Note a loss: it is told with the next flush."""
        losses.warn(loss)
        self._losses.append(loss)
        self.flushed_position = None  # so that where it is read on is stored in the same flush

    def begin(self, position: int) -> None:
        """Go on from this offset."""
        self.position = self.expected = self.fetched_to = position
        if not self._losses:
            self.flushed_position = position
        self.runner = asyncio.create_task(self._run(), name=f"{self.stage} {self.tp.topic}/{self.tp.partition}")

    def handle(self, batch: Batch) -> None:
        """Take a fetched batch, if it goes on where the task stands."""
        if self.position is None or self.closing:
            return
        if batch.log_end < self.expected:  # read on from its start, by a consumer that found nothing where it stood
            self.tasks.replaced(self, "ends before what was read of it")
            return
        if batch.end <= self.expected:
            return
        if batch.start > self.expected:  # a fetch of before a seek, or one was dropped
            log.warning("hole in %s/%s: at %d, got %d", *self.tp, self.expected, batch.start)
            self.fetched_to = self.expected
            self.tasks.seek_back(self)
            return
        records = [record for record in batch.records if record.offset >= self.expected]
        self._inbox.append(Batch(self.expected, batch.end, batch.log_end, records))
        self.expected, self.log_end = batch.end, batch.log_end
        self._wake.set()

    def skip(self, start: int) -> None:
        """Go on at a later offset: what lies before it was removed."""
        if self.position is not None and not self.closing and start > self.expected:
            self._inbox.append(Batch(self.expected, start, max(self.log_end, start), [], removed=True))
            self.expected = self.fetched_to = start
            self._wake.set()

    def wake(self) -> None:
        """Let the task look around."""
        self._wake.set()

    @property
    def has_room(self) -> bool:
        """Whether more should be fetched for it."""
        return self.position is not None and not self.closing and self.fetched_to - self.position < self.ahead

    @property
    def idle(self) -> bool:
        """Nothing that was fetched waits."""
        return not self._inbox

    @property
    def left_open(self) -> bool:
        """Something was worked and is not committed."""
        return self.position != self.flushed_position

    async def end(self, patience: float) -> None:
        """Flush what can be flushed in time, drop the rest."""
        self.closing = True
        self._wake.set()
        if self.runner is not None:
            _, late = await asyncio.wait([self.runner], timeout=patience)
            for runner in late:
                runner.cancel()
        await self._writer.stop()

    async def _run(self) -> None:
        try:
            while not self.closing:
                await self._wait()
                await self._turn()
            await self.work()
            await self._flush()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the task's memory is not to be trusted any more
            self.closing = True
            self.tasks.failed(self, error)

    async def _wait(self) -> None:
        if self.idle or self.held_up:
            try:
                async with asyncio.timeout(self._patience()):
                    await self._wake.wait()
            except TimeoutError:
                pass
        self._wake.clear()
        self.beat = monotonic()

    async def _turn(self) -> None:
        self.held_up = False
        while self._inbox and not self.closing and not self.held_up:
            batch = self._inbox.popleft()
            if batch.removed:
                self.lost(Loss(What.REMOVED, *self.tp, batch.start, batch.end))
            stood = await self.accept(batch)
            if stood is None:
                self.position = batch.end
            else:
                rest = [record for record in batch.records if record.offset >= stood]
                self._inbox.appendleft(Batch(stood, batch.end, batch.log_end, rest))
                self.position, self.held_up = stood, True
            await asyncio.sleep(0)
            if self.flush_due:
                break
        await self.work()
        if self.flush_due:
            await self._flush()

    def _patience(self) -> float:
        pause = self._urgent_pause if self.urgent else self.settings.flush / 1000
        # Until the flush is due; while the task lags, an urgent one is not due when its pause is over.
        return pause if self.lagging else max(self._flushed_at + pause - monotonic(), 0.01)

    @property
    def _urgent_pause(self) -> float:
        """Seconds from one flush to the next that somebody waits for."""
        return URGENT_SECONDS

    @property
    def flush_due(self) -> bool:
        """Whether it is time to say what there is to say."""
        age = monotonic() - self._flushed_at
        if self.lagging:
            most = self.settings.lagging_flush_events
            return age * 1000 >= self.settings.lagging_flush or self.pending >= most
        return age * 1000 >= self.settings.flush or (self.urgent and age >= self._urgent_pause)

    async def _flush(self) -> None:
        self._flushed_at = started = monotonic()
        there = self.position == self.flushed_position or await self.still_there()
        records = []
        for record in self.take():
            records.append(record)
            if len(records) % BREATH == 0:
                await asyncio.sleep(0)
        assert self.position is not None
        told, self._losses = self._losses, []
        if told:
            records.extend(self.tasks.notices(told))
        if not records and self.position == self.flushed_position:
            return
        position = self.position
        self.pending, self.flushed_position = 0, None
        commit = (self.tp, OffsetAndMetadata(position, self.metadata)) if there else None
        offsets = await self._writer.write(records, commit)
        self._flushed_at = self.beat = monotonic()  # from its end on: a slow one does not follow upon the other
        self._took = self._flushed_at - started
        self.flushed_position = position
        await self.written(records, offsets)
        self.metrics.flush_seconds.labels(self.stage).observe(monotonic() - started)
        for loss in told:
            losses.count(loss, self.metrics)
        self.tasks.succeeded(self)


class StatefulTask(Task):
    """A task with a table: its truth is in the changelog, its position among the rest."""

    table_name: ClassVar[str]

    async def resume(self, commit: OffsetAndMetadata | None, log: Log) -> int:
        """See `Task`. The state says where to go on, and not what the group committed."""
        self._look(commit, log)
        return await self.load(self.tasks.store(self.table_name).rows(self.tp.partition), log.first)

    @property
    def place_of_state(self) -> str:
        """See `Task`."""
        changelog = self.tasks.changelogs[self.table_name]
        return f"{super().place_of_state} (its state is {changelog}/{self.tp.partition})"

    async def load(self, rows: Rows, earliest: int) -> int:
        """Build the state from the table's rows; gives the offset to go on from, at or after the earliest there is."""
        raise NotImplementedError

    def row(self, key: bytes, value: bytes | None) -> Record:
        """A row for the table."""
        return Record(self.tasks.changelogs[self.table_name], self.tp.partition, key, value)

    async def written(self, records: list[Record], offsets: list[int]) -> None:
        """The table takes what its changelog has, in pieces: each is the log up to some offset. Raises `StoreError`."""
        topic = self.tasks.changelogs[self.table_name]
        store = self.tasks.store(self.table_name)
        rows = [(each, offset) for each, offset in zip(records, offsets, strict=True) if each.topic == topic]
        for first in range(0, len(rows), CHUNK):
            some = rows[first : first + CHUNK]
            pairs = ((each.key, each.value) for each, _ in some if each.key is not None)
            store.apply(TP(topic, self.tp.partition), pairs, some[-1][1], level=first + CHUNK >= len(rows))
            await asyncio.sleep(0)
