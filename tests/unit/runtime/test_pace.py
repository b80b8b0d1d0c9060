"""How often a task says what it has: what somebody waits for soon, and never so often that no time is left to read."""

from __future__ import annotations

from time import monotonic

import pytest
from faust.types import TP

from schemas.events import InputTopic
from schemas.shuffle import ShuffleRecord, Usage
from streams.runtime.engagement import Engagement
from streams.runtime.settings import Settings
from tests.unit.alerting.samples import AT, HOUR
from tests.unit.runtime.fake_broker import FakeBroker, tasks_on

SETTINGS = Settings(brokers="127.0.0.1:1", partitions=1, clock="events", flush="1s")
ORIGIN = "product-usage/0"


async def engagement(accounts: int = 1) -> Engagement:
    """A task at the end of its input, with accounts that have changed and no picture of them yet."""
    tasks, _ = tasks_on(FakeBroker(), SETTINGS)
    tasks.origins = frozenset({ORIGIN})
    task = Engagement(TP(SETTINGS.shuffle_topic, 0), tasks)
    task.position = await task.load({}, 0)
    assert task.home is not None
    events = tuple(Usage(at, AT, f"acct-{at}", AT, "click", 7, 1, "product", None) for at in range(accounts))
    task.home.receive(0, ShuffleRecord(InputTopic.USAGE, ORIGIN, accounts, AT + 2 * HOUR, True, events))
    for _ in task.home.step(idle=True):
        pass
    return task


def tell(task: Engagement) -> None:
    """Let it have something that people wait for."""
    assert task.home is not None
    task.home._transitions.append(object())  # type: ignore[arg-type]  # only whether there is one is looked at


def pictures(task: Engagement) -> int:
    """How many of them the next flush holds."""
    return sum(record.topic == SETTINGS.topic("health") for record in task.take())


@pytest.mark.parametrize(("took", "pending", "pause"), [(0.2, 0, 0.1), (0.2, 9, 0.4), (0.01, 9, 0.1), (7.0, 9, 0.5)])
async def test_what_is_waited_for_follows_a_long_flush_later_as_long_as_more_comes_in(
    took: float, pending: int, pause: float
) -> None:
    task = await engagement()
    task._took, task.pending = took, pending
    tell(task)
    task._flushed_at = monotonic() - pause + 0.05
    assert not task.flush_due
    assert 0 < task._patience() <= 0.051
    task._flushed_at = monotonic() - pause - 0.05
    assert task.flush_due


async def test_a_task_that_lags_does_not_wake_up_all_the_time_for_what_is_waited_for() -> None:
    task = await engagement()
    task.log_end = task.expected + 100_000
    tell(task)
    task._flushed_at = monotonic() - 5
    assert not task.flush_due
    assert task._patience() >= 0.1


async def test_pictures_are_written_at_once_where_nothing_comes_in_and_some_once_a_second_where_something_does() -> (
    None
):
    task = await engagement(accounts=1_200)
    assert pictures(task) == 500
    assert task.urgent
    task.pending = 1
    assert not task.urgent, "the rest of the pictures is not worth a flush of its own"
    assert task.home is not None
    task.home._changed(task.home.account("acct-7"))
    assert pictures(task) == 0
    task._pictured_at -= 1
    assert pictures(task) == 200
    task.pending = 0
    assert task.urgent
    assert pictures(task) == 500
    assert pictures(task) == 1
