"""Ingest tasks that read what is nobody's yet: what they keep of it, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiokafka import OffsetAndMetadata

from schemas.alias_log import Statement
from schemas.dead_letter import DeadLetter
from schemas.errors import Reason
from schemas.parked_log import ParkedRecord, decode_parked, encode_parked
from schemas.shuffle import Fact, ShuffleRecord, decode_shuffle
from streams.runtime.ingest import Ingest
from streams.runtime.resume import Log
from streams.runtime.transport import Batch
from streams.runtime.writer import Record
from tests.unit.formats.making import AT, stripe, subscription
from tests.unit.runtime.fake_broker import batch, until
from tests.unit.runtime.test_waiting_for_aliases import HOUR_MS, NINE, Stage, usage

DAY_MS = 24 * HOUR_MS


class Desk(Stage):
    """A worker's ingest tasks, which park what comes under `cus_*` for 30 days; `settings` may say otherwise."""

    def __init__(self, clock: str = "events", **settings: Any) -> None:
        super().__init__(clock, **{"park_ids": "cus_*, stripe:*", **settings})

    async def again(self, task: Ingest, position: int | None = None) -> Ingest:
        """The next owner of a task's partition, from where that has come or was set back to."""
        await task.end(patience=5)
        self.tasks.parked.forget()
        after = Ingest(task.tp, self.tasks)
        metadata = self.broker.metadata[task.tp] if position is None else ""
        stored = OffsetAndMetadata(self.broker.positions[task.tp], metadata)
        start = await after.resume(stored, Log(0, 99, ""))
        after.begin(start if position is None else position)
        self.tasks.by_tp[task.tp] = after
        return after

    def shuffled(self, origin: str = "") -> list[ShuffleRecord]:
        records = [decode_shuffle(each.value or b"") for each in self.broker.topics[self.settings.shuffle_topic]]
        return [each for each in records if each.origin.endswith(origin)]

    @property
    def sent_on(self) -> list[tuple[int, int, str]]:
        """Time, place and account of what had waited."""
        events = [event for record in self.shuffled("+parked") for event in record.events]
        return [(event.at, event.effective_at, event.account) for event in events]

    @property
    def rows(self) -> list[ParkedRecord]:
        """What waits, by the topic."""
        table = self.broker.table(self.settings.parked_topic)
        found = [decode_parked(key, value) for key, value in table.items()]
        return [each for each in found if isinstance(each, ParkedRecord)]

    @property
    def letters(self) -> list[DeadLetter]:
        written = self.broker.topics[self.settings.topic("dead_letters")]
        return [DeadLetter.model_validate_json(each.value or b"") for each in written]

    def told(self, name: str, **labels: str) -> float | None:
        return self.tasks.metrics.registry.get_sample_value(f"slackwater_{name}", labels)


def record(value: bytes, *, offset: int, **more: Any) -> Batch:
    """One record."""
    fetched = batch(offset, [value], timestamp=NINE + 100 * DAY_MS)
    for name, each in more.items():
        setattr(fetched.records[0], name, each)
    return fetched


async def read(desk: Desk, task: Ingest, offset: int, *values: bytes) -> None:
    """Have the task read records, and commit that it has."""
    task.handle(batch(offset, values, timestamp=NINE + 100 * DAY_MS))
    await until(lambda: desk.position(task) == offset + len(values))


async def test_what_is_nobodys_yet_goes_on_when_an_account_names_its_id() -> None:
    desk = Desk()
    task = await desk.begin("usage")
    await desk.say(NINE + DAY_MS)
    await read(desk, task, 0, usage(NINE, "cus_1"), usage(NINE + 1), usage(NINE + 2, "cus_1"))
    assert desk.dealt == ["a"]
    assert [(each.offset, each.place, each.name) for each in desk.rows] == [(0, NINE, "cus_1"), (2, NINE + 2, "cus_1")]
    assert desk.told("events_parked_total", topic=task.tp.topic) == 2
    assert desk.told("events_total", topic=task.tp.topic, type="usage") == 1
    await desk.say(NINE + 3 * DAY_MS, Statement(11, NINE + 2 * DAY_MS, "umbrella", NINE, ("cus_1",)))
    assert desk.sent_on == []  # its partition is not there yet
    await read(desk, task, 3, usage(NINE + 2 * DAY_MS + HOUR_MS))
    await until(lambda: len(desk.sent_on) == 2)
    place = NINE + 2 * DAY_MS
    assert desk.sent_on == [(NINE, place, "umbrella"), (NINE + 2, place, "umbrella")]
    await task.end(patience=5)
    assert desk.rows == []
    assert desk.told("events_released_total", topic=task.tp.topic) == 2
    assert desk.told("events_total", topic=task.tp.topic, type="usage") == 4
    assert desk.errors == []


async def test_where_nobody_has_named_any_alias_it_is_said_once_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "streams.runtime.parked")
    desk = Desk()
    task = await desk.begin("usage")
    await desk.say(NINE + DAY_MS)
    await read(desk, task, 0, usage(NINE, "cus_1"), usage(NINE + 1, "cus_2"))
    (warning,) = [each for each in caplog.records if each.levelname == "WARNING"]
    assert "set park_ids = []" in warning.getMessage()
    assert "cus_1" not in caplog.text, "only the setting's names"
    await desk.say(NINE + 3 * DAY_MS, Statement(11, NINE + 2 * DAY_MS, "umbrella", NINE, ("cus_1", "cus_2")))
    await read(desk, task, 2, usage(NINE + 2 * DAY_MS + HOUR_MS), usage(NINE + 2 * DAY_MS + HOUR_MS, "cus_3"))
    await until(lambda: len(desk.sent_on) == 2)
    assert [each.levelname for each in caplog.records].count("WARNING") == 1
    await task.end(patience=5)


async def test_no_clock_is_announced_that_what_waits_may_still_come_before() -> None:
    desk = Desk()
    task = await desk.begin("usage")
    await desk.say(NINE + HOUR_MS)
    await read(desk, task, 0, usage(NINE, "cus_1"))
    marker = record(b"", offset=1, headers=[("slackwater-clock", b"2025-02-05T09:00:00Z")])
    task.handle(marker)
    await until(lambda: desk.position(task) == 2)
    assert desk.shuffled()[-1].clock == NINE + HOUR_MS
    await desk.say(NINE + 2 * HOUR_MS)
    await until(lambda: desk.shuffled()[-1].clock == NINE + 2 * HOUR_MS)
    await desk.say(NINE + 9 * DAY_MS, Statement(11, NINE + 3 * HOUR_MS, "umbrella", NINE, ("cus_1",)))
    await until(lambda: desk.shuffled()[-1].clock == NINE + 2 * DAY_MS)
    origins = [(each.origin, each.clock) for each in desk.shuffled()]
    assert origins[-2:] == [("product-usage/0+parked", NINE + 3 * HOUR_MS), ("product-usage/0", NINE + 2 * DAY_MS)]
    await task.end(patience=5)


async def test_the_next_owner_sends_on_what_waited_and_each_once() -> None:
    desk = Desk()
    task = await desk.begin("usage")
    await desk.say(NINE + DAY_MS)
    await read(desk, task, 0, usage(NINE, "cus_1"), usage(NINE + 1, "cus_2"))
    task = await desk.again(task)
    assert task.parked_records == 2
    await desk.say(NINE + 3 * DAY_MS, Statement(11, NINE + DAY_MS, "umbrella", NINE, ("cus_1",)))
    await read(desk, task, 2, usage(NINE + 2 * DAY_MS))
    await until(lambda: len(desk.sent_on) == 1)
    task = await desk.again(task)
    await desk.say(NINE + 5 * DAY_MS, Statement(12, NINE + 3 * DAY_MS, "umbrella", NINE + 1, ("cus_1", "cus_2")))
    await read(desk, task, 3, usage(NINE + 4 * DAY_MS))
    await until(lambda: len(desk.sent_on) == 2)
    task = await desk.again(task, 0)  # the group's offset was set back
    await read(desk, task, 0, usage(NINE, "cus_1"), usage(NINE + 1, "cus_2"), usage(NINE + 2 * DAY_MS))
    await task.end(patience=5)
    assert [account for _, _, account in desk.sent_on] == ["umbrella", "umbrella"]
    first, second = [each.last for each in desk.shuffled("+parked")]
    assert first < second  # the home takes each for news
    assert desk.rows == []
    assert desk.letters == []
    assert desk.errors == []


async def test_what_waited_in_vain_is_a_dead_letter_whole_and_once() -> None:
    desk = Desk(park_for="2d")
    task = await desk.begin("feedback")
    await desk.say(NINE + 9 * DAY_MS)
    score = {"account_id": "cus_1", "type": "nps", "score": 3, "occurred_at": "2025-02-03T09:00:00Z"}
    raw = json.dumps(score).encode()
    task.handle(record(raw, offset=0, key=b"k", headers=[("h", b"v")]))
    await until(lambda: desk.position(task) == 1)
    assert desk.letters == []
    task = await desk.again(task)
    later = json.dumps({**score, "account_id": "a", "occurred_at": "2025-02-05T09:11:00Z"}).encode()
    await read(desk, task, 1, later)
    await until(lambda: len(desk.letters) == 1)
    task = await desk.again(task)
    await task.end(patience=5)
    (letter,) = desk.letters
    assert (letter.reason, letter.raw, letter.key) == (Reason.UNKNOWN_ACCOUNT, raw, b"k")
    assert (letter.origin.partition, letter.origin.offset) == (0, 0)
    assert letter.headers is not None
    assert [(each.name, each.value) for each in letter.headers] == [("h", b"v")]
    assert "2 days" in letter.detail
    assert desk.told("dead_letters_total", topic=task.tp.topic, reason="unknown_account") == 1
    assert desk.rows == []


async def test_what_finds_no_room_is_a_dead_letter_at_once() -> None:
    desk = Desk(max_parked_records=2)
    task = await desk.begin("usage")
    await desk.say(NINE + DAY_MS)
    await read(desk, task, 0, *(usage(NINE, name) for name in ("cus_1", "cus_2", "cus_3")))
    await task.end(patience=5)
    assert [(each.reason, each.origin.offset) for each in desk.letters] == [(Reason.UNKNOWN_ACCOUNT, 2)]
    assert len(desk.rows) == 2


async def test_on_the_wall_clock_it_goes_on_at_once_though_nothing_more_is_read() -> None:
    desk = Desk("wall")
    task = await desk.begin("usage")
    await desk.say(NINE, caught_up=True)
    await read(desk, task, 0, usage(NINE, "cus_1"))
    await desk.say(NINE, Statement(11, NINE + HOUR_MS, "umbrella", NINE, ("cus_1",)), caught_up=True)
    await until(lambda: len(desk.sent_on) == 1)
    announced = max(each.clock or 0 for each in desk.shuffled()[:-1] if not each.origin.endswith("+parked"))
    await task.end(patience=5)
    ((at, place, account),) = desk.sent_on
    assert (at, account) == (NINE, "umbrella")
    assert place >= announced


async def test_all_that_came_of_one_record_goes_on_together() -> None:
    desk = Desk(format_billing="stripe")
    task = await desk.begin("billing")
    began = AT * 1000
    await desk.say(began + 9 * DAY_MS)
    plain = {name: each for name, each in subscription(cancel_at_period_end=True).items() if name != "metadata"}
    event = stripe("customer.subscription.updated", plain, {"cancel_at_period_end": False})
    await read(desk, task, 0, json.dumps(event).encode())
    (row,) = desk.rows
    assert row.name == f"stripe:{plain['customer']}"
    await desk.say(began + 99 * DAY_MS, Statement(11, row.place + 1, "umbrella", NINE, (row.name,)))
    task.handle(record(b"", offset=1, headers=[("slackwater-clock", b"2025-04-01T00:00:00Z")]))
    await until(lambda: len(desk.shuffled("+parked")) == 1)
    await task.end(patience=5)
    (sent,) = desk.shuffled("+parked")
    facts = [event for event in sent.events if isinstance(event, Fact)]
    assert [(each.offset, each.account) for each in facts] == [(sent.last, "umbrella")] * 2
    assert [each.body.account_id for each in facts] == ["umbrella"] * 2
    assert desk.letters == []


async def test_commands_and_account_updates_wait_for_nobody() -> None:
    desk = Desk()
    command = b'{"command_id":"c","command":"acknowledge","account_id":"cus_1","kind":"*","by":"m","at":"%s"}'
    task = await desk.begin("commands")
    await desk.say(NINE + DAY_MS)
    await read(desk, task, 0, command % b"2025-02-03T09:00:00Z")
    await task.end(patience=5)
    assert desk.dealt == ["cus_1"]
    assert task.parked_records is None


async def test_a_row_that_cannot_be_read_is_a_dead_letter_whole_and_once_and_holds_up_none_of_the_others() -> None:
    desk = Desk()
    desk.tasks.origins |= {"billing/0"}
    task = await desk.begin("usage")
    await desk.say(NINE + DAY_MS)
    await read(desk, task, 0, usage(NINE, "cus_1"))
    topic = desk.settings.parked_topic
    own, elsewhere, nobodys = b"product-usage/0 9", b"billing/0 3", b"\xff"
    for key, value in ((own, b"\xc1\x01damaged"), (elsewhere, b"not billing's to read here"), (nobodys, b"")):
        await desk.broker.write([Record(topic, 0, key, value)], None)
    task = await desk.again(task)
    await until(lambda: len(desk.letters) == 2)
    assert task.parked_records == 1
    assert {(each.key, each.raw) for each in desk.letters} == {(own, b"\xc1\x01damaged"), (nobodys, b"")}
    assert {(each.origin.topic, each.detail) for each in desk.letters} == {(topic, "is no record that waits")}
    assert desk.told("dead_letters_total", topic=topic, reason="invalid_field") == 2
    task = await desk.again(task)
    await desk.say(NINE + 3 * DAY_MS, Statement(11, NINE + DAY_MS, "umbrella", NINE, ("cus_1",)))
    await read(desk, task, 1, usage(NINE + 2 * DAY_MS))
    await until(lambda: len(desk.sent_on) == 1)
    await task.end(patience=5)
    assert len(desk.letters) == 2
    left = desk.broker.table(topic)
    assert elsewhere in left  # its own partition's task tells it
    assert not {own, nobodys} & left.keys()
    assert desk.errors == []


@pytest.mark.parametrize("damage", ["cut", "another key", "other types"])
def test_a_record_that_waits_is_read_under_its_own_key_and_whole_or_not_at_all(damage: str) -> None:
    entry = ParkedRecord("billing/3@abc", 17, 5, "cus_1", 6, None, b"{}", (("h", None), ("i", b"")))
    value, key = encode_parked(entry), entry.row
    assert decode_parked(key, value) == entry
    if damage == "cut":
        value = value[:-1]
    elif damage == "another key":
        key = b"billing/3@abc 18"
    else:
        value = encode_parked(entry._replace(place="soon"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no parked record"):
        decode_parked(key, value)
