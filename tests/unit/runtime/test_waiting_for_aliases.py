"""Ingest tasks that do not know yet what an id stands for: what they may go on with, and what they tell each other."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from faust.types import TP

from schemas.alias_log import AliasRecord, Statement, decode_alias_record, encode_alias_record
from schemas.instants import format_instant, parse_instant
from schemas.shuffle import decode_shuffle
from streams.runtime import ingest
from streams.runtime.ingest import Ingest
from streams.runtime.settings import Settings
from streams.runtime.tasks import Tasks
from streams.runtime.writer import Record
from tests.unit.runtime.fake_broker import FakeBroker, batch, tasks_on, until

HOUR_MS = 3_600_000
NINE = parse_instant("2025-02-03T09:00:00Z")


def usage(at: int, account: str = "a", **more: str) -> bytes:
    extra = "".join(f',"{name}":"{value}"' for name, value in more.items())
    return f'{{"account_id":"{account}","event":"x","occurred_at":"{format_instant(at)}"{extra}}}'.encode()


class Stage:
    """A worker's ingest tasks on a broker in memory. `clock` is the setting, and there may be more."""

    def __init__(self, clock: str = "events", **settings: Any) -> None:
        given = {"brokers": "127.0.0.1:1", "partitions": 1, "clock": clock, "flush": "20ms", **settings}
        self.settings = Settings.model_validate(given)
        self.broker = FakeBroker()
        self.tasks, self.errors = tasks_on(self.broker, self.settings)
        self.tasks.origins = frozenset({f"{self.settings.topic('accounts')}/0", f"{self.settings.topic('usage')}/0"})

    async def begin(self, topic: str) -> Ingest:
        task = Ingest(TP(self.settings.topic(topic), 0), self.tasks)
        known = self.tasks.aliases.known
        known.expected = frozenset({f"{self.settings.topic('accounts')}/0"})
        task.restore("")
        task.begin(0)
        self.tasks.by_tp[task.tp] = task
        await self.tasks.aliases.hold()
        return task

    async def say(self, clock: int, *statements: Statement, caught_up: bool = False) -> None:
        """The accounts partition has come so far."""
        name = f"{self.settings.topic('accounts')}/0"
        value = encode_alias_record(AliasRecord(name, 9, clock, caught_up, statements))
        await self.broker.write([Record(self.settings.alias_topic, 0, None, value)], None)
        await self.tasks.aliases.hold()

    @property
    def dealt(self) -> list[str]:
        """Accounts of the events in the shuffle, in order."""
        records = [decode_shuffle(each.value or b"") for each in self.broker.topics[self.settings.shuffle_topic]]
        return [event.account for record in records for event in record.events]

    def position(self, task: Ingest) -> int | None:
        return self.broker.positions.get(task.tp)


@pytest.mark.parametrize("more", [{}, {"other": "1"}], ids=["read plainly", "read by the models"])
async def test_an_event_waits_until_what_its_id_stands_for_is_known(more: dict[str, str]) -> None:
    stage = Stage()
    task = await stage.begin("usage")
    await stage.say(NINE)
    task.handle(batch(0, [usage(NINE - 1, **more), usage(NINE, "x", **more), usage(NINE + 1, **more)], timestamp=NINE))
    await until(lambda: stage.position(task) == 1)
    assert stage.dealt == ["a"]
    assert task.held_up
    await stage.say(NINE + HOUR_MS, Statement(5, NINE - 1, "umbrella", NINE, ("x",)))
    await until(lambda: stage.position(task) == 3)
    assert stage.dealt == ["a", "x", "a"]  # its statement is a repetition, by its offset
    await task.end(patience=5)
    assert stage.errors == []


async def test_the_statement_that_was_waited_for_counts() -> None:
    stage = Stage()
    task = await stage.begin("usage")
    task.handle(batch(0, [usage(NINE, "x"), usage(NINE - HOUR_MS, "x")], timestamp=NINE))
    await asyncio.sleep(0.1)
    assert stage.dealt == []
    await stage.say(NINE + HOUR_MS, Statement(4, NINE - HOUR_MS // 2, "umbrella", NINE, ("x",)))
    await until(lambda: stage.position(task) == 2)
    await task.end(patience=5)
    assert stage.dealt == ["umbrella", "umbrella"]  # the second one comes late, and has its place after the first
    told = stage.tasks.metrics.registry.get_sample_value
    assert told("slackwater_events_aliased_total", {"topic": task.tp.topic}) == 2
    assert told("slackwater_aliases") == 1


async def test_what_is_refused_is_not_waited_for() -> None:
    stage = Stage()
    task = await stage.begin("usage")
    await stage.say(NINE)
    of_the_future = usage(NINE + 1_000 * HOUR_MS)
    task.handle(batch(0, [of_the_future, b"no json", usage(NINE - 1)], timestamp=NINE - 1))
    await until(lambda: stage.position(task) == 3)
    await task.end(patience=5)
    assert len(stage.broker.topics[stage.settings.topic("dead_letters")]) == 2
    assert stage.dealt == ["a"]


async def test_what_waits_is_let_go_of_and_read_again_by_the_next_owner() -> None:
    stage = Stage()
    task = await stage.begin("usage")
    await stage.say(NINE)
    task.handle(batch(0, [usage(NINE - 1), usage(NINE)], timestamp=NINE))
    await until(lambda: task.held_up)
    await task.end(patience=5)
    assert stage.position(task) == 1
    assert stage.dealt == ["a"]


async def test_live_nothing_is_waited_for_once_the_accounts_are_read() -> None:
    stage = Stage("wall")
    task = await stage.begin("usage")
    task.handle(batch(0, [usage(NINE, "x")], timestamp=NINE))
    await asyncio.sleep(0.1)
    assert stage.dealt == []
    await stage.say(NINE - HOUR_MS, Statement(1, NINE + HOUR_MS, "umbrella", NINE, ("x",)), caught_up=True)
    await until(lambda: stage.position(task) == 1)
    await task.end(patience=5)
    assert stage.dealt == ["umbrella"]


async def test_live_an_event_that_waited_for_the_accounts_has_its_own_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall clock goes on meanwhile, and would put one partition's events behind those of another."""
    monkeypatch.setattr(ingest, "_IDLE_PROGRESS_SECONDS", 0.02)
    now = [NINE / 1000]
    monkeypatch.setattr(ingest, "time", lambda: now[0])
    stage = Stage("wall")
    task = await stage.begin("usage")
    await stage.say(NINE, caught_up=True)
    shuffle = stage.broker.topics[stage.settings.shuffle_topic]
    await until(lambda: len(shuffle) > 1)
    await stage.say(NINE, caught_up=False)
    task.handle(batch(0, [usage(NINE + 1_000)], timestamp=NINE))
    await until(lambda: task.held_up)
    now[0] += 60
    await asyncio.sleep(0.2)
    await stage.say(NINE, caught_up=True)
    await until(lambda: stage.position(task) == 1)
    await task.end(patience=5)
    (event,) = [event for each in shuffle for event in decode_shuffle(each.value or b"").events]
    assert event.effective_at == NINE + 1_000


def stated(tasks: Tasks, broker: FakeBroker) -> list[AliasRecord]:
    return [decode_alias_record(each.value or b"") for each in broker.topics[tasks.settings.alias_topic]]


async def test_accounts_are_stated_once_and_again_when_their_aliases_change() -> None:
    stage = Stage()
    task = await stage.begin("accounts")
    when = format_instant(NINE)
    known = f'{{"account_id":"a","updated_at":"{when}","name":"A"}}'.encode()
    named = f'{{"account_id":"a","updated_at":"{when}","aliases":["x","a"]}}'.encode()
    position = 0
    for value, count in ((known, 1), (known, 1), (named, 2), (named, 2), (known, 2)):
        task.handle(batch(position, [value], timestamp=NINE))
        position += 1
        await until(lambda position=position: stage.position(task) == position)  # type: ignore[misc]
        later = format_instant(NINE + position * 24 * HOUR_MS)
        marker = batch(position, [b""], timestamp=NINE + 100 * 24 * HOUR_MS)
        marker.records[0].headers = [("slackwater-clock", later.encode())]
        task.handle(marker)
        position += 1
        await until(lambda position=position: stage.position(task) == position)  # type: ignore[misc]
        await stage.tasks.aliases.hold()
        assert len([each for record in stated(stage.tasks, stage.broker) for each in record.statements]) == count
    await task.end(patience=5)
    last = stated(stage.tasks, stage.broker)[-1]
    assert (last.clock, last.last) == (NINE + 9 * 24 * HOUR_MS, position - 1)
    assert stage.tasks.aliases.known.count == 1
