"""Messages go out in order and are remembered until they are final, whoever owns the partition meanwhile."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web
from faust.types import TP
from pydantic import SecretStr

from alerting.bucket import Bucket
from alerting.delivery.answers import Answer
from alerting.delivery.slack import SlackChannel
from alerting.message import Message
from alerting.notification import CatchUp, Notice, Notification, Undelivered, UndeliveredReason, decode_note
from alerting.policy import DeliveryPolicy
from alerting.quiet import Quiet
from alerting.routing import Route
from alerting.told_alerts import PREFIX, ToldOf
from schemas.alerts import AlertState, Change, Resolution
from schemas.dead_letter import DeadLetter
from streams.runtime import deliver, parts_of_past
from streams.runtime.deliver import Deliver
from streams.runtime.parts_of_past import PARTS
from streams.runtime.placing import PLACING, POSITION, Placing
from streams.runtime.settings import Settings
from streams.runtime.writer import Record
from tests.unit.alerting.samples import catch_up, notification
from tests.unit.alerting.slack_server import SlackServer, hangs, ok, says
from tests.unit.runtime.fake_broker import FakeBroker, batch, tasks_on, until

SETTINGS = Settings(brokers="127.0.0.1:1", partitions=1, flush="1m")
"""Nothing waits for the flush interval but what is given up."""
PARTITION = TP(SETTINGS.notifications_topic, 0)
CHANGELOG = f"{SETTINGS.app_id}-deliveries-changelog"
AT_ONCE = Quiet(group_wait=0, group_interval=0)
HURRY = DeliveryPolicy(first_wait=50, longest_wait=50, bucket=Bucket(interval_ms=0, burst=1))
"""Tries again within 50 ms, and as fast as it can."""


class Office:
    """One partition of notifications, with two routes, and a Slack for each: `default` and `sales`."""

    def __init__(self, session: aiohttp.ClientSession, slacks: dict[str, SlackServer]) -> None:
        self.broker = FakeBroker()
        self.slacks = slacks
        self.tasks, self.errors = tasks_on(self.broker, SETTINGS)
        self.tasks.routes = tuple(Route(name, name, quiet=AT_ONCE) for name in slacks)
        self.tasks.channels = {
            name: SlackChannel(session, SecretStr(slack.url), timeout_ms=5_000) for name, slack in slacks.items()
        }
        self.tasks.delivery_policy = HURRY
        self.owners: list[Deliver] = []

    async def owner(self) -> Deliver:
        """A task that takes the partition over, with nothing but what is committed."""
        task = Deliver(PARTITION, self.tasks)
        await task.start()
        task.begin(await task.load(self.rows, 0))
        self.owners.append(task)
        return task

    def gather(self, quiet: Quiet) -> None:
        """From the next owner on, put together what belongs together."""
        self.tasks.routes = tuple(replace(route, quiet=quiet) for route in self.tasks.routes)

    def has_two_homes(self) -> None:
        """From the next owner on; nothing is left with the other one."""
        self.tasks.settings = self.tasks.settings.model_copy(update={"partitions": 2})
        placing = Placing.whole(self.tasks.settings)
        self.broker.topics[CHANGELOG].append(Record(CHANGELOG, 0, PLACING, placing.encode()))

    def be_impatient(self, give_up: int) -> None:
        """From the next owner on, give a message up after so many milliseconds."""
        self.tasks.settings = SETTINGS.model_copy(update={"flush": 50})
        self.tasks.delivery_policy = replace(HURRY, give_up=give_up)

    @property
    def rows(self) -> dict[bytes, bytes]:
        """The table as its changelog has it."""
        return self.broker.table(CHANGELOG)

    @property
    def waiting(self) -> list[str]:
        """The rows of notifications that are not final."""
        keys = [key.decode() for key in self.rows if not key.startswith((b"\0", b"~"))]
        return sorted(key for key in keys if not key.endswith("/"))

    def given_up(self, reason: UndeliveredReason) -> float | None:
        """How many of the default route's messages the metrics say that nobody got."""
        labels = {"route": "default", "reason": reason.value}
        registry = self.tasks.metrics.registry
        return registry.get_sample_value("slackwater_notifications_undelivered_total", labels)

    @property
    def held(self) -> list[str]:
        """The accounts of which something is remembered that is not handed over."""
        return sorted(key.decode() for key in self.rows if key.startswith(b"~") and not key.endswith(b"/"))

    @property
    def undelivered(self) -> list[Undelivered]:
        """What nobody got."""
        return [Undelivered.decode(each.value or b"") for each in self.broker.topics[SETTINGS.undelivered_topic]]

    def heard(self, route: str = "default") -> str:
        """What a route's Slack was asked to post, in order, however it answered: the letters of `about`."""
        alerts = [re.findall(r"\b[0-9a-f]{16}\b", message["text"]) for message in self.slacks[route].received]
        return "".join("".join(chr(int(alert_id, 16)) for alert_id in ids) for ids in alerts)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        slacks = {name: await stack.enter_async_context(SlackServer()) for name in ("default", "sales")}
        office = Office(await stack.enter_async_context(aiohttp.ClientSession()), slacks)
        yield office
        for task in office.owners:
            await killed(task)


def about(letters: str, route: str = "default") -> list[Notification]:
    """A notification for each letter, each of another alert."""
    return [notification(route, alert_id=f"{ord(letter):016x}") for letter in letters]


def taken(task: Deliver, *notes: Notification, start: int = 0) -> None:
    """Hand the task a batch."""
    task.handle(batch(start, (note.encode() for note in notes)))


async def killed(task: Deliver) -> None:
    """The task's process is gone, and with it the requests that were on their way."""
    assert task.runner is not None
    gone = [task.runner, *task._sending]
    for each in gone:
        each.cancel()
    await asyncio.gather(*gone, return_exceptions=True)


async def test_a_routes_messages_arrive_in_order_one_at_a_time(office: Office) -> None:
    under_way = most = 0

    async def slow(request: web.Request) -> web.StreamResponse:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        return await ok(request)

    office.slacks["default"].mood = slow
    task = await office.owner()
    taken(task, *about("abc"))
    taken(task, *about("def"), start=3)
    await until(lambda: not office.waiting and len(office.heard()) == 6)
    assert office.heard() == "abcdef"
    assert most == 1
    assert office.errors == []


async def test_who_heard_of_an_alert_hears_that_it_is_over_also_from_the_next_owner_and_no_one_else(
    office: Office,
) -> None:
    def over(letter: str, route: str) -> Notification:
        end = {"change": Change.RESOLVED, "resolution": Resolution.RECOVERED}
        note = notification(route, alert_id=f"{ord(letter):016x}", **end)
        return note.model_copy(update={"follows": True})

    first = await office.owner()
    taken(first, *about("abc"), *about("x", "sales"))
    await until(lambda: office.heard() == "abc" and office.heard("sales") == "x" and not office.waiting)
    await killed(first)

    second = await office.owner()
    ends = [over(letter, route) for letter in "abx" for route in ("default", "sales")]
    taken(second, *ends, start=4)
    await until(lambda: office.heard("sales") == "xx" and office.heard() == "abcab" and not office.waiting)
    taken(second, *ends, start=10)
    await until(lambda: second.position == 16)
    assert (office.heard(), office.heard("sales")) == ("abcab", "xx")
    told = {key: value for key, value in office.rows.items() if key.startswith(PREFIX)}
    still_open = [key for key, value in told.items() if ToldOf.decode(key, value).over_at is None]
    assert still_open == [PREFIX + f"default/{ord('c'):016x}".encode()]


async def test_who_heard_of_an_alert_as_its_route_was_broken_hears_that_it_is_over_when_it_is_mended(
    office: Office,
) -> None:
    def over(letter: str, route: str) -> Notification:
        end = {"change": Change.RESOLVED, "resolution": Resolution.RECOVERED, "revision": 2}
        return notification(route, alert_id=f"{ord(letter):016x}", **end).model_copy(update={"follows": True})

    office.slacks["sales"].mood = says(404, "no_service")
    office.tasks.delivery_policy = replace(HURRY, first_probe=1, longest_probe=1)
    task = await office.owner()
    taken(task, *about("a", "sales"))
    await until(lambda: len(office.broker.topics[PARTITION.topic]) == 2)
    _, passed_on = office.broker.topics[PARTITION.topic]
    task.handle(batch(1, [passed_on.value]))
    await until(lambda: office.heard() == "a" and not office.waiting)
    await killed(task)

    office.slacks["sales"].mood = ok
    taken(await office.owner(), over("a", "sales"), over("a", "default"), start=2)
    await until(lambda: office.heard("sales") == "aa" and office.heard() == "aa" and not office.waiting)


async def test_a_foreign_record_among_the_notifications_is_a_dead_letter_and_holds_up_nobody(office: Office) -> None:
    task = await office.owner()
    task.handle(batch(0, [*(note.encode() for note in about("a")), b"\xff", None, *(n.encode() for n in about("b"))]))
    await until(lambda: office.heard() == "ab" and not office.waiting)
    letters = office.broker.topics[SETTINGS.topic("dead_letters")]
    found = [DeadLetter.model_validate_json(each.value or b"") for each in letters]
    assert [(each.origin.offset, each.raw, each.detail) for each in found] == [
        (1, b"\xff", "is no notification"),
        (2, None, "is no notification"),
    ]
    assert office.errors == []


async def test_a_notification_from_a_place_that_cannot_be_is_a_dead_letter(office: Office) -> None:
    task = await office.owner()
    (note,) = about("a")
    notes = [
        note.model_copy(update={"source": source}).encode() for source in ("0/" + "9" * 20, "0/" + "9" * 5_000, "0/٣")
    ]
    task.handle(batch(0, [*notes, *(each.encode() for each in about("b"))]))
    await until(lambda: (office.heard() == "b" and not office.waiting) or bool(office.errors))
    assert office.errors == []
    assert len(office.broker.topics[SETTINGS.topic("dead_letters")]) == 3


async def test_a_message_is_remembered_before_it_is_sent_and_forgotten_when_it_is_final(office: Office) -> None:
    remembered: list[tuple[list[str], bytes | None, int | None]] = []

    async def looks(request: web.Request) -> web.StreamResponse:
        place = office.rows.get(POSITION), office.broker.positions.get(PARTITION)
        remembered.append((office.waiting, *place))
        return await ok(request)

    office.slacks["default"].mood = looks
    task = await office.owner()
    taken(task, *about("abc"))
    await until(lambda: not office.waiting and len(remembered) == 3)
    assert remembered == [
        (["default/0", "default/1", "default/2"], b"3", 3),
        (["default/1", "default/2"], b"3", 3),
        (["default/2"], b"3", 3),
    ]


async def test_nothing_is_sent_that_could_not_be_remembered(office: Office) -> None:
    office.broker.away = True
    task = await office.owner()
    taken(task, *about("abc"))
    await until(lambda: bool(office.errors))
    assert [type(error) for error in office.errors] == [ConnectionError]
    await asyncio.sleep(0.1)
    assert office.heard() == ""


async def test_a_429_is_obeyed_by_its_route_and_by_no_other(office: Office) -> None:
    office.slacks["default"].moods = [ok, says(429, "rate_limited", Retry_After="1")]
    task = await office.owner()
    began = time.monotonic()
    taken(task, *about("abc"), *about("xyz", "sales"))
    await until(lambda: office.heard("sales") == "xyz")
    assert time.monotonic() - began < 1
    await until(lambda: len(office.heard()) > 2)
    assert time.monotonic() - began >= 1
    await until(lambda: not office.waiting)
    assert office.heard() == "abbc"


async def test_a_route_that_does_not_answer_holds_up_no_other(office: Office) -> None:
    office.slacks["default"].mood = hangs
    task = await office.owner()
    taken(task, *about("a"), *about("xyz", "sales"), *about("b"))
    await until(lambda: office.heard("sales") == "xyz" and office.waiting == ["default/0", "default/4"])
    assert office.heard() == "a"


async def test_who_comes_after_a_crash_sends_what_was_not_final_and_nothing_else(office: Office) -> None:
    slack = office.slacks["default"]
    slack.moods = [ok, ok, hangs]
    first = await office.owner()
    taken(first, *about("abcde"))
    await until(lambda: office.heard() == "abc")
    await killed(first)
    assert office.waiting == ["default/2", "default/3", "default/4"]

    second = await office.owner()
    assert second.position == 5
    taken(second, *about("abcde"))  # the group's offset was reset, say
    taken(second, *about("f"), start=5)
    await until(lambda: not office.waiting and office.heard().endswith("f"))
    assert office.heard() == "abc" + "cdef"
    assert office.errors == []


def read_at(source: str, offset: int, letters: str, route: str = "default") -> list[Notification]:
    """Notifications of transitions that stand one after the other in a partition of the alerts topic."""
    return [
        note.model_copy(update={"source": f"{source}/{offset + number}"})
        for number, note in enumerate(about(letters, route))
    ]


async def test_what_was_told_is_not_told_again_when_the_groups_positions_are_lost(office: Office) -> None:
    first = await office.owner()
    taken(first, *read_at("0@A", 5, "ab"), *read_at("1@A", 5, "x"), *read_at("0@A", 5, "a", "sales"))
    await until(lambda: office.heard() == "abx" and not office.waiting)
    await first.end(patience=5)
    second = await office.owner()
    taken(second, *read_at("0@A", 5, "abc"), *read_at("1@A", 5, "x"), *read_at("0@A", 5, "ab", "sales"), start=4)
    await until(lambda: office.heard() == "abxc" and office.heard("sales") == "ab" and not office.waiting)
    taken(second, *read_at("0@B", 0, "d"), start=10)  # the alerts topic was created anew
    taken(second, *[note.rerouted("default") for note in read_at("0@B", 0, "e", "sales")], start=11)
    await until(lambda: office.heard() == "abxcde" and not office.waiting)
    assert office.errors == []


async def test_a_failed_attempt_is_counted_across_owners(office: Office) -> None:
    office.slacks["default"].mood = says(503)
    first = await office.owner()
    taken(first, *about("a"))
    await until(lambda: len(office.heard()) >= 2)
    await first.end(patience=5)
    assert office.undelivered == []
    office.be_impatient(give_up=1)
    await office.owner()
    await until(lambda: not office.waiting)
    assert office.errors == []
    assert [each.attempts for each in office.undelivered] == [len(office.heard())]


async def test_who_lets_go_waits_for_the_answer_to_what_is_on_its_way(office: Office) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.3)
        return await ok(request)

    office.slacks["default"].mood = slow
    first = await office.owner()
    taken(first, *about("ab"))
    await until(lambda: office.heard() == "a")
    await first.end(patience=5)
    assert office.waiting == ["default/1"]
    await office.owner()
    await until(lambda: not office.waiting)
    assert office.heard() == "ab"


async def test_who_lets_go_waits_once_commits_the_answers_that_came_and_sends_no_more(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "_LAST_ANSWERS", 0.4)
    told: list[str] = []

    class Slow:
        """Tells a message long after it was given it."""

        async def send(self, message: Message) -> Answer:
            await asyncio.sleep(1)
            told.append(message.text)
            return Answer(200, "ok")

    async def soon(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.2)
        return await ok(request)

    office.slacks["sales"].mood = soon
    office.tasks.channels = {**office.tasks.channels, "default": Slow()}
    first = await office.owner()
    taken(first, *about("a"), *about("x", "sales"))
    await until(lambda: office.heard("sales") == "x" and len(first._sending) == 2)
    began = time.monotonic()
    await first.end(patience=5)
    assert time.monotonic() - began < 0.7
    assert first.runner is not None
    assert not first.runner.cancelled(), "it had its last flush"
    assert office.waiting == ["default/0"]
    await office.owner()
    await until(lambda: not office.waiting)
    assert len(told) == 1, "the first owner's was taken back"
    assert office.heard("sales") == "x"
    assert office.errors == []


async def test_what_a_route_does_not_take_for_too_long_is_given_up_and_kept_as_undelivered(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.slacks["default"].mood = says(500, "rollup_error")
    office.be_impatient(give_up=200)
    task = await office.owner()
    taken(task, *about("ab"), *about("x", "sales"))
    await until(lambda: len(office.undelivered) == 2)
    given_up = office.undelivered
    assert [chr(int(each.notification.subject, 16)) for each in given_up] == ["a", "b"]
    assert {each.reason for each in given_up} == {UndeliveredReason.GIVEN_UP}
    assert {each.detail for each in given_up} == {"server_error 500 rollup_error"}
    assert all(each.at - each.added_at >= 200 for each in given_up)
    assert office.waiting == []
    assert office.heard("sales") == "x"
    assert office.broker.topics[SETTINGS.undelivered_topic][0].key == b"default"
    await until(lambda: office.given_up(UndeliveredReason.GIVEN_UP) == 2)
    assert "messages of the route default (given_up: server_error 500 rollup_error)" in caplog.text


async def test_a_route_that_is_broken_is_told_in_the_log_and_to_the_default_route_once_without_its_address(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    slack = office.slacks["sales"]
    slack.mood = says(404, "no_service")
    office.tasks.delivery_policy = replace(HURRY, first_probe=1, longest_probe=1)
    task = await office.owner()
    for number, letter in enumerate("xy"):
        taken(task, *about(letter, "sales"), start=number)
        await until(lambda: caplog.text.count("takes no message") == number + 1)  # noqa: B023 - awaited at once
    records = [each for each in caplog.records if "takes no message" in each.getMessage()]
    said = "the route sales takes no message, until somebody mends it: route_broken 404 no_service"
    assert {record.getMessage() for record in records} == {said}
    await until(lambda: len(office.broker.topics[PARTITION.topic]) == 3)
    told, *passed_on = [decode_note(each.value or b"") for each in office.broker.topics[PARTITION.topic]]
    assert isinstance(told, Notice)
    assert (told.route, told.title, told.where) == ("default", "Route broken", "route sales")
    assert "of the route sales: route_broken 404 no_service." in told.text
    assert [(each.route, each.rerouted_from) for each in passed_on] == [("default", "sales")] * 2
    assert slack.url not in caplog.text + str(told)


async def test_a_route_that_does_not_get_through_is_told_in_the_log_once_and_again_when_it_does(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    office.slacks["default"].moods = [says(503), says(502), ok, ok]
    taken(await office.owner(), *about("ab"))
    await until(lambda: office.heard() == "aaab" and not office.waiting)
    said = [each.getMessage() for each in caplog.records if "the route default" in each.getMessage()]
    assert said == [
        "the route default does not get through, and tries again: server_error 503",
        "the route default works again",
    ]


async def test_when_the_default_route_is_broken_there_is_nobody_to_be_told(office: Office) -> None:
    office.slacks["default"].mood = says(403, "action_prohibited")
    taken(await office.owner(), *about("a"))
    await until(lambda: office.rows.get(b"default/", b"").find(b"route_broken 403") > 0)
    assert office.broker.topics[PARTITION.topic] == []


async def test_what_a_route_refuses_goes_as_plain_text_and_then_to_the_undelivered(office: Office) -> None:
    office.slacks["default"].moods = [says(400, "invalid_blocks"), says(400, "no_text"), ok]
    task = await office.owner()
    taken(task, *about("ab"))
    await until(lambda: office.heard() == "aab")
    assert ["blocks" in message for message in office.slacks["default"].received] == [True, False, True]
    await until(lambda: not office.waiting)
    assert [(each.reason, each.attempts) for each in office.undelivered] == [(UndeliveredReason.REJECTED, 2)]
    await until(lambda: office.given_up(UndeliveredReason.REJECTED) == 1)


async def test_what_is_for_a_route_that_is_no_more_is_written_anew_for_the_default_one(office: Office) -> None:
    task = await office.owner()
    taken(task, *about("a", "gone"))
    await until(lambda: bool(office.broker.topics[SETTINGS.notifications_topic]))
    (record,) = office.broker.topics[SETTINGS.notifications_topic]
    assert record.key == b"default"
    assert office.waiting == []
    task.handle(batch(1, [record.value]))
    await until(lambda: office.heard() == "a")


async def test_parts_of_the_past_are_put_together_when_the_last_home_has_told_its_own(office: Office) -> None:
    office.has_two_homes()
    first = await office.owner()
    first.handle(batch(0, [catch_up(part=0, opened=5).encode()]))
    await until(lambda: PARTS in office.rows)
    await killed(first)
    second = await office.owner()
    assert not office.broker.topics[SETTINGS.notifications_topic]
    second.handle(batch(1, [catch_up(part=1, opened=7).encode()]))
    await until(lambda: bool(office.broker.topics[SETTINGS.notifications_topic]))
    (record,) = office.broker.topics[SETTINGS.notifications_topic]
    note = decode_note(record.value or b"")
    assert isinstance(note, CatchUp)
    assert (record.key, note.part, note.opened) == (b"default", None, 12)
    assert PARTS not in office.rows
    second.handle(batch(2, [record.value]))
    await until(lambda: len(office.slacks["default"].received) == 1 and not office.waiting)
    assert "Caught up: 12 alerts of the past" in office.slacks["default"].received[0]["text"]
    assert office.errors == []


async def test_a_home_that_has_nothing_to_tell_of_the_past_is_not_waited_for_without_end(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts_of_past, "TOGETHER_SECONDS", 0.3)
    office.tasks.settings = SETTINGS.model_copy(update={"flush": 50})
    office.has_two_homes()
    task = await office.owner()
    task.handle(batch(0, [catch_up(part=1).encode()]))
    await until(lambda: PARTS in office.rows)
    assert not office.broker.topics[SETTINGS.notifications_topic]
    await until(lambda: bool(office.broker.topics[SETTINGS.notifications_topic]))
    assert PARTS not in office.rows
    assert task.position == 1


async def test_what_comes_together_is_one_message_and_a_change_of_owner_in_between_loses_nothing(
    office: Office,
) -> None:
    office.gather(Quiet(group_wait=400, group_interval=60_000))
    first = await office.owner()
    taken(first, *about("a"))
    await until(lambda: office.held == ["~default/=acme"])
    await killed(first)
    second = await office.owner()
    taken(second, *about("bc"), start=1)
    await until(lambda: bool(office.heard()) and not office.waiting)
    assert office.heard() == "abc"
    assert len(office.slacks["default"].received) == 1
    assert office.held == ["~default/=acme"], "three alerts that are told, and not over"
    assert second.held() == {"default": 0}
    over = [note.transition.model_copy(update={"change": Change.RESOLVED, "state": AlertState.RESOLVED, "revision": 2})
            for note in about("abc")]  # fmt: skip
    office.gather(AT_ONCE)
    await second.end(patience=5)
    third = await office.owner()
    taken(third, *(Notification(route="default", transition=each) for each in over), start=3)
    await until(lambda: len(office.slacks["default"].received) == 4 and not office.waiting)
    assert office.held == []
    assert office.errors == []


async def test_what_is_held_is_committed_with_the_position_and_sent_once_after_any_crash(office: Office) -> None:
    office.gather(Quiet(group_wait=100, group_interval=60_000))
    office.slacks["default"].moods = [hangs]
    first = await office.owner()
    taken(first, *about("ab"))
    await until(lambda: office.heard() == "ab")
    assert office.rows[POSITION] == b"2"
    assert len(office.waiting) == 1, "the message is remembered as it was sent"
    await killed(first)
    second = await office.owner()
    taken(second, *about("c"), start=2)
    await until(lambda: len(office.slacks["default"].received) == 2 and not office.waiting)
    assert office.heard() == "abab", "the one that was on its way, as it was; what came since waits for its time"
    assert office.errors == []


async def test_while_a_route_is_away_what_waits_for_it_goes_on_growing(office: Office) -> None:
    office.gather(Quiet(group_wait=50, group_interval=50))
    office.slacks["default"].mood = says(503)
    task = await office.owner()
    taken(task, *about("a"))
    await until(lambda: "a" in office.heard())
    for offset, letter in enumerate("bcd", start=1):
        taken(task, *about(letter), start=offset)
        await asyncio.sleep(0.1)
    office.slacks["default"].mood = ok
    await until(lambda: office.heard().endswith("bcd") and not office.waiting)
    assert set(office.heard().removesuffix("bcd")) == {"a"}
    assert office.errors == []
