"""What the version before held in a partition of its own comes to the one that sends: once, and in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from types import SimpleNamespace

import aiohttp
import pytest
from faust.types import TP
from pydantic import SecretStr

from alerting.bucket import Bucket
from alerting.delivery.slack import SlackChannel
from alerting.notification import Notification
from alerting.policy import DeliveryPolicy
from alerting.quiet import Quiet
from alerting.routing import Route
from schemas.alerts import Change, Resolution
from schemas.errors import StateError
from streams.runtime.deliver import Deliver
from streams.runtime.hand_over import EARLY, MOVED, HandOver
from streams.runtime.ingest import home_of
from streams.runtime.placing import PLACING, POSITION, DeliveryTask, Placing, sender_of
from streams.runtime.resume import Log
from streams.runtime.settings import Settings
from streams.runtime.taken_in import TAKEN
from streams.runtime.transport import Batch
from streams.runtime.writer import Record
from tests.unit.alerting.samples import notification
from tests.unit.alerting.slack_server import SlackServer, hangs, ok
from tests.unit.runtime.fake_broker import FakeBroker, tasks_on, until

SETTINGS = Settings(brokers="127.0.0.1:1", partitions=2, flush="1m")
TOPIC = SETTINGS.notifications_topic
CHANGELOG = f"{SETTINGS.app_id}-deliveries-changelog"
SENDER = TP(TOPIC, sender_of(SETTINGS))
OTHER = TP(TOPIC, 1 - SENDER.partition)
ROUTE = next(name for name in ("sales", "emea", "crm", "cs") if home_of(name, 2) == OTHER.partition)
"""A route that the version before placed in the other partition."""


class Move:
    """Two partitions of notifications, two routes of one channel, and a Slack; partitions are told apart here."""

    def __init__(self, session: aiohttp.ClientSession, slack: SlackServer) -> None:
        self.broker = FakeBroker()
        self.slack = slack
        self.tasks, self.errors = tasks_on(self.broker, SETTINGS)
        at_once = Quiet(group_wait=0, group_interval=0)
        self.tasks.routes = (Route(ROUTE, quiet=at_once), Route(quiet=at_once))
        channel = SlackChannel(session, SecretStr(slack.url), timeout_ms=5_000)
        self.tasks.channels = {ROUTE: channel, "default": channel}
        self.tasks.delivery_policy = DeliveryPolicy(first_wait=50, longest_wait=50, bucket=Bucket(0, 1))
        self.started: list[DeliveryTask] = []

    def log(self, tp: TP) -> list[Record]:
        """The records of a partition."""
        return [each for each in self.broker.topics[tp.topic] if each.partition == tp.partition]

    def rows(self, tp: TP) -> dict[bytes, bytes]:
        """The table's part of a partition."""
        rows: dict[bytes, bytes] = {}
        for each in self.log(TP(CHANGELOG, tp.partition)):
            assert each.key is not None
            if each.value is None:
                rows.pop(each.key)
            else:
                rows[each.key] = each.value
        return rows

    async def start(self, kind: type[DeliveryTask], tp: TP, *, fed: int | None = None) -> DeliveryTask:
        """A task that takes a partition over, and is given what its log has: all, or up to an offset."""
        task = kind(tp, self.tasks)
        await task.start()
        task.log = Log(0, len(self.log(tp)))
        task.log_end = task.log.end
        self.tasks._ends = {each: len(self.log(each)) for each in (SENDER, OTHER)}
        store = self.tasks.store(task.table_name)
        store.apply(TP(CHANGELOG, tp.partition), self.rows(tp).items(), 0)
        task.begin(await task.load(self.rows(tp), 0))
        self.started.append(task)
        self.feed(task, fed)
        return task

    def feed(self, task: DeliveryTask, end: int | None = None) -> None:
        """Give it what its log has by now."""
        log = self.log(task.tp)[:end]
        records = [
            SimpleNamespace(offset=offset, key=each.key, value=each.value, headers=(), timestamp=0)
            for offset, each in enumerate(log)
        ]
        task.handle(Batch(0, len(log), len(log), records))

    def written(self, tp: TP, notes: Sequence[Notification]) -> None:
        """Notify writes these."""
        self.broker.topics[TOPIC] += [Record(TOPIC, tp.partition, each.route.encode(), each.encode()) for each in notes]

    async def is_of_the_version_before(self, task: DeliveryTask) -> None:
        """The task's process is gone, and what it stored says nothing of who has handed over."""
        await killed(task)
        own = self.broker.topics[CHANGELOG]
        own[:] = [each for each in own if each.key != PLACING]

    @property
    def heard(self) -> list[str]:
        """What Slack was asked to post: the headers, in order."""
        return [message["text"] for message in self.slack.received]


async def killed(task: DeliveryTask) -> None:
    """The task's process is gone, and with it the requests that were on their way."""
    assert task.runner is not None
    gone = [task.runner, *getattr(task, "_sending", ())]
    for each in gone:
        each.cancel()
    await asyncio.gather(*gone, return_exceptions=True)


@pytest.fixture
async def move() -> AsyncIterator[Move]:
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(SlackServer())
        world = Move(await stack.enter_async_context(aiohttp.ClientSession()), slack)
        yield world
        for task in world.started:
            await killed(task)
        assert world.errors == []


def alert(number: int, offset: int | None = None) -> Notification:
    """An alert of the route that moves. `offset`: where its transition stands in the alerts topic, if not at its
    number."""
    alert_id = f"{number:016x}"
    source = f"0/{number if offset is None else offset}"
    return notification(ROUTE, alert_id=alert_id, account_id=alert_id).model_copy(update={"source": source})


def over(number: int, offset: int) -> Notification:
    """Its end, for whoever heard of it."""
    alert_id = f"{number:016x}"
    end = {"change": Change.RESOLVED, "resolution": Resolution.RECOVERED, "revision": 2}
    note = notification(ROUTE, alert_id=alert_id, account_id=alert_id, **end)
    return note.model_copy(update={"source": f"0/{offset}", "follows": True})


def about(number: int, text: str) -> bool:
    """Whether a message is about this alert."""
    return f"{number:016x}" in text


async def test_what_waits_goes_on_what_was_told_is_known_and_what_had_not_been_read_comes_before_what_is_new(
    move: Move,
) -> None:
    move.slack.moods = [ok, hangs]
    move.written(OTHER, [alert(1), alert(2)])
    old = await move.start(Deliver, OTHER)
    await until(lambda: len(move.heard) == 2)
    await move.is_of_the_version_before(old)
    assert f"{ROUTE}/1".encode() in move.rows(OTHER), "2 is on its way"
    move.written(OTHER, [alert(3), alert(2), alert(1)])  # 3 is new; the others are read again
    move.written(SENDER, [over(1, 4), over(3, 5), alert(4, 6)])
    move.slack.mood = ok

    sender = await move.start(Deliver, SENDER)
    await until(lambda: sender.position == 3 and any(key.startswith(EARLY) for key in move.rows(SENDER)))
    assert len(move.heard) == 2, "nobody knows yet what the other one holds"
    other = await move.start(HandOver, OTHER)
    await until(lambda: PLACING in move.rows(OTHER))
    assert move.rows(OTHER).keys() == {PLACING, POSITION}
    move.feed(sender)
    await until(lambda: len(move.heard) >= 7)
    await asyncio.sleep(0.3)
    told = move.heard[2:]
    assert sum(about(2, each) for each in told) == 1, "the one that was on its way, as ever"
    assert [("Resolved" in each) for each in told if about(1, each)] == [True]
    assert [("Resolved" in each) for each in told if about(3, each)] == [False, True]
    assert [("Resolved" in each) for each in told if about(4, each)] == [False]
    assert len(told) == 5
    rows = move.rows(SENDER)
    assert not [key for key in rows if key.startswith((EARLY, TAKEN + b"/"))]
    assert Placing.decode(rows[PLACING]) == Placing(frozenset({OTHER.partition}))
    assert other.position == 5


async def test_whoever_takes_over_at_any_moment_of_it_goes_on(move: Move) -> None:
    move.written(OTHER, [alert(1), alert(2)])
    move.written(SENDER, [over(2, 3)])
    before = len(move.log(SENDER))
    await until_handed_over(move)
    handed = len(move.log(SENDER))
    assert handed > before + 1
    for fed in range(before, handed + 1):  # a new owner after each record
        sender = await move.start(Deliver, SENDER, fed=fed)
        await until(lambda fed=fed: _stored_position(move) == fed)  # type: ignore[misc]
        if fed < handed:
            assert move.heard == []
            await killed(sender)
    await until(lambda: len(move.heard) == 3)
    await asyncio.sleep(0.2)
    assert [about(1, each) for each in move.heard] == [True, False, False]
    assert [("Resolved" in each) for each in move.heard] == [False, False, True]


def _stored_position(move: Move) -> int:
    return int(move.rows(SENDER).get(POSITION, b"0").partition(b"@")[0])


async def until_handed_over(move: Move) -> None:
    other = await move.start(HandOver, OTHER)
    await until(lambda: PLACING in move.rows(OTHER))
    await killed(other)


async def test_what_is_handed_over_is_so_once(move: Move) -> None:
    move.written(OTHER, [alert(1)])
    await until_handed_over(move)
    before = len(move.log(SENDER))
    again = await move.start(HandOver, OTHER)
    await asyncio.sleep(0.3)
    assert len(move.log(SENDER)) == before
    move.written(OTHER, [alert(2)])
    move.feed(again)
    await until(lambda: len(move.log(SENDER)) == before + 1)
    assert move.log(SENDER)[-1].key == ROUTE.encode(), "what still comes is passed on as it is"


async def test_where_nothing_was_ever_written_nobody_waits(move: Move) -> None:
    move.written(SENDER, [alert(1)])
    await move.start(HandOver, OTHER)
    await move.start(Deliver, SENDER)
    await until(lambda: len(move.heard) == 1)
    assert [each.key for each in move.log(SENDER) if (each.key or b"").startswith(MOVED)] == []


async def test_a_partition_that_was_not_waited_for_is_not_waited_for_the_next_time_either(move: Move) -> None:
    sender = await move.start(Deliver, SENDER)
    move.broker.topics[TOPIC].append(Record(TOPIC, OTHER.partition, None, b"somebody else's"))
    await until_handed_over(move)
    move.feed(sender)
    await until(lambda: PLACING in move.rows(SENDER) and OTHER.partition in _done(move))
    assert len(move.broker.topics[SETTINGS.topic("dead_letters")]) == 1
    await killed(sender)
    move.written(SENDER, [alert(1)])
    await move.start(Deliver, SENDER)
    await until(lambda: len(move.heard) == 1)


def _done(move: Move) -> frozenset[int]:
    return Placing.decode(move.rows(SENDER)[PLACING]).done


@pytest.mark.parametrize("kind", [Deliver, HandOver])
async def test_the_state_of_a_newer_version_is_refused(move: Move, kind: type[DeliveryTask]) -> None:
    task = kind(SENDER if kind is Deliver else OTHER, move.tasks)
    with pytest.raises(StateError, match="handed over is of version 3: this worker reads 2"):
        await task.load({PLACING: b"[3,[]]"}, 0)
