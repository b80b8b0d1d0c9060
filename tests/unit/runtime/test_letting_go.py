"""Whoever ends a worker waits until its tasks have had their last flush, though a rebalance had begun to end them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import OffsetAndMetadata
from faust.types import TP

from schemas.codec import encode
from streams.runtime.notify import Notify
from streams.runtime.settings import Settings
from streams.runtime.tasks import Tasks
from streams.runtime.writer import Record
from tests.unit.alerting.samples import transition
from tests.unit.runtime.fake_broker import FakeBroker, batch, tasks_on

SETTINGS = Settings(brokers="127.0.0.1:1", flush="1m", clock="events")
PARTITION = TP(SETTINGS.topic("alerts"), 2)


class SlowBroker(FakeBroker):
    """It takes a while."""

    async def write(self, records: Sequence[Record], position: tuple[TP, OffsetAndMetadata] | None) -> list[int]:
        await asyncio.sleep(0.2)
        return await super().write(records, position)


@pytest.fixture
async def broker() -> SlowBroker:
    return SlowBroker()


@pytest.fixture
async def tasks(broker: SlowBroker) -> Tasks:
    """One task, which has something to commit."""
    tasks, _ = tasks_on(broker, SETTINGS)
    task = Notify(PARTITION, tasks)
    task.begin(0)
    task.handle(batch(0, [encode(transition())]))
    await asyncio.sleep(0.05)
    tasks.by_tp = {PARTITION: task}
    return tasks


async def test_a_stop_in_the_middle_of_a_rebalance_waits_for_the_last_flush(tasks: Tasks, broker: SlowBroker) -> None:
    rebalance = asyncio.create_task(tasks.release())
    await asyncio.sleep(0.05)
    await tasks.release()
    assert broker.positions == {PARTITION: 1}
    await rebalance


async def test_a_rebalance_that_is_cut_short_cuts_no_flush_short(tasks: Tasks, broker: SlowBroker) -> None:
    rebalance = asyncio.create_task(tasks.release())
    await asyncio.sleep(0.05)
    rebalance.cancel()
    await tasks.release()
    assert broker.positions == {PARTITION: 1}


async def test_a_task_that_was_let_go_while_its_position_was_asked_for_does_not_begin(broker: SlowBroker) -> None:
    tasks, errors = tasks_on(broker, SETTINGS)
    task = Notify(PARTITION, tasks)
    tasks.by_tp = {PARTITION: task}

    class Slow:
        """Faust's consumer, asked in the middle of a rebalance."""

        thread: Any

        def __init__(self) -> None:
            self.thread = self

        async def committed(self, _: list[TP]) -> dict[TP, OffsetAndMetadata]:
            await tasks.release()
            return {}

        async def earliest_offsets(self, *_: TP) -> dict[TP, int]:
            return {}

    assert await tasks.positions(Slow()) == {}  # type: ignore[arg-type]
    assert (task.position, task.runner, errors) == (None, None, [])
