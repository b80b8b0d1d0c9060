"""What is lost is told with the flush that goes on behind it: once, whoever owns the partition meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from aiokafka import OffsetAndMetadata
from faust.types import TP

from alerting.notification import Notice, decode_note
from alerting.routing import Route
from schemas.events import InputTopic
from schemas.instants import format_instant
from schemas.shuffle import ShuffleRecord, Usage, decode_shuffle, encode_shuffle
from streams.detection.merge import Progress
from streams.runtime.deliver import Deliver
from streams.runtime.engagement import PROGRESS, Engagement
from streams.runtime.ingest import Ingest
from streams.runtime.placing import POSITION, sender_of
from streams.runtime.resume import Log
from streams.runtime.settings import Settings
from streams.runtime.tasks import Tasks
from streams.runtime.topic_ids import TopicId
from streams.runtime.topics import DELIVERIES, ENGAGEMENT, changelog
from streams.runtime.transport import Batch
from tests.unit.alerting.samples import AT, DAY, notification
from tests.unit.runtime.fake_broker import FakeBroker, batch, tasks_on, until

SETTINGS = Settings(brokers="127.0.0.1:1", partitions=1, clock="events", flush="50ms")
USAGE, SHUFFLE, NOTES = (
    TP(name, 0) for name in (SETTINGS.topic("usage"), SETTINGS.shuffle_topic, SETTINGS.notifications_topic)
)


def usage(at: int = AT) -> bytes:
    return f'{{"account_id":"a","event":"x","occurred_at":"{format_instant(at)}"}}'.encode()


class Site:
    """A worker's tasks, one after the other, and what they leave behind."""

    def __init__(self) -> None:
        self.broker = FakeBroker()
        self.commits: dict[TP, OffsetAndMetadata] = {}
        self.tasks, self.errors = tasks_on(self.broker, SETTINGS)
        self.tasks.routes = (Route(),)
        self.tasks.origins = frozenset({"product-usage/0"})
        write = self.broker.write

        async def noted(records: Any, position: tuple[TP, OffsetAndMetadata] | None) -> list[int]:
            offsets = await write(records, position)
            if position is not None:
                self.commits[position[0]] = position[1]
            return offsets

        self.broker.write = noted  # type: ignore[method-assign]

    @property
    def notices(self) -> list[tuple[str, str]]:
        """What was told, and of what."""
        found = [decode_note(each.value or b"") for each in self.broker.topics[SETTINGS.notifications_topic]]
        return [(each.title, each.where) for each in found if isinstance(each, Notice)]

    async def ingest(self, log: Log) -> Ingest:
        """The next owner of the input partition."""
        task = Ingest(USAGE, self.tasks)
        task.begin(await task.resume(self.commits.get(USAGE), log))
        return task

    async def home(self, log: Log, rows: dict[bytes, bytes] | None = None) -> Engagement:
        """The next owner of the home partition."""
        task = Engagement(SHUFFLE, self.tasks)
        task.log = log
        found = self.broker.table(changelog(SETTINGS, ENGAGEMENT)) if rows is None else rows
        task.begin(await task.load(found, log.first))
        return task

    @property
    def progress(self) -> Progress:
        """As it is stored."""
        return Progress.decode(self.broker.table(changelog(SETTINGS, ENGAGEMENT))[PROGRESS])

    def counted(self, name: str, topic: str) -> float | None:
        return self.tasks.metrics.registry.get_sample_value(f"slackwater_{name}", {"topic": topic})


@pytest.fixture
def site() -> Site:
    return Site()


async def worked(site: Site, task: Any, values: Iterable[bytes] = (), *, at: int | None = None) -> None:
    """Let it work these records, and end."""
    records = list(values)
    if records:
        task.handle(batch(task.expected if at is None else at, records, timestamp=AT + 10 * DAY))
    end = task.expected
    await until(lambda: task.flushed_position == end or bool(site.errors))
    await task.end(patience=5)
    assert site.errors == []


async def test_what_was_removed_while_nobody_read_is_told_once(site: Site) -> None:
    await worked(site, await site.ingest(Log(0, 2, "A")), [usage(), usage()])
    assert site.commits[USAGE].offset == 2
    for _ in range(2):  # the second owner finds that it was told
        await worked(site, await site.ingest(Log(5, 9, "A")))
    assert site.commits[USAGE].offset == 5
    assert site.notices == [("Records lost", "product-usage/0")]
    assert site.counted("records_lost_total", "product-usage") == 3


async def test_a_loss_is_told_again_by_the_next_owner_when_the_flush_failed(site: Site) -> None:
    await worked(site, await site.ingest(Log(0, 2, "A")), [usage(), usage()])
    site.broker.away = True
    task = await site.ingest(Log(5, 9, "A"))
    await until(lambda: bool(site.errors))
    await task.end(patience=5)
    assert (site.notices, site.commits[USAGE].offset) == ([], 2)
    assert not site.counted("records_lost_total", "product-usage")
    site.broker.away = False
    site.errors.clear()
    await worked(site, await site.ingest(Log(5, 9, "A")))
    assert (len(site.notices), site.commits[USAGE].offset) == (1, 5)


async def test_what_is_removed_while_it_is_read_is_told_and_passed_over(site: Site) -> None:
    sought: list[dict[TP, int]] = []
    consumer = Reader(earliest=7, sought=sought)
    read_by(site.tasks, consumer)
    task = await site.ingest(Log(0, 20, "A"))
    task.handle(batch(0, [usage()] * 3))
    await until(lambda: task.position == 3)
    task.handle(batch(10, [usage()]))  # aiokafka went on at the first record it found
    await until(lambda: sought == [{USAGE: 7}])
    await worked(site, task, [usage()] * 4, at=7)
    assert site.commits[USAGE].offset == 11
    assert site.notices == [("Records lost", "product-usage/0")]
    assert site.counted("records_lost_total", "product-usage") == 4


async def test_a_hole_of_which_nothing_was_removed_is_read_again(site: Site) -> None:
    sought: list[dict[TP, int]] = []
    read_by(site.tasks, Reader(earliest=0, sought=sought))
    task = await site.ingest(Log(0, 20, "A"))
    task.handle(batch(10, [usage()]))
    await until(lambda: sought == [{USAGE: 0}])
    await worked(site, task, [usage()], at=0)
    assert (site.commits[USAGE].offset, site.notices) == (1, [])


async def test_events_of_a_topic_that_was_created_anew_have_another_origin_and_no_clock(site: Site) -> None:
    for log in (Log(0, 2, "A"), Log(0, 1, "B")):
        await worked(site, await site.ingest(log), [usage()] if log.id == "B" else [usage(), usage(AT + DAY)])
    dealt = [decode_shuffle(each.value or b"") for each in site.broker.topics[SETTINGS.shuffle_topic]]
    assert {each.origin for each in dealt} == {"product-usage/0@A", "product-usage/0@B"}
    last = [each for each in dealt if each.origin.endswith("B")][-1]
    assert last.clock is not None
    assert last.clock < AT, "it is not that of the topic before"
    assert site.commits[USAGE].metadata == f"{last.clock}@B"


async def test_an_older_versions_clock_without_a_mark_is_taken_over(site: Site) -> None:
    site.commits[USAGE] = OffsetAndMetadata(2, str(AT))
    task = await site.ingest(Log(0, 2, "A"))
    assert task.origin is not None
    assert (task.position, task.origin.clock, task.metadata) == (2, AT, f"{AT}@A")
    await worked(site, task, [usage()])
    assert site.notices == []


@pytest.mark.parametrize(
    ("now", "end", "kept"),
    [
        pytest.param(TopicId("A", 1), 9, True, id="the same"),
        pytest.param(None, 0, True, id="gone"),
        pytest.param(TopicId("B", 1), 2, True, id="another, too short to have been read"),
        pytest.param(TopicId("B", 1), 3, False, id="another, and what was read may be of it"),
    ],
)
async def test_what_was_read_before_a_topic_was_deleted_is_kept_if_it_is_certain(
    site: Site, now: TopicId | None, end: int, kept: bool
) -> None:
    await worked(site, await site.ingest(Log(0, 2, "A")), [usage(), usage()])
    written = len(site.broker.topics[SETTINGS.shuffle_topic])
    read_by(site.tasks, Reader(end=end))
    site.tasks.topic_ids = Asked(now)  # type: ignore[assignment]
    task = await site.ingest(Log(0, 9, "A"))
    task.handle(batch(2, [usage()]))
    await until(lambda: len(site.broker.topics[SETTINGS.shuffle_topic]) > written or bool(site.errors))
    await task.end(patience=5)
    assert bool(site.errors) is not kept
    assert (len(site.broker.topics[SETTINGS.shuffle_topic]) > written) is kept
    same = now is not None and now.id == "A"
    assert site.commits[USAGE].offset == (3 if same else 2), "a position in a topic that is gone is not committed"


def shuffled(origin: str, *offsets: int, clock: int) -> bytes:
    events = tuple(Usage(number, AT, "a", AT, "x", None, 1, "product", None) for number in offsets)
    return encode_shuffle(ShuffleRecord(InputTopic.USAGE, origin, max(offsets, default=-1), clock, True, events))


async def test_the_home_tells_that_an_input_topic_was_created_anew_and_counts_its_events(site: Site) -> None:
    task = await site.home(Log(0, 9, "S"))
    await worked(site, task, [shuffled("product-usage/0@A", 0, 1, clock=AT + 1)])
    for _ in range(2):  # the second owner knows of it
        task = await site.home(Log(0, 9, "S"))
        await worked(site, task, [shuffled("product-usage/0@B", 0, 1, 2, clock=AT + 2)])
    assert task.home is not None
    assert task.home.account("a").events_total == 5
    assert site.notices == [("Topic created anew", "product-usage/0")]
    assert site.counted("topic_incarnations_total", "product-usage") == 1


@pytest.mark.parametrize(
    ("log", "title", "start"),
    [
        (Log(4, 9, "S"), "Records lost", 4),
        (Log(0, 1, "T"), "Topic created anew", 0),
        (Log(0, 1, "S"), "Topic cut short", 1),
    ],
)
async def test_a_shuffle_that_lost_records_is_told_and_read_on(site: Site, log: Log, title: str, start: int) -> None:
    early = shuffled("product-usage/0@A", 0, clock=AT - 3_600_000)
    task = await site.home(Log(0, 9, "S"))
    await worked(site, task, [early, shuffled("product-usage/0@A", 1, clock=AT - 3_600_000)])
    assert (site.progress.low, site.progress.read, site.progress.shuffle) == (0, 2, "S")
    task = await site.home(log)
    assert task.position == start
    await worked(site, task, [shuffled("product-usage/0@A", 2, clock=AT + 1)])
    assert site.notices == [(title, f"{SETTINGS.shuffle_topic}/0")]
    assert task.home is not None
    assert task.home.account("a").events_total == 1, "it does not wait for what is gone"
    assert site.progress.shuffle == task.mark
    assert site.progress.low == start + 1


async def test_messages_whose_log_is_gone_are_not_sent_again_from_the_first_one(site: Site) -> None:
    log = changelog(SETTINGS, DELIVERIES)
    task = Deliver(NOTES, site.tasks)
    task.committed = 7
    task.begin(await task.load({}, 0))
    assert task.position == 7
    await worked(site, task)
    assert site.notices == [("Messages lost", f"{NOTES.topic}/0")]
    assert site.broker.table(log)[POSITION] == b"7"


async def test_an_older_versions_position_of_messages_is_taken_over(site: Site) -> None:
    task = Deliver(NOTES, site.tasks)
    task.log = Log(0, 9, "N")
    task.begin(await task.load({POSITION: b"3"}, 0))
    task.handle(batch(3, [notification("gone").encode()]))
    await worked(site, task)
    assert site.broker.table(changelog(SETTINGS, DELIVERIES))[POSITION] == b"4@N"


async def test_a_log_that_ends_before_what_was_read_begins_all_anew(site: Site) -> None:
    reader = Reader()
    read_by(site.tasks, reader)
    task = await site.ingest(Log(0, 9, "-"))
    task.handle(batch(0, [usage()] * 3))
    task.handle(Batch(0, 1, 1, []))
    await until(lambda: reader.rejoined)
    assert task.closing
    await task.end(patience=5)


async def test_without_a_default_route_the_first_one_is_told_of_losses(site: Site) -> None:
    site.tasks.routes = (Route("sales"), Route("billing"))
    await worked(site, await site.ingest(Log(0, 2, "A")), [usage(), usage()])
    await worked(site, await site.ingest(Log(5, 9, "A")))
    (record,) = site.broker.topics[SETTINGS.notifications_topic]
    assert (record.key, record.partition) == (b"sales", sender_of(SETTINGS))
    assert decode_note(record.value or b"").route == "sales"


async def test_where_nobody_is_told_of_alerts_nobody_is_told_of_losses(site: Site) -> None:
    site.tasks.routes = ()
    await worked(site, await site.ingest(Log(0, 2, "A")), [usage(), usage()])
    await worked(site, await site.ingest(Log(5, 9, "A")))
    assert site.notices == []
    assert site.counted("records_lost_total", "product-usage") == 3


class Asked:
    """Says which topics there are."""

    def __init__(self, topic: TopicId | None) -> None:
        self._topic = topic

    async def ask(self) -> dict[str, TopicId]:
        return {} if self._topic is None else {USAGE.topic: self._topic}


class Reader:
    """What the tasks ask of the consumer."""

    def __init__(self, *, earliest: int = 0, end: int = 0, sought: list[dict[TP, int]] | None = None) -> None:
        self.thread = self
        self.rejoined = False
        self._earliest, self._end = earliest, end
        self._sought = [] if sought is None else sought

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        return dict.fromkeys(partitions, self._earliest)

    async def highwaters(self, *partitions: TP) -> dict[TP, int]:
        return dict.fromkeys(partitions, self._end)

    async def seek_wait(self, positions: dict[TP, int]) -> None:
        self._sought.append(positions)

    async def rejoin_knowing(self) -> None:
        self.rejoined = True


def read_by(tasks: Tasks, reader: Reader) -> None:
    """Have the tasks ask this one."""
    tasks.app.consumer = reader  # type: ignore[assignment]
