"""The fleet topic: what the home partitions tell each other, in one order that holds for all of them.

One reader and one writer for all home tasks of a worker. Every record is held in memory as it was read, from the
earliest offset that any of them asked for; there are few of them. What is posted is written outside the transactions of
the tasks, in order and as often as it takes: a record may come twice, and the first one counts.

Where the topic ends before what was read of it, it was deleted and created again. That is logged as an error, all that
was held is dropped, and the new one is held from its start; so nobody is handed records of both. Whoever stands behind
its end hears nothing until it has grown so far, and can tell by the topic's id (`Tasks.topics`) that it is another one.
A new topic that is as long as the old one by the time it is looked at is not noticed here.
"""

import asyncio
import logging
from bisect import bisect_left
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from schemas.errors import SlackwaterError
from streams.runtime.holes import Holes
from streams.runtime.letting_go import stopped
from streams.runtime.settings import Settings
from streams.runtime.writer import PlainWriter, Record

log = logging.getLogger(__name__)

_PAUSE: Final = 1.0
"""Seconds between a failure and the next attempt."""
_WAIT_MS: Final = 50
"""A broker keeps a fetch for so long when there is nothing: a question for its end comes after that, and the embedded
broker looks only now and then whether something has come."""
_READ: Final = "read"
_WRITTEN: Final = "written"


class FleetTopic:
    """The fleet topic, as the home tasks of a worker share it; or another `topic` that is read in this way. `arrived`
    is called when something new is held."""

    isolation: ClassVar[str] = "read_uncommitted"

    def __init__(self, settings: Settings, arrived: Callable[[], None], topic: str | None = None) -> None:
        self._settings = settings
        self._arrived = arrived
        self.topic = topic or settings.fleet_topic
        self._tp = TopicPartition(self.topic, 0)
        self._held: list[tuple[int, bytes]] = []
        self._first: int | None = None
        """Everything from here up to `_next` is held; None as long as nobody asked for anything."""
        self._next = 0
        self._asked: list[tuple[int, asyncio.Future[None]]] = []
        self._first_ask = asyncio.Event()
        self._due: list[tuple[int, asyncio.Future[None]]] = []
        """Who waits until the reader has come to an end that was seen."""
        self._outbox: deque[bytes] = deque()
        self._posted = asyncio.Event()
        self._running: list[asyncio.Task[None]] = []
        self._holes: Holes | None = None
        self._failing: set[str] = set()
        """What has failed and been told, and has not succeeded since."""

    async def start(self, *, unbroken: bool = False) -> None:
        """Begin to read, once somebody asks, and to write. The broker may be away. `unbroken`: its logs have no holes,
        and what has one is read again."""
        self._holes = Holes() if unbroken else None
        for work, what in ((self.follow, _READ), (self._write, _WRITTEN)):
            self._running.append(asyncio.create_task(self._keep(work, what), name=f"{self.topic} {what}"))

    async def stop(self) -> None:
        """Let go of the broker. What is not written by now will not be; who waits for `hold` is cancelled."""
        running, self._running = self._running, []
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for _, held in self._asked + self._due:
            held.cancel()
        self._asked, self._due = [], []

    async def hold(self, offset: int) -> None:
        """Return when every record from `offset` on that is in the topic now is held. Records that were removed are
        not waited for, a broker that is away is."""
        held: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked.append((offset, held))
        self._first_ask.set()
        await held

    @property
    def end(self) -> int:
        """Where it ended when it was read last."""
        return self._next

    def since(self, offset: int) -> list[tuple[int, bytes]]:
        """The held records from `offset` on, in order: their offsets, which may have gaps, and values."""
        if not self._held or self._held[-1][0] < offset:
            return []
        return self._held[bisect_left(self._held, (offset,)) :]

    def let_go(self) -> list[tuple[int, bytes]]:
        """The held records, which are held no longer."""
        held, self._held = self._held, []
        return held

    def post(self, value: bytes) -> None:
        """Have it written, after all that was posted before."""
        self._outbox.append(value)
        self._posted.set()

    async def _keep(self, work: Callable[[], Awaitable[None]], what: str) -> None:
        while True:
            try:
                await work()
            except Exception as error:  # whatever it was, the homes wait for what comes next
                if what not in self._failing:
                    known = isinstance(error, KafkaError | OSError | SlackwaterError)
                    log.warning(
                        "%s cannot be %s for now: %r", self._tp.topic, what, error, exc_info=None if known else error
                    )
                self._failing.add(what)
            await asyncio.sleep(_PAUSE)

    def _well(self, what: str) -> None:
        if what in self._failing:
            log.info("%s is %s again", self._tp.topic, what)
        self._failing.discard(what)

    # Reading.

    async def follow(self) -> None:
        """Read on, from the first ask on, until cancelled or something fails."""
        await self._first_ask.wait()
        consumer = AIOKafkaConsumer(
            **self._settings.kafka(),
            client_id=self.topic,
            isolation_level=self.isolation,
            auto_offset_reset="none",  # what is gone is looked into here
            enable_auto_commit=False,
            fetch_min_bytes=1,
            fetch_max_wait_ms=_WAIT_MS,
        )
        try:
            await consumer.start()
            consumer.assign([self._tp])
            if self._first is not None:
                consumer.seek(self._tp, self._next)
            while True:
                await self._read_on(consumer)
        finally:
            await stopped(consumer)

    async def _read_on(self, consumer: AIOKafkaConsumer) -> None:
        if self._asked:
            await self._begin(consumer)
            self._answer()
            self._well(_READ)
        try:
            records, position = await self._fetched(consumer, self._next)
        except OffsetOutOfRangeError:
            await self._begin_anew(consumer)
            self._answer()
            return
        if position > self._next:
            self._next = position
            self._held += _values(records)
            self._answer()
            self._well(_READ)
            self._arrived()

    async def _fetched(self, consumer: AIOKafkaConsumer, at: int) -> tuple[list[Any], int]:
        """Records from `at` on, where the consumer stands, and where it stands behind them."""
        records = (await consumer.getmany(self._tp, timeout_ms=_WAIT_MS)).get(self._tp, [])
        position = await consumer.position(self._tp)  # marks of transactions, were there any, are never handed out
        hole = None if self._holes is None else self._holes.first(self._tp, at, records)
        if hole is None:
            return records, position
        consumer.seek(self._tp, hole)
        return records[: hole - at], hole

    async def _begin(self, consumer: AIOKafkaConsumer) -> None:
        """Go on from where is asked for, and find out how far there is something to be held."""
        asked = list(self._asked)  # they stay there until all is known: any call here may fail
        first = min(offset for offset, _ in asked)
        end = await self.end_of(consumer)
        new = self._first is None
        if self._first is None:
            self._first = self._next = await self._earliest(consumer, first)
            consumer.seek(self._tp, self._next)
        if end < self._next or (new and end == self._next):
            end = await self._really_ends(consumer, end)
            if end < self._next:
                await self._begin_anew(consumer)
                return
        if first < self._first:
            start = await self._earliest(consumer, first)
            if start < self._first:
                self._held[:0] = await self._between(consumer, start, self._first)
                consumer.seek(self._tp, self._next)
            self._first = first
        self._asked = self._asked[len(asked) :]
        self._due += [(end, held) for _, held in asked]

    async def end_of(self, consumer: AIOKafkaConsumer) -> int:
        """Up to where there is something to be held by now, or will be."""
        return int((await consumer.end_offsets([self._tp]))[self._tp])

    async def _earliest(self, consumer: AIOKafkaConsumer, offset: int) -> int:
        """The offset, or where the topic begins if that is later."""
        if self._holes is not None:  # its first record may be another one that is there a moment later
            return offset
        start = int((await consumer.beginning_offsets([self._tp]))[self._tp])
        if start > offset:
            log.error("%s begins at offset %d: what lay before it is gone", self._tp.topic, start)
        return max(start, offset)

    async def _between(self, consumer: AIOKafkaConsumer, start: int, end: int) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        consumer.seek(self._tp, start)
        at = start
        while at < end:
            records, at = await self._fetched(consumer, at)
            found += [each for each in _values(records) if each[0] < end]
            if not records and at >= (await consumer.end_offsets([self._tp]))[self._tp]:
                break  # it was cut short meanwhile
        return found

    async def _really_ends(self, consumer: AIOKafkaConsumer, end: int) -> int:
        """The topic's end. The embedded broker says where its last batch begins, which is read as a whole."""
        try:
            read = await self._between(consumer, end - 1, end) if end else []
        except OffsetOutOfRangeError:  # it has no records
            read = []
        if read:
            end = await consumer.position(self._tp)
        consumer.seek(self._tp, self._next)
        return end

    async def _begin_anew(self, consumer: AIOKafkaConsumer) -> None:
        """There is nothing where the reader stands."""
        start = (await consumer.beginning_offsets([self._tp]))[self._tp]
        if start > self._next:
            log.error("%s: offsets %d to %d were removed before they were read", self._tp.topic, self._next, start - 1)
        else:
            log.error(
                "%s ends before offset %d, up to which it was read: it was created anew, and is read from its start",
                self._tp.topic,
                self._next,
            )
            self._held, self._first = [], start
            self._asked += [(start, held) for _, held in self._due]
            self._due = []
        self._next = start
        consumer.seek(self._tp, start)

    def _answer(self) -> None:
        for _, held in [each for each in self._due if each[0] <= self._next]:
            if not held.done():
                held.set_result(None)
        self._due = [each for each in self._due if not each[1].done()]

    # Writing.

    async def _write(self) -> None:
        writer = PlainWriter(self._settings)
        try:
            await writer.start()
            while True:
                await self._posted.wait()
                some = list(self._outbox)
                await writer.write([Record(self._tp.topic, 0, None, value) for value in some], None)
                for _ in some:
                    self._outbox.popleft()
                if not self._outbox:
                    self._posted.clear()
                self._well(_WRITTEN)
        finally:
            await writer.stop()


def _values(records: list[Any]) -> list[tuple[int, bytes]]:
    return [(record.offset, record.value) for record in records if record.value is not None]
