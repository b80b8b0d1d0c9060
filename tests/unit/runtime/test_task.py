"""A task takes batches where it stands, and writes its output with its position."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from aiokafka import OffsetAndMetadata
from faust.types import TP

from streams.runtime.metrics import Metrics
from streams.runtime.settings import Settings
from streams.runtime.task import Task
from streams.runtime.transport import Batch
from streams.runtime.writer import Record

INPUT = TP("input", 0)


class Notebook:
    """A writer that notes what is written."""

    def __init__(self) -> None:
        self.written: list[tuple[list[Any], int, str]] = []
        self.broken = False
        self.wrote = asyncio.Event()

    async def start(self) -> None: ...

    async def write(self, records: Sequence[Record], position: tuple[TP, OffsetAndMetadata] | None) -> list[int]:
        if self.broken:
            raise ConnectionError("gone")
        assert position is not None
        tp, at = position
        assert tp == INPUT
        self.written.append(([record.value for record in records], at.offset, at.metadata))
        self.wrote.set()
        return list(range(len(records)))

    async def stop(self) -> None: ...


class Company:
    """What a task knows of the others."""

    def __init__(self) -> None:
        self.settings = Settings(flush="50ms")
        self.metrics = Metrics()
        self.notebook = Notebook()
        self.sought: list[int] = []
        self.errors: list[Exception] = []
        self.ended: list[Task] = []
        self.broke = asyncio.Event()

    def writer(self, transactional_id: str) -> Notebook:
        assert transactional_id == "slackwater-echo-input-0"
        return self.notebook

    def seek_back(self, task: Task) -> None:
        self.sought.append(task.expected)

    def failed(self, task: Task, error: Exception) -> None:
        self.errors.append(error)
        self.ended.append(task)
        self.broke.set()

    def succeeded(self, task: Task) -> None: ...


class Echo(Task):
    """Says what it reads."""

    stage: ClassVar[str] = "echo"
    heard: list[bytes]

    async def accept(self, batch: Batch) -> None:
        self.heard = [*getattr(self, "heard", []), *(record.value for record in batch.records)]
        if b"poison" in self.heard:
            raise ValueError("poison")

    def take(self) -> list[Record]:
        heard, self.heard = getattr(self, "heard", []), []
        return [Record("output", 0, None, value) for value in heard]

    @property
    def metadata(self) -> str:
        return "as of now"


def batch(start: int, *values: bytes, end: int | None = None) -> Batch:
    records = [SimpleNamespace(offset=start + number, value=value) for number, value in enumerate(values)]
    return Batch(start, start + len(values) if end is None else end, 100, records)


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def task(company: Company) -> Echo:
    return Echo(INPUT, company)  # type: ignore[arg-type]


async def test_what_was_read_is_written_with_the_position_after_it(task: Echo, company: Company) -> None:
    task.begin(5)
    task.handle(batch(5, b"a", b"b"))
    task.handle(batch(7, b"c", end=10))  # two control records behind it
    await asyncio.sleep(0.02)
    await task.end(patience=5)
    assert (task.position, company.errors) == (10, [])
    assert [value for values, *_ in company.notebook.written for value in values] == [b"a", b"b", b"c"]
    assert company.notebook.written[-1][1:] == (10, "as of now")


async def test_a_batch_is_taken_where_the_task_stands_only(task: Echo, company: Company) -> None:
    task.handle(batch(0, b"before it began"))
    task.begin(5)
    task.handle(batch(3, b"old", b"old"))
    task.handle(batch(4, b"old", b"new"))
    task.handle(batch(8, b"too far"))
    assert (task.expected, company.sought) == (6, [6])
    task.handle(batch(6, b"next"))
    await asyncio.sleep(0.02)
    await task.end(patience=5)
    assert [value for values, *_ in company.notebook.written for value in values] == [b"new", b"next"]


async def test_what_is_not_worked_when_it_ends_is_left_to_the_next_owner(task: Echo, company: Company) -> None:
    task.begin(5)
    task.handle(batch(5, b"a"))
    await task.end(patience=5)
    assert (task.position, company.notebook.written, company.errors) == (5, [], [])


async def test_nothing_new_is_not_written(task: Echo, company: Company) -> None:
    task.begin(5)
    await asyncio.sleep(0.2)
    await task.end(patience=5)
    assert company.notebook.written == []


async def test_it_writes_by_itself_after_the_flush_interval(task: Echo, company: Company) -> None:
    task.begin(5)
    task.handle(batch(5, b"a"))
    async with asyncio.timeout(5):
        await company.notebook.wrote.wait()
    assert company.notebook.written == [([b"a"], 6, "as of now")]
    await task.end(patience=5)


@pytest.mark.parametrize("broken", [True, False])
async def test_what_goes_wrong_ends_the_task_and_nothing_more_is_written(
    task: Echo, company: Company, broken: bool
) -> None:
    company.notebook.broken = broken
    task.begin(5)
    task.handle(batch(5, b"a" if broken else b"poison"))
    async with asyncio.timeout(5):
        await company.broke.wait()
    task.handle(batch(6, b"b"))
    await task.end(patience=5)
    assert company.ended == [task]
    assert [type(error) for error in company.errors] == [ConnectionError if broken else ValueError]
    assert company.notebook.written == []
    assert not task.has_room


async def test_a_task_that_does_not_end_in_time_is_dropped(task: Echo, company: Company) -> None:
    async def for_ever(batch: Batch) -> None:
        await asyncio.Event().wait()

    task.accept = for_ever  # type: ignore[method-assign]
    task.begin(5)
    task.handle(batch(5, b"a"))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        await task.end(patience=0.1)
    assert company.notebook.written == []
    assert company.errors == []


async def test_it_has_room_until_so_much_is_fetched_ahead(task: Echo) -> None:
    assert not task.has_room
    task.begin(5)
    task.fetched_to = 5 + task.ahead - 1
    assert task.has_room
    task.fetched_to += 1
    assert not task.has_room
    await task.end(patience=5)
