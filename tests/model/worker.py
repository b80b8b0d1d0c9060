"""A process of a worker without Kafka and without Faust's threads: the real tasks, tables and writers on a loop of its
own, which turns only when it is told to. It can be killed, or stand still and go on, between any two steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar, Literal
from unittest.mock import patch

from aiokafka.errors import KafkaTimeoutError
from faust.types import TP

from streams.detection.aliases import Aliases
from streams.runtime import writer
from streams.runtime.settings import Settings
from streams.runtime.task import Task
from streams.runtime.tasks import Tasks
from streams.runtime.transport import Batch
from tests.model.aliases import FakeAliases, FakeParked
from tests.model.clock import Clock, Loop
from tests.model.faust import App, Channel, Consumer, Tables, application
from tests.model.fleet import FakeFleet
from tests.model.kafka import Kafka
from tests.model.producer import Producer

Ending = Literal["killed", "stands", "unanswered"]


@contextmanager
def told(clock: Clock) -> Iterator[None]:
    """The runtime looks at this clock, and writes to the Kafka of the worker whose turn it is."""
    with clock.told(), patch.object(writer, "Producer", Worker.producer):
        yield


@dataclass(slots=True)
class Fault:
    """What happens to a worker at one of its next calls to Kafka."""

    ending: Ending
    call: str
    """Which; empty for any."""
    stage: str
    """Whose; empty for any."""
    count: int
    """How many of them are left before."""
    when: str
    """`before` or `after` its effect."""


class Worker:
    """One process."""

    current: ClassVar[Worker]

    def __init__(
        self,
        kafka: Kafka,
        clock: Clock,
        settings: Settings,
        prepare: Callable[[Tasks], None],
        heard: list[str],
    ) -> None:
        self.kafka = kafka
        self.clock = clock
        self.loop = Loop(clock)
        self.fault: Fault | None = None
        self.dead = self.stands = self.rejoins = False
        self.errors: list[Exception] = []
        self.heard = heard
        self.fetched: dict[TP, list[Batch]] = {}
        self.positions: dict[TP, int] = {}
        self.assigned: tuple[TP, ...] = ()
        self._had: set[TP] = set()
        self._starting: asyncio.Task[None] = self.loop.create_task(asyncio.sleep(0))
        self._recovering: asyncio.Task[None] | None = None
        self._never = self.loop.create_future()
        self._go_on = self.loop.create_future()
        self._buried = False
        self.loop.set_exception_handler(lambda _, context: self.errors.append(context.get("exception", RuntimeError())))
        self.app = App(Consumer(self))
        self.tasks = Tasks(self.app, settings, application().metrics)  # type: ignore[arg-type]
        self.tasks.fleet = FakeFleet(kafka.fleet, kafka.tell_of_fleet)  # type: ignore[assignment]
        kafka.hear_of_fleet.append(self._hear_of_fleet)
        log = TP(settings.alias_topic, 0)
        known = Aliases(have_to_be=settings.park_ids)
        self.aliases = FakeAliases(
            known,
            lambda first: kafka.values(log, first),
            self.tasks.wake_ingest,
            lambda: (kafka.stable_end(log), len(kafka.logs[log])),
        )
        parked = TP(settings.parked_topic, 0)
        self.tasks.parked = FakeParked(  # type: ignore[assignment]
            settings, lambda: len(kafka.logs[parked]), lambda: kafka.rows(parked)
        )
        self.tasks.aliases = self.aliases  # type: ignore[assignment]
        self.app.tables = Tables(self.tasks.changelogs)
        self.tasks.channels = dict.fromkeys((route.name for route in self.tasks.routes), Channel(self))
        failed = self.tasks.failed

        def noted(task: Task, error: Exception) -> None:
            self.errors.append(error)
            failed(task, error)

        self.tasks.failed = noted  # type: ignore[method-assign]
        self.app.crash = self._crash
        prepare(self.tasks)

    @staticmethod
    def producer(**options: Any) -> Producer:
        """In place of aiokafka's."""
        return Producer(Worker.current, **options)

    def now(self) -> int:
        """The wall clock, in ms."""
        return int(self.clock.wall() * 1000)

    @property
    def alive(self) -> bool:
        """Neither gone nor standing still."""
        return not (self.dead or self.stands)

    async def reach(self, call: str, when: str, by: str = "") -> None:
        """See `Process`."""
        await asyncio.sleep(0)
        fault = self.fault
        if self.alive and fault is not None and fault.when == when and fault.call in {"", call} and fault.stage in by:
            fault.count -= 1
            if fault.count < 0:
                self.fault = None
                if fault.ending == "unanswered":
                    raise KafkaTimeoutError
                self.dead, self.stands = fault.ending == "killed", fault.ending == "stands"
        while not self.alive:
            if self._buried:
                raise asyncio.CancelledError
            await asyncio.shield(self._never if self.dead else self._go_on)

    # What others do with it.

    def turn(self, times: int = 1, *, seconds: float = 0.0) -> None:
        """Let its loop turn, as long as it lives; each turn takes so long."""
        for _ in range(times):
            if not self.alive:
                return
            Worker.current = self
            self.loop.turn()
            self.clock.seconds += seconds

    def settle(self) -> None:
        """Let it do everything that can be done at this moment, with what there is on aliases by now."""
        if self.alive:
            self.aliases.look()
        for _ in range(20_000):
            if not (self.alive and self.loop.busy):
                return
            self.turn()
        raise AssertionError("it does not come to rest")

    def thaw(self) -> None:
        """It goes on as if nothing had been."""
        if self.stands:
            self.stands = False
            self._go_on.set_result(None)
            self._go_on = self.loop.create_future()

    def bury(self) -> None:
        """Nothing of it is left to run. It must not be used any more."""
        self.dead = self._buried = True
        Worker.current = self
        for _ in range(50):
            if not (left := asyncio.all_tasks(self.loop)):
                break
            for each in left:
                each.cancel()
            self.loop.turn()
        assert not left
        self.loop.close()

    def release(self) -> None:
        """What Faust does when the partitions are revoked."""
        self.fetched.clear()
        self.assigned = ()
        self._run(self._release())

    def assign(self, partitions: Sequence[TP]) -> None:
        """What Faust does when partitions are assigned: the tasks begin, the tables are recovered, reading begins. It
        is a matter of several turns. A sequence, so that each run is like the other."""
        self.rejoins = False
        revoked = self._had - set(partitions)
        self._had = set(partitions)
        self.assigned = tuple(partitions)
        self.positions.clear()
        self._starting = self.loop.create_task(self.tasks.assign(partitions))  # type: ignore[arg-type]
        self._recovering = self.loop.create_task(self._begin(partitions, revoked))

    def read(self, tp: TP, most: int) -> Batch | None:
        """Fetch a batch, if there is one, and note it for the task."""
        mine = self.tasks.by_tp.get(tp)
        if not self.alive or mine is None or tp not in self.positions or not self.tasks.has_room(tp):
            return None
        batch = self.kafka.fetch(tp, self.positions[tp], most)
        if batch.end == batch.start:
            return None
        self.positions[tp] = batch.end
        Worker.current = self
        self.tasks.fetched(tp, batch)
        self.fetched.setdefault(tp, []).append(batch)
        return batch

    def behind(self, tp: TP) -> bool:
        """Whether a partition of its own is not worked to its end."""
        if tp not in self.assigned:
            return False
        mine = self.tasks.by_tp.get(tp)
        return mine is None or mine.position != self.kafka.stable_end(tp)

    def hand(self, tp: TP, batch: Batch) -> None:
        """Give its task a batch, in the next turn."""
        event = SimpleNamespace(message=SimpleNamespace(tp=tp), value=batch)
        self.loop.call_soon(self.tasks.handle, event)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """To its end, however long it waits; unless the process ends before, or stands still."""
        self._revoking = self.loop.create_task(work)
        for _ in range(200):
            self.settle()
            if self._revoking.done() or not self.alive:
                break
            self.clock.seconds += 0.1
        if self.alive:
            self._revoking.result()

    def _hear_of_fleet(self) -> None:
        """In its next turn; whoever posted it may be another one."""
        if not self._buried:
            self.loop.call_soon(self.tasks.wake_homes)

    async def _release(self) -> None:
        if self._recovering is not None:
            await asyncio.wait([self._starting])  # one rebalance after the other
            self._recovering.cancel()
            await asyncio.wait([self._recovering])
        await self.tasks.release()

    async def _begin(self, partitions: Sequence[TP], revoked: set[TP]) -> None:
        try:
            await asyncio.shield(self._starting)
            for name, log in self.tasks.changelogs.items():
                await self.tasks.store(name).open({tp for tp in partitions if tp.topic == log})
                await self.tasks.store(name).on_rebalance(set(partitions), revoked, set(partitions))
            for tp in partitions:
                if tp.topic in self.tasks.changelogs.values():
                    await self._recover(tp)
            await self.app.consumer.perform_seek()
            self.tasks.check_ready()
        except Exception as error:  # noqa: BLE001 - whatever it is, Faust ends the worker then
            self.errors.append(error)
            self.dead = True

    async def _crash(self, _: BaseException) -> None:
        self.dead = True

    async def _recover(self, tp: TP) -> None:
        books = self.app.tables.recovery.active_offsets
        (table,) = [name for name, log in self.tasks.changelogs.items() if log == tp.topic]
        store = self.tasks.store(table)
        have = store.persisted_offset(tp)
        books[tp] = -1 if have is None else have
        end = self.kafka.stable_end(tp)
        while books[tp] + 1 < end:
            batch = self.kafka.fetch(tp, books[tp] + 1, 3)
            store.apply(tp, ((record.key, record.value) for record in batch.records), batch.end - 1)
            books[tp] = batch.end - 1
            await self.reach("recover", "before")
