"""What becomes a dead letter at home: a command that cannot be carried out, a record that is none of the shuffle's."""

from __future__ import annotations

import asyncio
from typing import Literal

import pytest
from faust.types import TP

from schemas.codec import decode
from schemas.commands import Acknowledge
from schemas.dead_letter import DeadLetter, RecordPlace
from schemas.errors import Reason, StateError
from schemas.events import InputTopic
from schemas.shuffle import Fact, ShuffleRecord, Usage, encode_shuffle
from schemas.usage import UsageEvent
from streams.detection.config import DAY_MS
from streams.detection.merge import Progress
from streams.runtime.engagement import BOOTSTRAP, PROGRESS, Engagement
from streams.runtime.resume import Log
from streams.runtime.settings import Settings
from tests.unit.alerting.samples import AT, HOUR
from tests.unit.runtime.fake_broker import FakeBroker, batch, tasks_on, until

SETTINGS = Settings(brokers="127.0.0.1:1", partitions=1, clock="events", flush="100ms", lagging_flush="100ms")
COMMAND = Acknowledge(command_id="c-1", account_id="acme", alert_id="00112233445566aa", by="mara", at=AT)
PLACE = RecordPlace(topic="alert-commands", partition=2, offset=7)


async def test_a_command_for_an_alert_that_is_not_there_is_a_dead_letter_with_the_command_as_it_was_understood() -> (
    None
):
    broker = FakeBroker()
    tasks, errors = tasks_on(broker, SETTINGS)
    origin = f"{PLACE.topic}/{PLACE.partition}"
    tasks.origins = frozenset({origin})
    fact = Fact(PLACE.offset, AT, "acme", AT, COMMAND, None, origin)
    record = ShuffleRecord(InputTopic.COMMANDS, origin, PLACE.offset, AT + 3_600_000, True, (fact,))

    task = Engagement(TP(SETTINGS.shuffle_topic, 0), tasks)
    task.begin(await task.load({}, 0))
    task.handle(batch(0, [encode_shuffle(record)]))
    topic = SETTINGS.topic("dead_letters")
    await until(lambda: bool(broker.topics[topic]))
    await task.end(patience=5)

    assert errors == []
    (written,) = broker.topics[topic]
    assert written.value is not None
    letter = DeadLetter.model_validate_json(written.value)
    assert (letter.reason, letter.origin, letter.at) == (Reason.IMPOSSIBLE_COMMAND, PLACE, AT)
    assert letter.detail.endswith("; raw is the command as it was understood, the record itself stands at its origin")
    assert decode(InputTopic.COMMANDS, letter.raw) == COMMAND
    assert letter.key is None
    counted = tasks.metrics.registry.get_sample_value
    assert counted("slackwater_dead_letters_total", {"topic": PLACE.topic, "reason": letter.reason.value}) == 1


async def test_where_the_clock_comes_to_is_stored_though_it_changes_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = FakeBroker()
    tasks, errors = tasks_on(broker, SETTINGS)
    tasks.origins = frozenset({"product-usage/0"})
    monkeypatch.setattr(Engagement, "_much_to_flush", True)  # so that accounts are stored before the last day closes
    usage = Usage(0, AT, "acme", AT, "login", None, 1, "", None)
    record = ShuffleRecord(InputTopic.USAGE, "product-usage/0", 0, AT + 9 * DAY_MS, True, (usage,))

    task = Engagement(TP(SETTINGS.shuffle_topic, 0), tasks)
    task.begin(await task.load({}, 0))
    task.handle(batch(0, [encode_shuffle(record)]))

    def stored() -> int | None:
        row = broker.table(tasks.changelogs["engagement"]).get(PROGRESS)
        return None if row is None else Progress.decode(row).clock

    await until(lambda: stored() == record.clock)
    await task.end(patience=5)
    assert errors == []


@pytest.mark.parametrize(("days", "lags"), [(0, False), (3, True)])
async def test_who_has_read_all_and_has_days_to_live_through_lags(days: int, lags: bool) -> None:
    settings = SETTINGS.model_copy(update={"partitions": 2})  # the other home says nothing: a day's end is waited for
    tasks, errors = tasks_on(FakeBroker(), settings)
    tasks.origins = frozenset({"product-usage/0"})
    usage = Usage(0, AT, "acme", AT, "login", None, 1, "", None)
    record = ShuffleRecord(InputTopic.USAGE, "product-usage/0", 0, AT + days * DAY_MS + DAY_MS, True, (usage,))

    task = Engagement(TP(settings.shuffle_topic, 0), tasks)
    task.begin(await task.load({}, 0))
    task.handle(batch(0, [encode_shuffle(record)]))
    home = task.home
    assert home is not None
    await until(lambda: home.waits_for is not None)
    assert home.merge.caught_up
    assert task.lagging == lags
    await task.end(patience=5)
    assert errors == []


@pytest.mark.parametrize(("clock", "closes"), [("wall", True), ("events", False)])
async def test_on_the_wall_clock_a_day_is_not_waited_for_without_end(
    clock: Literal["wall", "events"], closes: bool
) -> None:
    settings = SETTINGS.model_copy(update={"partitions": 2, "clock": clock, "fleet_wait": 300, "flush": 100})
    tasks, errors = tasks_on(FakeBroker(), settings)
    tasks.origins = frozenset({"product-usage/0"})
    usage = Usage(0, AT, "acme", AT, "login", None, 1, "", None)
    record = ShuffleRecord(InputTopic.USAGE, "product-usage/0", 0, AT + DAY_MS + 2 * HOUR, True, (usage,))

    task = Engagement(TP(settings.shuffle_topic, 0), tasks)
    task.begin(await task.load({}, 0))
    task.handle(batch(0, [encode_shuffle(record)]))
    home = task.home
    assert home is not None
    await until(lambda: home.waits_for is not None)
    waited_for = home.waits_for
    if closes:
        await until(lambda: home.learnt.decided == waited_for)
        assert home.learnt.left_out == 1
    else:
        await asyncio.sleep(0.7)
        assert home.waits_for == waited_for
    await task.end(patience=5)
    assert errors == []


async def test_what_the_next_owner_counts_comes_on_top_though_it_is_more_at_once() -> None:
    broker = FakeBroker()
    tasks, errors = tasks_on(broker, SETTINGS)
    tasks.origins = frozenset({"product-usage/0"})
    labels = {"topic": SETTINGS.topic("usage")}
    for first, times in ((0, 3), (3, 4)):
        same = [Usage(first + more, AT, "acme", AT, "login", None, 1, "", first) for more in range(times)]
        said = ShuffleRecord(InputTopic.USAGE, "product-usage/0", first + times - 1, AT + HOUR, True, tuple(same))
        task = Engagement(TP(SETTINGS.shuffle_topic, 0), tasks)
        task.begin(await task.load(broker.table(tasks.changelogs["engagement"]), 0))
        task.handle(batch(task.expected, [encode_shuffle(said)]))
        end = task.expected
        await until(lambda: bool(errors) or task.flushed_position == end)  # noqa: B023 - awaited at once
        await task.end(patience=5)
    assert errors == []
    assert tasks.metrics.registry.get_sample_value("slackwater_events_duplicate_total", labels) == 2 + 3


async def test_a_foreign_record_of_the_shuffle_is_a_dead_letter_once_and_holds_up_nobody() -> None:
    broker = FakeBroker()
    tasks, errors = tasks_on(broker, SETTINGS)
    tasks.origins = frozenset({"product-usage/0", "product-usage/1"})

    def said(number: int, clock: int) -> bytes:
        usage = Usage(number, AT + number, "acme", AT + number, "login", None, 1, "", None)
        return encode_shuffle(ShuffleRecord(InputTopic.USAGE, "product-usage/0", number, clock, True, (usage,)))

    async def owner() -> Engagement:
        task = Engagement(TP(SETTINGS.shuffle_topic, 0), tasks)
        task.begin(await task.load(broker.table(tasks.changelogs["engagement"]), 0))
        return task

    first = await owner()
    # The other origin has said nothing: the events wait, and what is below them is read again by the next owner.
    first.handle(batch(0, [said(0, AT), b"\xff\x00", b"[1]", said(1, AT + 1)]))
    letters = broker.topics[SETTINGS.topic("dead_letters")]
    await until(lambda: len(letters) == 2)
    await first.end(patience=5)
    second = await owner()
    assert second.position == 0
    second.handle(batch(0, [said(0, AT), b"\xff\x00", b"[1]", said(1, AT + 1), None]))
    await until(lambda: len(letters) == 3)
    await second.end(patience=5)

    assert errors == []
    found = [DeadLetter.model_validate_json(each.value or b"") for each in letters]
    assert [(each.origin.offset, each.raw) for each in found] == [(1, b"\xff\x00"), (2, b"[1]"), (4, None)]
    assert {each.detail for each in found} == {"is no record of the shuffle"}
    assert second.home is not None
    assert len(second.home.merge) == 2


async def test_a_partition_that_has_not_got_its_history_stops_the_worker() -> None:
    tasks, _ = tasks_on(FakeBroker(), SETTINGS)
    with pytest.raises(StateError, match="home partition 0 has not got its history yet"):
        await Engagement(TP(SETTINGS.shuffle_topic, 0), tasks).load({BOOTSTRAP: b"[]"}, 0)


@pytest.mark.parametrize(
    "origin", ["elsewhere/0", "product-usage", "product-usage/x", "product-usage/٣", "billing/0", ""]
)
async def test_a_record_of_an_origin_that_is_no_input_holds_up_nobody(origin: str) -> None:
    broker = FakeBroker()
    tasks, errors = tasks_on(broker, SETTINGS)
    tasks.origins = frozenset({"product-usage/0"})
    task = Engagement(TP(SETTINGS.shuffle_topic, 0), tasks)
    task.begin(await task.load({}, 0))

    def said(origin: str, clock: int) -> bytes:
        usage = Usage(1, AT, "acme", AT, "login", None, 1, "", None)
        return encode_shuffle(ShuffleRecord(InputTopic.USAGE, origin, 1, clock, True, (usage,)))

    task.handle(batch(0, [said(origin, AT), said("product-usage/0", AT + 5 * HOUR)]))
    letters = broker.topics[SETTINGS.topic("dead_letters")]
    await until(lambda: bool(letters) and task.home is not None and task.home.clock == AT + 5 * HOUR)
    await task.end(patience=5)
    assert errors == []
    assert DeadLetter.model_validate_json(letters[0].value or b"").origin.offset == 0


async def test_events_of_an_input_topic_that_had_another_name_are_still_counted() -> None:
    broker = FakeBroker()
    tasks, errors = tasks_on(broker, SETTINGS)
    tasks.origins = frozenset({"product-usage/0"})
    before = Progress(low=0, read=0, clock=AT, origins={"old-usage/0@abc": (0, AT)})
    task = Engagement(TP(SETTINGS.shuffle_topic, 0), tasks)
    task.begin(await task.load({PROGRESS: before.encode()}, 0))
    usage = Usage(1, AT + 1, "acme", AT + 1, "login", None, 1, "", None)
    task.handle(batch(0, [encode_shuffle(ShuffleRecord(InputTopic.USAGE, "old-usage/0@abc", 1, AT, True, (usage,)))]))
    await until(lambda: broker.positions.get(task.tp) == 1 or bool(errors))
    assert task.home is not None
    assert len(task.home.merge) == 1
    await task.end(patience=5)
    assert (errors, broker.topics[SETTINGS.topic("dead_letters")]) == ([], [])


async def test_what_comes_of_more_accounts_than_there_may_be_is_a_dead_letter_once_and_the_others_go_on() -> None:
    broker = FakeBroker()
    tasks, errors = tasks_on(broker, SETTINGS.model_copy(update={"max_partition_accounts": 2}))
    tasks.origins = frozenset({"product-usage/0", "product-usage/1"})

    def said(number: int, *accounts: str) -> bytes:
        events = tuple(
            Usage(number + each, AT, account, AT, "login", 5, 2, "web", None) for each, account in enumerate(accounts)
        )
        last = number + len(accounts) - 1
        return encode_shuffle(ShuffleRecord(InputTopic.USAGE, "product-usage/0@abc", last, AT, True, events))

    async def owner() -> Engagement:
        task = Engagement(TP(SETTINGS.shuffle_topic, 0), tasks)
        task.begin(await task.load(broker.table(tasks.changelogs["engagement"]), 0))
        return task

    letters = broker.topics[SETTINGS.topic("dead_letters")]
    records = [said(0, "a", "b", "c"), said(3, "a", "d")]
    first = await owner()  # the other origin has said nothing: what is let in waits, and is read again
    first.handle(batch(0, records))
    await until(lambda: len(letters) == 2)
    await first.end(patience=5)
    second = await owner()
    assert second.position == 0
    second.handle(batch(0, [*records, said(5, "e", "b")]))
    await until(lambda: len(letters) == 3)
    await second.end(patience=5)

    assert errors == []
    assert second.home is not None
    assert len(second.home.merge) == 4
    found = [DeadLetter.model_validate_json(each.value or b"") for each in letters]
    assert [each.origin.offset for each in found] == [2, 4, 5]
    assert {(each.reason, each.field, each.origin.topic) for each in found} == {
        (Reason.TOO_MANY_ACCOUNTS, "account_id", "product-usage")
    }
    assert decode(InputTopic.USAGE, found[0].raw) == UsageEvent(
        account_id="c", event="login", occurred_at=AT, quantity=2, source="web"
    )
    labels = {"topic": "product-usage", "reason": "too_many_accounts"}
    assert tasks.metrics.registry.get_sample_value("slackwater_dead_letters_total", labels) == 3


@pytest.mark.parametrize("clock", ["wall", "events"])
async def test_what_stands_in_the_shuffle_when_it_is_assigned_says_nothing_of_how_far_the_readers_are_now(
    clock: Literal["wall", "events"],
) -> None:
    tasks, errors = tasks_on(FakeBroker(), SETTINGS.model_copy(update={"clock": clock}))
    tasks.origins = frozenset({"product-usage/0"})
    said = encode_shuffle(ShuffleRecord(InputTopic.USAGE, "product-usage/0", 0, AT, True, ()))
    task = Engagement(TP(SETTINGS.shuffle_topic, 0), tasks)
    task._look(None, Log(0, 1))
    task.begin(await task.load({}, 0))
    home = task.home
    assert home is not None
    for offset, counts in ((0, clock == "events"), (1, True)):
        task.handle(batch(offset, [said]))
        await until(lambda offset=offset: task.position == offset + 1)  # type: ignore[misc]
        assert home.merge.caught_up is counts
    await task.end(patience=5)
    assert errors == []
