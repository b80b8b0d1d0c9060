"""A flush of many accounts lets the loop turn all the time: nothing of it is done in one go."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import OffsetAndMetadata
from faust.types import TP

from schemas.events import InputTopic
from schemas.shuffle import ShuffleRecord, Usage, encode_shuffle
from streams.detection.engine import Engine
from streams.detection.state import Account
from streams.runtime import writer
from streams.runtime.engagement import PROGRESS, Engagement, is_account
from streams.runtime.settings import Settings
from streams.runtime.writer import PlainWriter, Record, TransactionalWriter, Writer
from tests.unit.alerting.samples import AT, HOUR
from tests.unit.runtime.fake_broker import FakeBroker, batch, tasks_on, until

ACCOUNTS = 2_000
MOST = 200
"""Encoded or sent in a turn: some milliseconds' worth."""
SETTINGS = Settings(brokers="127.0.0.1:1", partitions=1, clock="events")


class Turns:
    """Counts what is done in each turn of the loop."""

    def __init__(self) -> None:
        self.now = 0
        self.done: Counter[tuple[str, int]] = Counter()

    def note(self, what: str) -> None:
        self.done[what, self.now] += 1

    def total(self, what: str) -> int:
        return sum(count for (each, _), count in self.done.items() if each == what)

    @property
    def most(self) -> int:
        """The most of anything in one turn."""
        return max(self.done.values())

    def noted(self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
        """Note every call of a method."""
        method: Callable[..., Any] = getattr(owner, name)

        def noting(*arguments: Any) -> Any:
            self.note(name)
            return method(*arguments)

        monkeypatch.setattr(owner, name, noting)


@asynccontextmanager
async def turning() -> AsyncIterator[Turns]:
    """Turns of the loop, counted inside."""
    turns = Turns()

    async def count() -> None:
        while True:
            turns.now += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    try:
        yield turns
    finally:
        counting.cancel()


async def test_changed_accounts_and_their_pictures_are_encoded_a_few_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker = FakeBroker()
    tasks, errors = tasks_on(broker, SETTINGS)
    origin = "product-usage/0"
    tasks.origins = frozenset({origin})
    events = tuple(Usage(at, AT, f"acct-{at}", AT, "click", 7, 1, "product", None) for at in range(ACCOUNTS))
    record = ShuffleRecord(InputTopic.USAGE, origin, ACCOUNTS, AT + 2 * HOUR, True, events)

    task = Engagement(TP(SETTINGS.shuffle_topic, 0), tasks)
    async with turning() as turns:
        turns.noted(monkeypatch, Account, "encode")
        turns.noted(monkeypatch, Engine, "picture")
        task.begin(await task.load({}, 0))
        task.handle(batch(0, [encode_shuffle(record)]))
        await until(lambda: len(broker.topics[SETTINGS.topic("health")]) == ACCOUNTS)
        await task.end(patience=5)

    assert errors == []
    rows = broker.table(tasks.changelogs[Engagement.table_name])
    assert sum(map(is_account, rows)) == ACCOUNTS
    assert PROGRESS in rows
    assert (turns.total("encode"), turns.total("picture")) == (ACCOUNTS, ACCOUNTS)
    assert turns.most <= MOST


class Builder:
    """A batch that is full after some records."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._count = 0

    def append(self, **_: object) -> object:
        if self._count == 70:
            return None
        self._turns.note("append")
        self._count += 1
        return self

    def record_count(self) -> int:
        return self._count


class Producer:
    """A producer with room for everything, which it has written at once."""

    turns: Turns

    def __init__(self, **_: Any) -> None:
        self._end = 0

    def create_batch(self) -> Builder:
        return Builder(self.turns)

    async def send_batch(self, batch: Builder, *_: object, **__: object) -> asyncio.Future[Any]:
        sent = asyncio.get_running_loop().create_future()
        sent.set_result(SimpleNamespace(offset=self._end))
        self._end += batch.record_count()
        return sent

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield

    async def send_offsets_to_transaction(self, *_: object) -> None: ...


async def commit(offsets: object) -> None:
    """Nothing is committed."""


@pytest.mark.parametrize(
    "build",
    [lambda: TransactionalWriter(SETTINGS, "t"), lambda: PlainWriter(SETTINGS, commit)],
    ids=["transactions", "plain"],
)
async def test_records_are_sent_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch, build: Callable[[], Writer]) -> None:
    async with turning() as turns:
        monkeypatch.setattr(writer, "Producer", Producer)
        monkeypatch.setattr(Producer, "turns", turns, raising=False)
        records = [Record("changelog", 0, b"%d" % number, b"") for number in range(ACCOUNTS)]
        offsets = await build().write(records, (TP("input", 0), OffsetAndMetadata(1, "")))
    assert offsets == list(range(ACCOUNTS)), "the offsets of the records, in their order"
    assert turns.most <= MOST
