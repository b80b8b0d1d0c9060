"""What a task sees of Kafka: a log of what was committed, and what the next owner of its partition finds there."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace

from aiokafka import OffsetAndMetadata
from faust.types import TP

from streams.runtime.application import create_app
from streams.runtime.settings import Settings
from streams.runtime.task import Task
from streams.runtime.tasks import Tasks
from streams.runtime.transport import Batch
from streams.runtime.writer import Record, Writer
from tests.model.aliases import FakeAliases, FakeParked
from tests.model.fleet import FakeFleet


class FakeBroker:
    """A writer for any task: all of a flush is committed, or none. `away`: every write fails."""

    def __init__(self) -> None:
        self.topics: defaultdict[str, list[Record]] = defaultdict(list)
        self.positions: dict[TP, int] = {}
        self.metadata: dict[TP, str] = {}
        """What is committed with them."""
        self.away = False

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def write(self, records: Sequence[Record], position: tuple[TP, OffsetAndMetadata] | None) -> list[int]:
        """See `Writer`. Offsets are counted by topic, as if each had one partition."""
        if self.away:
            raise ConnectionError("the broker is away")
        offsets = []
        for record in records:
            offsets.append(len(self.topics[record.topic]))
            self.topics[record.topic].append(record)
        if position is not None:
            self.positions[position[0]], self.metadata[position[0]] = position[1].offset, position[1].metadata
        return offsets

    def table(self, changelog: str) -> dict[bytes, bytes]:
        """The rows that a changelog leads to."""
        rows: dict[bytes, bytes] = {}
        for record in self.topics[changelog]:
            assert record.key is not None
            if record.value is not None:
                rows[record.key] = record.value
            else:
                assert rows.pop(record.key, None) is not None, "a row is deleted that never was there"
        return rows


def batch(start: int, values: Iterable[bytes | None], *, timestamp: int = 1_740_000_000_000) -> Batch:
    """A fetched batch of records with these values, written at `timestamp` (ms)."""
    same = {"timestamp": timestamp, "key": None, "headers": ()}
    records = [SimpleNamespace(offset=start + number, value=value, **same) for number, value in enumerate(values)]
    end = start + len(records)
    return Batch(start, end, end, records)


def tasks_on(broker: FakeBroker, settings: Settings) -> tuple[Tasks, list[Exception]]:
    """The tasks of a worker, which write to `broker`, with a fleet topic of their own; and the errors that end them, as
    they come."""
    errors: list[Exception] = []

    def failed(task: Task, error: Exception) -> None:
        errors.append(error)

    def writer(transactional_id: str) -> Writer:
        return broker

    tasks = create_app(settings).tasks
    tasks.writer = writer  # type: ignore[method-assign]
    tasks.failed = failed  # type: ignore[method-assign]
    tasks.fleet = FakeFleet([], tasks.wake_homes)  # type: ignore[assignment]
    said = broker.topics[settings.alias_topic]
    tasks.aliases = FakeAliases(  # type: ignore[assignment]
        tasks.aliases.known, lambda first: [each.value or b"" for each in said[first:]], tasks.wake_ingest
    )
    waiting = settings.parked_topic
    tasks.parked = FakeParked(  # type: ignore[assignment]
        settings, lambda: 0, lambda: (0, broker.table(waiting))
    )
    return tasks, errors


async def until(check: Callable[[], bool]) -> None:
    """Wait for it, for some seconds."""
    async with asyncio.timeout(10):
        while not check():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.005)
