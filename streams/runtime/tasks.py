"""The tasks of this worker: begun at assignment, ended at revoke and at stop."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from time import monotonic, time
from typing import TYPE_CHECKING, Any, Final

from aiokafka.errors import KafkaError, ProducerFenced
from faust.types import TP

from alerting.delivery import Channel, NoteChannel
from alerting.policy import DeliveryPolicy
from alerting.routing import home_route
from schemas.errors import StartError, StateError, StoreError
from schemas.events import InputTopic
from streams.runtime.accounts_read import AccountsRead
from streams.runtime.alias_topic import AliasTopic
from streams.runtime.channels import routes_of
from streams.runtime.deliver import Deliver
from streams.runtime.engagement import Engagement
from streams.runtime.fleet_topic import FleetTopic
from streams.runtime.hand_over import HandOver
from streams.runtime.ingest import Ingest
from streams.runtime.intact import FORBIDDEN, forbidden, refuse_empty_state
from streams.runtime.losses import notice
from streams.runtime.metrics import Metrics
from streams.runtime.parked_topic import ParkedTopic
from streams.runtime.placing import notification_record, sender_of
from streams.runtime.refusals import Refusals
from streams.runtime.resume import UNKNOWN_END, Log, Loss, What, is_of
from streams.runtime.settings import Settings
from streams.runtime.stages import stages_of
from streams.runtime.stores import TableStore
from streams.runtime.task import ReplacedError, StatefulTask, Task
from streams.runtime.topic_ids import TopicId, TopicIds
from streams.runtime.topics import changelog, input_names
from streams.runtime.transport import Batch, Consumer
from streams.runtime.unreadable import unreadable
from streams.runtime.writer import PlainWriter, Record, TransactionalWriter, Writer

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
        self.topic_ids: TopicIds | None = None
        self.topics: dict[str, TopicId] = {}
        """Of those that are read, as they were when the last assignment came."""
        self.missing: frozenset[str] = frozenset()
        """Those of them that were not there then."""
        self.origins: frozenset[str] = frozenset()
        """Every partition of every input topic."""
        self.dead_letter_partitions = 1
        self.channels: Mapping[str, Channel | NoteChannel] = {}
        self.refusals = Refusals({})
        self.changelogs = {stage.table_name: changelog(settings, stage.table_name) for stage in (Engagement, Deliver)}
        self.inputs: dict[str, InputTopic] = input_names(settings)
        self.stages = stages_of(settings)
        self.fleet = FleetTopic(settings, self.wake_homes)
        self.aliases = AliasTopic(settings, self.wake_ingest, self.unreadable)
        self.accounts = AccountsRead(self)
        self.parked = ParkedTopic(settings)
        self.by_tp: dict[TP, Task] = {}
        self._ending: dict[TP, Task] = {}
        """Let go last; kept to tell what of it was not committed."""
        self._log_ends: Mapping[TP, int | None] = {}
        self._ends: Mapping[TP, int | None] = {}
        self._failures: Counter[TP] = Counter()
        """Failures in a row, of each task by itself: what others get done does not help it."""
        self._assigned_at = 0.0
        self._letting_go: asyncio.Future[None] | None = None
        self._resuming = asyncio.Lock()
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

    @property
    def dealt_out(self) -> bool:
        """There was an assignment, be it of nothing."""
        return self._assigned_at > 0.0

    def store(self, table: str) -> TableStore:
        """The store of a table."""
        store: TableStore = self.app.tables[table].data  # type: ignore[attr-defined]
        return store

    async def assign(self, assigned: set[TP]) -> None:
        """Start a task for each partition; before the ends of the changelogs are read."""
        self._assigned_at = monotonic()
        self.metrics.assignment_timestamp_seconds.set_to_current_time()
        if self.by_tp:
            await self.release()
        await self._look()
        tasks = {tp: self._task(tp) for tp in assigned if tp.topic in self.stages and self._has(tp)}
        self.parked.forget()
        try:
            await asyncio.gather(*(task.start() for task in tasks.values()))
            logs = [tp for tp in assigned if tp.topic in self.changelogs.values()]
            self._log_ends = await self.consumer.highwaters(*logs) if logs else {}
            asked = {*tasks, *self._beside(tasks), *self.accounts.partitions}
            self._ends = await self.consumer.highwaters(*asked) if tasks else {}
        except BaseException:
            await asyncio.gather(*(task.end(0) for task in tasks.values()))
            raise
        self.by_tp = tasks
        log.info("assigned: %s", _listed(tasks) or "nothing")

    def _task(self, tp: TP) -> Task:
        if tp.topic == self.settings.notifications_topic and tp.partition != sender_of(self.settings):
            return HandOver(tp, self)
        return self.stages[tp.topic](tp, self)

    def _beside(self, tasks: Iterable[TP]) -> list[TP]:
        """The other partitions of what sends messages, if that is among these."""
        topic, own = self.settings.notifications_topic, sender_of(self.settings)
        if TP(topic, own) not in tasks:
            return []
        return [TP(topic, each) for each in range(self.settings.partitions) if each != own]

    async def release(self) -> None:
        """Commit what can be committed in time; what cannot is dropped, and the next owner does it again. Whoever comes
        second waits for the first: a worker that is to end in a rebalance lets its tasks have their last flush."""
        self.accounts.let_go()
        tasks, self.by_tp = self.by_tp, {}
        if tasks:
            self._letting_go = asyncio.ensure_future(self._let_go(tasks))
        if self._letting_go is not None:
            await asyncio.shield(self._letting_go)

    def left_open(self) -> str:
        """The partitions with something that is worked and not committed; empty when there are none."""
        return _listed(tp for tp, task in {**self._ending, **self.by_tp}.items() if task.left_open)

    async def positions(self, consumer: Consumer) -> dict[TP, int]:
        """Where every task goes on; one with a table only when that was read to the end that was seen after fencing."""
        # Faust may ask again before it has its answer, as for a fetch that comes back while nothing flows. A task that
        # is resumed once more loses what it has taken in, or has it twice.
        async with self._resuming:
            return await self._positions(consumer)

    async def _positions(self, consumer: Consumer) -> dict[TP, int]:
        tasks = dict(self.by_tp)
        new = [tp for tp, task in tasks.items() if task.position is None and self._recovered(tp, task)]
        if new:
            asked = list({*new, *self.accounts.partitions})
            committed = await consumer.thread.committed(asked)
            earliest = await self._earliest(consumer, asked)
            if self.by_tp:
                self.accounts.look(committed, earliest)
            starts = {}
            for tp in new:
                if self.by_tp.get(tp) is not tasks[tp]:  # let go in the meantime: it is not to begin any more
                    continue
                topic = self.topics.get(tp.topic)
                there = Log(earliest[tp] or 0, self.end_of(tp), topic.id if topic else "", self.least_end_of(tp))
                try:
                    starts[tp] = await tasks[tp].resume(committed.get(tp), there)
                except StoreError as error:
                    self.failed(tasks[tp], error)
                except StateError as error:
                    raise unreadable(tasks[tp].place_of_state, error) from error
            await refuse_empty_state(self, [tasks[tp] for tp in starts])
            for tp, start in starts.items():
                if self.by_tp.get(tp) is tasks[tp] and tasks[tp].position is None:  # no rebalance came in between
                    tasks[tp].begin(start)
            seconds = monotonic() - self._assigned_at
            self.metrics.recovery_seconds.set(seconds)
            if tasks == self.by_tp and all(task.position is not None for task in tasks.values()):
                log.info("ready %.1f s after the assignment", seconds)
        return {tp: task.expected for tp, task in self.by_tp.items() if task.position is not None}

    async def _earliest(self, consumer: Consumer, tps: Iterable[TP]) -> Mapping[TP, int | None]:
        """Where partitions begin. The embedded broker may name a record in front of which another one is there a moment
        later; it removes none."""
        return await consumer.earliest_offsets(*tps) if self.transactions else dict.fromkeys(tps, 0)

    def end_of(self, tp: TP) -> int:
        """Where a partition ended when its task, or that which sends messages, was assigned."""
        # The embedded broker says where the last batch begins, and not where it ends.
        end = self._ends.get(tp)
        return UNKNOWN_END if end is None or (end and not self.transactions) else end

    def least_end_of(self, tp: TP) -> int:
        """Whoever has read up to here had read all that was there then: a batch is read as a whole."""
        return self._ends.get(tp) or 0

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

    def handle(self, event: Any) -> None:
        """Give a batch to its task."""
        task = self.by_tp.get(event.message.tp)
        if task is not None:
            task.handle(event.value)

    def wake_homes(self) -> None:
        """Let the home tasks look around: there is news of the fleet."""
        for task in self.by_tp.values():
            if isinstance(task, Engagement):
                task.wake()

    def wake_ingest(self) -> None:
        """Let those look around that are held up, or have records that wait: there is news of aliases."""
        self.metrics.aliases.set(self.aliases.known.count)
        for task in self.by_tp.values():
            if task.held_up or (isinstance(task, Ingest) and task.waits):
                task.wake()

    def seek_back(self, task: Task) -> None:
        """Read again from where a task stands; or from the first record there is, if that comes later."""
        self._later(self._seek_back(task))

    async def _seek_back(self, task: Task) -> None:
        task.skip((await self.consumer.earliest_offsets(task.tp))[task.tp] or 0)
        if not task.closing:
            await self.consumer.seek_wait({task.tp: task.expected})

    def notices(self, losses: Iterable[Loss]) -> list[Record]:
        """The messages about losses, as records. One is enough for a topic that was created anew."""
        route = home_route(self.routes)
        if route is None:
            return []
        settings, now = self.settings, int(time() * 1000)
        notes = [
            notice(loss, route=route, at=now, timezone=settings.timezone)
            for loss in losses
            if loss.what is not What.REPLACED or loss.partition == 0
        ]
        return [notification_record(note, settings) for note in notes]

    async def still_there(self, task: Task) -> bool:
        """See `Task`. A position in a topic that is gone cannot be committed, and need not be."""
        if self.topic_ids is None:
            return True
        tp, topic = task.tp, (await self.topic_ids.ask()).get(task.tp.topic)
        if topic is not None and is_of(task.mark, topic.id):
            return True
        if topic is not None and tp.partition < topic.partitions:
            end = (await self.consumer.highwaters(tp))[tp] or 0
            if end > (task.flushed_position or 0):  # what was read since can be of either topic
                raise ReplacedError(f"{tp.topic} was created anew while it was read")
        return False

    def replaced(self, task: Task, why: str) -> None:
        """A topic is not the one any more that a task reads: begin all anew."""
        if not task.closing:
            task.closing = True
            log.warning("%s/%d %s", *task.tp, why)
            self._later(self.consumer.thread.rejoin_knowing())

    def failed(self, task: Task, error: Exception) -> None:
        """A task ended by itself: begin all anew, and end the worker when that does not help."""
        if self.by_tp.get(task.tp) is not task:  # let go: its next owner does again what it could not finish
            log.warning("%s of %s/%d could not be flushed when it was let go: %r", task.stage, *task.tp, error)
            return
        if isinstance(error, ReplacedError):
            log.warning("%s; what was read of it after offset %s is dropped", error, task.flushed_position)
            self._later(self.consumer.thread.rejoin_knowing())
            return
        if isinstance(error, FORBIDDEN):
            self._later(self.app.crash(StartError(forbidden(task, error))))
            return
        if isinstance(error, StateError):  # so it would be at every further attempt
            self.unreadable(task.place_of_state, error)
            return
        self._failed(task.tp, task.stage, f"{task.stage} of {task.tp.topic}/{task.tp.partition}", error)

    def unreadable(self, place: str, error: StateError) -> None:
        """What is stored cannot be read: end the worker, before it writes anything that goes by it."""
        self._later(self.app.crash(unreadable(place, error)))

    def store_failed(self, tp: TP, error: StoreError) -> None:
        """A changelog partition could not be taken into its store: begin all anew."""
        self._failed(tp, "store", f"the store of {tp.topic}/{tp.partition}", error)

    def store_level(self, tp: TP) -> None:
        """A changelog partition was taken into its store as far as it goes."""
        self._failures.pop(tp, None)

    def _failed(self, tp: TP, stage: str, what: str, error: Exception) -> None:
        self._failures[tp] += 1
        failures = self._failures[tp]
        if not isinstance(error, ProducerFenced):
            self.metrics.task_failures_total.labels(stage).inc()
        if isinstance(error, ProducerFenced):  # this worker was too slow, or stood still: no fault of the task's
            log.warning("%s is another worker's by now", what)
        elif isinstance(error, StoreError):  # said in a line; all else is more likely to be a fault of the program
            log.error("%s failed (%d in a row): %s", what, failures, error)
        else:
            log.error("%s failed (%d in a row)", what, failures, exc_info=error)
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

    async def _look(self) -> None:
        """Which topics there are; one that is missing is waited for, as it was."""
        if self.topic_ids is None:
            return
        there = await self.topic_ids.ask()
        self.topics |= there
        self.missing = frozenset(self.topics.keys() - there.keys())
        self.origins = frozenset(
            f"{name}/{number}" for name in self.inputs for number in range(self.topics[name].partitions)
        )

    def _has(self, tp: TP) -> bool:
        topic = self.topics.get(tp.topic)
        return topic is None or tp.partition < topic.partitions

    def _recovered(self, tp: TP, task: Task) -> bool:
        if not isinstance(task, StatefulTask):
            return True
        log_tp = TP(self.changelogs[task.table_name], tp.partition)
        have = self.app.tables.recovery.active_offsets.get(log_tp)  # type: ignore[attr-defined]
        return have is not None and have + 1 >= (self._log_ends.get(log_tp) or 0)

    async def _let_go(self, tasks: dict[TP, Task]) -> None:
        self._ending = tasks
        await asyncio.gather(*(task.end(GRACE) for task in tasks.values()))
        log.info("let go: %s", _listed(tasks))
        if left_open := self.left_open():
            log.warning("not committed, and done again by the next owner: %s", left_open)

    def _later(self, work: Any) -> None:
        future = asyncio.ensure_future(work)
        self._background.add(future)
        future.add_done_callback(self._done)

    def _done(self, future: asyncio.Future[Any]) -> None:
        self._background.discard(future)
        error = None if future.cancelled() else future.exception()
        if error is not None and self.by_tp:  # a task waits for what did not come about
            known = isinstance(error, KafkaError | OSError)
            log.warning("a task cannot go on, so that all begin anew: %r", error, exc_info=None if known else error)
            self.consumer.thread.rejoin()


def _listed(partitions: Iterable[TP]) -> str:
    """Partitions as a line of the log.

    >>> _listed([TP("usage", 1), TP("billing", 0), TP("usage", 0)])
    'billing 0; usage 0 1'
    """
    by_topic: dict[str, list[str]] = {}
    for topic, partition in sorted(partitions):
        by_topic.setdefault(topic, []).append(str(partition))
    return "; ".join(f"{topic} {' '.join(numbers)}" for topic, numbers in by_topic.items())
