"""Where tasks go on, as Faust asks for it: also twice at once, after a recovery and for a fetch that came back while
nothing flows; and how far there is something to be read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka import OffsetAndMetadata
from faust.types import TP

from schemas.parked_log import ParkedRecord, encode_parked
from streams.runtime.ingest import Ingest
from streams.runtime.settings import Settings
from streams.runtime.writer import Record
from tests.unit.runtime.fake_broker import FakeBroker, batch, tasks_on

SETTINGS = Settings(brokers="127.0.0.1:1", clock="events", partitions=1, park_ids=("cus_*",))
USAGE = TP(SETTINGS.topic("usage"), 0)


class Consumer:
    """Faust's, which takes a while to answer."""

    thread: Any

    def __init__(self, position: int | None, earliest: int = 0) -> None:
        self.thread = self
        self._position = position
        self._earliest = earliest

    async def committed(self, asked: list[TP]) -> dict[TP, OffsetAndMetadata]:
        await asyncio.sleep(0)
        return {} if self._position is None else dict.fromkeys(asked, OffsetAndMetadata(self._position, ""))

    async def earliest_offsets(self, *asked: TP) -> dict[TP, int]:
        await asyncio.sleep(0)
        return dict.fromkeys(asked, self._earliest)


async def test_who_asks_while_a_task_is_being_resumed_does_not_resume_it_again() -> None:
    broker = FakeBroker()
    tasks, errors = tasks_on(broker, SETTINGS)
    tasks.origins = frozenset({f"{USAGE.topic}/0"})
    waits = ParkedRecord(f"{USAGE.topic}/0", 7, 5, "cus_1", 5, None, b"{}", ())
    await broker.write([Record(SETTINGS.parked_topic, 0, waits.row, encode_parked(waits))], None)
    consumer: Any = Consumer(8)

    async def a_little_later(turns: int) -> dict[TP, int]:
        for _ in range(turns):
            await asyncio.sleep(0)
        return await tasks.positions(consumer)

    for turns in range(8):  # whatever the first one is at when the second one comes
        task = Ingest(USAGE, tasks)
        tasks.by_tp = {USAGE: task}
        tasks.parked.forget()
        first, second = await asyncio.gather(tasks.positions(consumer), a_little_later(turns))
        assert first == second == {USAGE: 8}
        assert task.parked_records == 1, turns
        await task.end(patience=5)
    assert errors == []


@pytest.mark.parametrize("transactions", [True, False], ids=["Kafka", "the embedded broker"])
async def test_what_was_there_at_the_start_has_to_be_read_before_a_partition_is_read_to_its_end(
    transactions: bool,
) -> None:
    """The embedded broker names the first record of the last batch as the last one, and hands out that batch whole."""
    tasks, _ = tasks_on(FakeBroker(), SETTINGS)
    tasks.origins = frozenset({f"{USAGE.topic}/0"})
    tasks.transactions, tasks._ends = transactions, {USAGE: 6}
    task = Ingest(USAGE, tasks)
    tasks.by_tp = {USAGE: task}
    consumer: Any = Consumer(3)
    assert await tasks.positions(consumer) == {USAGE: 3}
    assert not task.caught_up
    for start, ends in ((3, False), (5, True)):
        task.handle(batch(start, [b"", b""]))
        task.log_end = 6  # a fetch of the embedded broker may say less, and one of Kafka more
        while not task.idle:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        assert task.caught_up is ends
    await task.end(patience=5)


@pytest.mark.parametrize(("transactions", "begins"), [(True, 1), (False, 0)], ids=["Kafka", "the embedded broker"])
async def test_a_partition_whose_first_record_is_there_only_in_a_moment_is_read_from_it(
    transactions: bool, begins: int
) -> None:
    """The embedded broker says meanwhile that it begins with the second one."""
    tasks, _ = tasks_on(FakeBroker(), SETTINGS)
    tasks.origins = frozenset({f"{USAGE.topic}/0"})
    tasks.transactions = transactions
    task = Ingest(USAGE, tasks)
    tasks.by_tp = {USAGE: task}
    consumer: Any = Consumer(None, earliest=1)
    assert await tasks.positions(consumer) == {USAGE: begins}
    await task.end(patience=5)
