"""The tasks of this worker: begun at assignment, ended at revoke and at stop."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from faust.types import TP

from alerting.delivery import Channel
from alerting.policy import DeliveryPolicy
from schemas.events import InputTopic
from streams.runtime.channels import routes_of
from streams.runtime.deliver import Deliver
from streams.runtime.engagement import Engagement
from streams.runtime.ingest import Ingest
from streams.runtime.metrics import Metrics
from streams.runtime.notify import Notify
from streams.runtime.settings import Settings
from streams.runtime.task import StatefulTask, Task
from streams.runtime.topics import changelog, input_names
from streams.runtime.transport import Batch, Consumer
from streams.runtime.writer import PlainWriter, TransactionalWriter, Writer

if TYPE_CHECKING:
    from streams.runtime.application import App

log = logging.getLogger(__name__)

GRACE: Final = 5.0
"""Seconds a task has for its last flush."""
FAILURES: Final = 5
"""Failures in a row after which the worker ends."""
AHEAD_MS: Final = 7 * 86_400_000
"""An input partition that is further ahead of the slowest one, in event time, is not read on for now: once a quarter
of the events that may wait do."""


class Tasks:
    """Builds, feeds and ends the tasks. One for each application."""

    def __init__(self, app: "App", settings: Settings, metrics: Metrics) -> None:
        self.app = app
        self.settings = settings
        self.metrics = metrics
        self.routes = routes_of(settings)
        self.delivery_policy = DeliveryPolicy(give_up=settings.give_up)
        # Known once the broker was asked, before anything is assigned:
        self.transactions = True
        self.origins: frozenset[str] = frozenset()
        """Every partition of every input topic."""
        self.dead_letter_partitions = 1
        self.channels: Mapping[str, Channel] = {}
        self.changelogs = {stage.table_name: changelog(settings, stage.table_name) for stage in (Engagement, Deliver)}
        self.inputs: dict[str, InputTopic] = input_names(settings)
        self.stages: dict[str, type[Task]] = {
            **dict.fromkeys(self.inputs, Ingest),
            settings.shuffle_topic: Engagement,
            settings.topic("alerts"): Notify,
            settings.notifications_topic: Deliver,
        }
        self.by_tp: dict[TP, Task] = {}
        self._ending: dict[TP, Task] = {}
        """Let go last; kept to tell what of it was not committed."""
        self._log_ends: Mapping[TP, int | None] = {}
        self._ends: Mapping[TP, int | None] = {}
        self._failures: Counter[TP] = Counter()
        """Failures in a row, of each task by itself: what others get done does not help it."""
        self._assigned_at = 0.0
        self._background: set[asyncio.Future[Any]] = set()

    def writer(self, transactional_id: str) -> Writer:
        """What a task writes with."""
        if self.transactions:
            return TransactionalWriter(self.settings, transactional_id)
        return PlainWriter(self.settings, self.consumer.thread.commit_with_metadata)

    @property
    def consumer(self) -> Consumer:
        """Faust's consumer."""
        consumer: Consumer = self.app.consumer  # type: ignore[assignment]
        return consumer

    def store(self, table: str) -> Any:
        """The store of a table."""
        return self.app.tables[table].data  # type: ignore[attr-defined]

    async def assign(self, assigned: set[TP]) -> None:
        """Start a task for each partition; before the ends of the changelogs are read."""
        self._assigned_at = monotonic()
        if self.by_tp:
            await self.release()
        tasks = {tp: self.stages[tp.topic](tp, self) for tp in assigned if tp.topic in self.stages}
        try:
            await asyncio.gather(*(task.start() for task in tasks.values()))
        except asyncio.CancelledError:
            await asyncio.gather(*(task.end(0) for task in tasks.values()))
            raise
        logs = [tp for tp in assigned if tp.topic in self.changelogs.values()]
        self._log_ends = await self.consumer.highwaters(*logs) if logs else {}
        self._ends = await self.consumer.highwaters(*tasks) if tasks else {}
        self.by_tp = tasks
        log.info("assigned: %s", _listed(tasks) or "nothing")

    async def release(self) -> None:
        """Commit what can be committed in time; what cannot is dropped, and the next owner does it again."""
        tasks, self.by_tp = self.by_tp, {}
        if tasks:
            self._ending = tasks
            await asyncio.gather(*(task.end(GRACE) for task in tasks.values()))
            log.info("let go: %s", _listed(tasks))
            if left_open := self.left_open():
                log.warning("not committed, and done again by the next owner: %s", left_open)

    def left_open(self) -> str:
        """The partitions with something that is worked and not committed; empty when there are none."""
        return _listed(tp for tp, task in {**self._ending, **self.by_tp}.items() if task.left_open)

    async def positions(self, consumer: Consumer) -> dict[TP, int]:
        """Where every task goes on; one with a table only when that was read to the end that was seen after fencing."""
        tasks = dict(self.by_tp)
        new = [tp for tp, task in tasks.items() if task.position is None and self._recovered(tp, task)]
        if new:
            committed = await consumer.thread.committed(new)
            earliest = await consumer.earliest_offsets(*new)
            for tp in new:
                task = tasks[tp]
                first = earliest[tp] or 0
                if isinstance(task, StatefulTask):
                    rows = self.store(task.table_name).parts[tp.partition]
                    start = task.load(rows, first)
                else:
                    commit = committed.get(tp)
                    start = first if commit is None else max(commit.offset, first)
                    if isinstance(task, Ingest):
                        task.restore(commit.metadata if commit is not None else "")
                task.log_end = self._ends.get(tp) or 0
                task.begin(start)
            seconds = monotonic() - self._assigned_at
            self.metrics.recovery_seconds.set(seconds)
            if all(task.position is not None for task in tasks.values()):
                log.info("ready %.1f s after the assignment", seconds)
        return {tp: task.expected for tp, task in tasks.items() if task.position is not None}

    def check_ready(self) -> None:
        """Faust says ready after a recovery that another rebalance cut short, too: begin again then."""
        late = [task.tp for task in self.by_tp.values() if task.position is None]
        if late:
            log.warning("not recovered, though Faust says ready: %s", late)
            self.consumer.thread.rejoin()

    @property
    def ready(self) -> bool:
        """Every task that was assigned stands where it goes on."""
        return bool(self._assigned_at) and all(
            task.position is not None and not task.closing for task in self.by_tp.values()
        )

    def has_room(self, tp: TP) -> bool:
        """Whether more of a partition should be fetched."""
        task = self.by_tp.get(tp)
        return task is not None and task.has_room and not self._too_far_ahead(task)

    def fetched(self, tp: TP, batch: Batch) -> None:
        """Note what was fetched and is on its way to the task."""
        if tp in self.by_tp:
            self.by_tp[tp].fetched_to = max(batch.end, self.by_tp[tp].fetched_to)
            self.metrics.consumer_lag_records.labels(tp.topic, tp.partition).set(batch.log_end - batch.end)

    def handle(self, event: Any) -> None:
        """Give a batch to its task."""
        task = self.by_tp.get(event.message.tp)
        if task is not None:
            task.handle(event.value)

    def seek_back(self, task: Task) -> None:
        """Read again from where a task stands."""
        self._later(self.consumer.seek_wait({task.tp: task.expected}))

    def failed(self, task: Task, error: Exception) -> None:
        """A task ended by itself: begin all anew, and end the worker when that does not help."""
        self._failures[task.tp] += 1
        failures = self._failures[task.tp]
        log.error("%s of %s/%d failed (%d in a row)", task.stage, *task.tp, failures, exc_info=error)
        if failures >= FAILURES:
            self._later(self.app.crash(error))
        else:
            self.consumer.thread.rejoin()

    def succeeded(self, task: Task) -> None:
        """A task's flush was committed."""
        self._failures.pop(task.tp, None)

    def _too_far_ahead(self, task: Task) -> bool:
        # Every home task hears from every origin, so that any one of them knows how far the slowest is.
        if not isinstance(task, Ingest) or task.origin is None or task.origin.clock is None:
            return False
        home = next((each for each in self.by_tp.values() if isinstance(each, Engagement) and each.home), None)
        if home is None or home.home is None:
            return False
        merge = home.home.merge
        if len(merge) < self.settings.max_waiting_events // 4:
            return False
        clocks = [clock for clock in merge.clocks.values() if clock is not None]
        return bool(clocks) and task.origin.clock - min(clocks) > AHEAD_MS

    def _recovered(self, tp: TP, task: Task) -> bool:
        if not isinstance(task, StatefulTask):
            return True
        log_tp = TP(self.changelogs[task.table_name], tp.partition)
        have = self.app.tables.recovery.active_offsets.get(log_tp)  # type: ignore[attr-defined]
        return have is not None and have + 1 >= (self._log_ends.get(log_tp) or 0)

    def _later(self, work: Any) -> None:
        future = asyncio.ensure_future(work)
        self._background.add(future)
        future.add_done_callback(self._background.discard)


def _listed(partitions: Iterable[TP]) -> str:
    """Partitions as a line of the log.

    >>> _listed([TP("usage", 1), TP("billing", 0), TP("usage", 0)])
    'billing 0; usage 0 1'
    """
    by_topic: dict[str, list[str]] = {}
    for topic, partition in sorted(partitions):
        by_topic.setdefault(topic, []).append(str(partition))
    return "; ".join(f"{topic} {' '.join(numbers)}" for topic, numbers in by_topic.items())
