"""A home partition without state is refused when there was one, and not when another worker was merely faster."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import OffsetAndMetadata
from faust.types import TP

from schemas.errors import StartError
from streams.runtime import intact
from streams.runtime.engagement import Engagement
from streams.runtime.intact import refuse_empty_state
from streams.runtime.resume import Log
from streams.runtime.settings import Settings
from tests.unit.runtime.fake_broker import FakeBroker, tasks_on

SETTINGS = Settings(brokers="127.0.0.1:1", partitions=1, clock="events")


class Group:
    """A consumer of a group that has read an input topic; the ends of the shuffle, one for each time it is asked."""

    def __init__(self, ends: list[int]) -> None:
        self.thread = self
        self._ends = ends

    async def committed(self, partitions: list[TP]) -> dict[TP, OffsetAndMetadata]:
        return dict.fromkeys(partitions, OffsetAndMetadata(7, ""))

    async def highwaters(self, *partitions: TP) -> dict[TP, int]:
        return dict.fromkeys(partitions, self._ends.pop(0))


def beginning(ends: list[int]) -> tuple[Any, Engagement]:
    """A home partition without state whose shuffle was empty when it was assigned."""
    tasks, _ = tasks_on(FakeBroker(), SETTINGS)
    task = Engagement(TP(SETTINGS.shuffle_topic, 0), tasks)
    task.log = Log(0, 0)
    names = ("settings", "origins", "consumer")
    return SimpleNamespace(**dict(zip(names, (SETTINGS, {"billing/0"}, Group(ends)), strict=True))), task


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intact, "_LOOKS", (0.0, 0.0))


@pytest.mark.parametrize("ends", [[3], [0, 3]], ids=["at once", "a little later"])
async def test_a_worker_that_began_sooner_and_has_written_since_is_no_loss(ends: list[int]) -> None:
    tasks, task = beginning(ends)
    await refuse_empty_state(tasks, [task])


async def test_a_group_that_has_read_and_never_written_has_lost_its_state() -> None:
    tasks, task = beginning([0, 0])
    with pytest.raises(StartError, match="has read billing"):
        await refuse_empty_state(tasks, [task])
