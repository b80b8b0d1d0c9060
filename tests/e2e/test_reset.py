"""`slackwater reset` on a real Kafka: what is built anew is what the pure engine says, whatever interrupts it."""

from __future__ import annotations

import json
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from alerting.routing import Route, route
from schemas.alerts import Transition
from schemas.errors import BrokerError
from schemas.events import InputTopic
from schemas.instants import format_instant, parse_instant
from streams.broker import Broker, KafkaBroker
from streams.cli.demo.worker import Worker
from streams.cli.reading import read_all
from streams.cli.reset import carry_out as carrying
from streams.detection.merge import Progress
from streams.produce import InputRecord, send
from streams.runtime import topics
from streams.runtime.engagement import PROGRESS
from tests.e2e.harness import Application, application, eventually
from tests.e2e.slack import HANG, Slack
from tests.scenarios import stories
from tests.scenarios.pure import run
from tests.scenarios.story import Story

By = dict[str, list[Transition]]
SOME = (
    stories.a_daily_user_that_stops_is_called_silent_within_days,
    stories.a_failed_payment_grows_with_each_attempt_until_it_is_paid,
    stories.a_fall_to_a_quarter_is_found_and_forgiven_when_it_is_over,
    stories.silence_again_within_the_cool_down_is_the_same_alert_and_later_a_new_one,
    stories.a_cancellation_turns_critical_in_its_last_week_and_ends_as_lost,
    stories.a_cancellation_that_is_taken_back_is_over_and_silence_speaks_again,
)
"""Half a year at most."""


class History:
    """Some stories as events under account ids of their own, and what the pure engine makes of them."""

    def __init__(self, tellers: Sequence[Callable[[], Story]] = SOME) -> None:
        told: list[tuple[int, InputTopic, dict[str, Any]]] = []
        self.ends_at = 0
        for number, tell in enumerate(tellers):
            story = tell()
            self.ends_at = max(self.ends_at, story.ends_at)
            for at, topic, value in ((each.at, each.topic, each.value) for each in story.told()):
                told += [(at, topic, {**value, "account_id": f"{number}-{value['account_id']}"})]
        told.sort(key=lambda event: event[0])
        self.records = [InputRecord(at, topic, value["account_id"], orjson.dumps(value)) for at, topic, value in told]
        expected = run([(topic, value) for _, topic, value in told], until=self.ends_at)
        self.transitions = by_account(expected.transitions)
        self.totals = {name: account.events_total for name, account in expected.accounts.items()}

    async def live_through(self, app: Application) -> None:
        """Send all of it, and have a worker go through it."""
        async with app.worker() as worker:
            await send(self.records, app.settings, settle_ms=self.ends_at - self.records[-1].at)
            await self.gone_through(app, worker)

    async def gone_through(self, app: Application, worker: Worker) -> None:
        """Return when the worker has come to the end: by the last progress of each partition, not the highest."""

        async def come() -> bool:
            assert worker.process.exit_status is None, worker.process.output_tail(30)
            clocks = dict.fromkeys(range(app.settings.partitions), -1)
            async for record in read_all(app.settings, topics.changelog(app.settings, topics.ENGAGEMENT)):
                if record.key == PROGRESS:
                    clock = Progress.decode(record.value).clock
                    clocks[record.partition] = -1 if clock is None else clock
            return min(clocks.values()) >= self.ends_at

        await eventually(come, "the end of the history", patience=100)

    async def check_state(self, app: Application) -> None:
        """Every account's events are counted once."""
        pictures = await app.pictures()
        assert {name: picture.engagement.events_total for name, picture in pictures.items()} == self.totals


def by_account(transitions: list[Transition]) -> By:
    found = defaultdict(list)
    for each in transitions:
        found[each.account_id].append(each)
    return dict(found)


@pytest.fixture(scope="module")
def history() -> History:
    return History()


@pytest.fixture(scope="module")
def short() -> History:
    """Two of them: each day takes a round of all homes, and Slack takes a message a second."""
    return History(SOME[:2])


async def committed(app: Application) -> list[bytes]:
    """The state as it is stored."""
    log = topics.changelog(app.settings, topics.ENGAGEMENT)
    return sorted([record.value async for record in read_all(app.settings, log)])


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_the_state_is_built_anew_the_transitions_come_once_more_and_nobody_is_told_again(
    broker: Broker, short: History, tmp_path: Path
) -> None:
    history = short
    async with Slack() as slack:
        app = await application(broker, tmp_path, slack_webhook_url=slack.url)
        await history.live_through(app)
        transitions = await app.transitions()
        assert by_account(transitions) == history.transitions
        messages = sum(bool(route(each, [Route()])) for each in transitions)
        async with app.worker() as worker:  # until all are told

            async def told() -> bool:
                pending = (await worker.metrics()).get('slackwater_notifications_pending{route="default"}')
                return len(slack.asked) >= messages and pending == 0

            await eventually(told, "every message", patience=150)
            running = await app.slackwater("reset", "--yes", check=False)
            assert running.status == 1
            assert f"members of the group '{app.settings.app_id}' are running" in running.output
            assert "Stop the workers first" in running.output
            assert "Stop the workers before the reset" in (await app.slackwater("reset", "--plan")).output
        assert worker.process.exit_status == 0
        asked, before = len(slack.asked), await committed(app)

        shown = await app.slackwater("reset", "--plan")
        assert "read again from the earliest" in shown.output
        alone = await app.slackwater("reset", check=False)
        assert alone.status == 2
        assert "no terminal to ask at: nothing was changed" in alone.output
        assert await committed(app) == before

        done = await app.slackwater("reset", "--yes")
        assert "done: the next worker begins at the earliest records" in done.output
        if not isinstance(broker, KafkaBroker):
            assert "this broker cannot remember who was told" in shown.output
            emptied = await app.slackwater("reset", "--yes", "--outputs", "delete", check=False)
            assert emptied.status == 1
            assert "this broker can delete no records" in emptied.output
        async with app.worker() as worker:
            await history.gone_through(app, worker)
            if isinstance(broker, KafkaBroker):
                await eventually(told_of_the_past(worker), "the notify tasks have looked at them")
    twice = {name: each * 2 for name, each in history.transitions.items()}
    assert by_account(await app.transitions()) == twice
    await history.check_state(app)
    assert not isinstance(broker, KafkaBroker) or len(slack.asked) == asked, "somebody was told again"
    assert "ERROR" not in app.log.read_text(), "something is taken for lost"


def told_of_the_past(worker: Worker) -> Any:
    async def told() -> bool:
        return (await worker.metrics()).get('slackwater_notifications_total{result="past",route="default"}', 0) > 0

    return told


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_with_the_outputs_deleted_it_is_as_if_it_had_never_been(
    kafka: KafkaBroker, history: History, tmp_path: Path
) -> None:
    app = await application(kafka, tmp_path)
    await history.live_through(app)
    async with AIOKafkaProducer(bootstrap_servers=kafka.address) as producer:
        ghost = {"schema_version": 1}  # a picture of an account that nobody speaks of any more
        await producer.send_and_wait(app.settings.topic("health"), orjson.dumps(ghost), key=b"ghost", partition=0)
    await app.slackwater("reset", "--yes", "--outputs", "delete")
    assert await app.transitions() == []
    values = {record.key: record.value for record in await app.records("health")}
    assert set(values.values()) == {None}
    assert "0 pictures" in (await app.slackwater("reset", "--plan")).output
    async with app.worker() as worker:
        await history.gone_through(app, worker)
    assert by_account(await app.transitions()) == history.transitions
    values = {record.key.decode(): record.value for record in await app.records("health")}
    assert {name for name, value in values.items() if value is not None} == set(history.totals)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("writes", [3, pytest.param(10, marks=pytest.mark.thorough)])
async def test_a_reset_that_is_killed_harms_nothing_and_is_finished_by_another(
    kafka: KafkaBroker, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    history: History = request.getfixturevalue("short" if writes == 3 else "history")
    app = await application(kafka, tmp_path)
    await history.live_through(app)
    done = 0
    write = carrying._Reset._write

    async def until_killed(self: Any, *what: Any, **more: Any) -> None:
        nonlocal done
        if done == writes:  # of 8 input positions, and two for each home partition
            raise ConnectionError("killed")
        done += 1
        await write(self, *what, **more)

    with monkeypatch.context() as patch:
        patch.setattr(carrying._Reset, "_write", until_killed)
        with pytest.raises(BrokerError, match="run it again"):
            await carrying.carry_out(app.settings, "keep", "keep", exactly_once=True, say=print)
    async with app.worker() as worker:
        await history.gone_through(app, worker)
    await history.check_state(app)
    for name, found in by_account(await app.transitions()).items():
        assert found in (history.transitions[name], history.transitions[name] * 2)
    await app.slackwater("reset", "--yes")
    async with app.worker() as worker:
        await history.gone_through(app, worker)
    await history.check_state(app)
    for name, found in by_account(await app.transitions()).items():
        once = history.transitions[name]
        assert found in (once * 2, once * 3)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.thorough
async def test_a_worker_that_slept_through_a_reset_writes_nothing_of_its_own_and_begins_anew(
    kafka: KafkaBroker, history: History, tmp_path: Path
) -> None:
    app = await application(kafka, tmp_path)
    async with app.worker() as worker:
        await send(history.records, app.settings, settle_ms=history.ends_at - history.records[-1].at)
        await history.gone_through(app, worker)
        worker.process.pause()

        async def alone() -> bool:  # once its session is over
            return (await app.slackwater("reset", "--yes", check=False)).status == 0

        await eventually(alone, "the group is empty", patience=60)
        worker.process.resume()
        await history.gone_through(app, worker)
    assert by_account(await app.transitions()) == {name: each * 2 for name, each in history.transitions.items()}
    await history.check_state(app)


async def fail(app: Application, account: str) -> None:
    """A payment of the account fails now."""
    now = int(time.time() * 1000)
    failed = {"account_id": account, "type": "payment.failed", "invoice_id": "in-1", "attempt": 1}
    failed |= {"occurred_at": format_instant(now), "amount_minor": 4_900, "currency": "EUR"}
    async with AIOKafkaProducer(bootstrap_servers=app.settings.brokers) as producer:
        await producer.send_and_wait(app.settings.topic("billing"), json.dumps(failed).encode())


async def heard(slack: Slack, count: int) -> None:
    """Return when so many messages have come, answered or not."""

    async def have() -> bool:
        return len(slack.asked) >= count

    await eventually(have, f"{count} messages at Slack")


async def stopped(worker: Worker) -> None:
    worker.process.signal(signal.SIGTERM)
    assert await worker.process.wait(patience=20) is not None


async def test_what_is_live_is_told_once_before_and_after_a_reset(kafka: KafkaBroker, tmp_path: Path) -> None:
    async with Slack() as slack:
        app = await application(kafka, tmp_path, clock="wall", slack_webhook_url=slack.url)
        async with app.worker() as worker:
            await fail(app, "acct-1")
            await heard(slack, 1)
            await stopped(worker)
        await app.slackwater("reset", "--yes")
        async with app.worker() as worker:
            await eventually(told_of_the_past(worker), "the replay is looked at")
            await fail(app, "acct-2")
            await heard(slack, 2)
        assert [each.account_id for each in await app.transitions()].count("acct-1") == 2
        assert ["acct-1" in json.dumps(each) for each in slack.delivered] == [True, False]


async def test_messages_that_wait_are_named_and_dropped_where_that_is_asked_for(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    async with Slack() as slack:
        slack.status = HANG
        app = await application(kafka, tmp_path, clock="wall", slack_webhook_url=slack.url)
        async with app.worker() as worker:
            await fail(app, "acct-1")
            await heard(slack, 1)
            await stopped(worker)
        assert "1 messages that wait (default 1)" in (await app.slackwater("reset", "--plan")).output
        await app.slackwater("reset", "--yes", "--pending", "drop")
        slack.status = 200
        async with app.worker() as worker:
            await eventually(told_of_the_past(worker), "the replay is looked at")
            await fail(app, "acct-2")
            await heard(slack, 2)
        assert ["acct-1" in json.dumps(each) for each in slack.delivered] == [False]


async def test_the_plan_tells_what_is_not_there_any_more(kafka: KafkaBroker, history: History, tmp_path: Path) -> None:
    app = await application(kafka, tmp_path)
    await send(history.records, app.settings)
    usage = TopicPartition(app.settings.topic("usage"), 1)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    await admin.delete_records({usage: RecordsToDelete(100)})
    await admin.close()
    told = json.loads((await app.slackwater("reset", "--json")).output)
    found = {each["topic"]: each for each in told["found"]["inputs"]}
    assert {name for name, each in found.items() if each["removed"]} == {usage.topic}
    assert found[usage.topic]["removed"] == 100
    left = [each async for each in read_all(app.settings, usage.topic) if each.value]
    first = next(orjson.loads(each.value)["occurred_at"] for each in left if each.partition == 1)
    assert found[usage.topic]["complete_from"] == parse_instant(first)
    assert found[usage.topic]["last_at"] == max(parse_instant(orjson.loads(each.value)["occurred_at"]) for each in left)
    assert any("100 records are not there any more" in text for text in told["warnings"])
    assert await committed(app) == [], "a plan changes nothing"
