"""What the tasks ask of Faust and of Slack: as little of it as there is, with the worker's own say in every call."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from aiokafka import OffsetAndMetadata
from faust.types import TP

from alerting.delivery.answers import OK, Answer
from alerting.message import Message
from streams.runtime.application import App as RealApp
from streams.runtime.application import create_app
from streams.runtime.settings import Settings
from streams.runtime.stores import MemoryStore
from streams.runtime.table import SCHEMES

if TYPE_CHECKING:
    from tests.model.worker import Worker


@cache
def application() -> RealApp:
    """A real one, which is slow to make: what of it the tables and the tasks only look at."""
    return create_app(Settings(brokers="127.0.0.1:1"))


class Tables(dict[str, Any]):
    """What the tasks ask of Faust's tables: the real stores, and how far recovery has come."""

    def __init__(self, changelogs: Mapping[str, str]) -> None:
        app = application()
        for name, log in changelogs.items():
            table = SimpleNamespace(name=name, changelog_topic_name=log)
            self[name] = SimpleNamespace(data=MemoryStore(SCHEMES["memory"], app, table))  # type: ignore[arg-type]
        self.recovery = SimpleNamespace(active_offsets=dict[TP, int]())


class App:
    """What the tasks ask of the application."""

    tables: Tables
    crash: Callable[[BaseException], Coroutine[Any, Any, None]]

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer


class Consumer:
    """What the tasks ask of Faust's consumer, and of the thread that it lives in."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self.thread = self

    async def perform_seek(self) -> None:
        await self.seek_wait(await self._worker.tasks.positions(self))  # type: ignore[arg-type]

    async def seek_wait(self, positions: Mapping[TP, int]) -> None:
        await self._worker.reach("seek", "before")
        self._worker.positions.update(positions)

    async def highwaters(self, *partitions: TP) -> dict[TP, int]:
        await self._worker.reach("highwaters", "before")
        return {tp: self._worker.kafka.stable_end(tp) for tp in partitions}

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        await self._worker.reach("earliest", "before")
        return dict.fromkeys(partitions, 0)

    async def committed(self, partitions: list[TP]) -> dict[TP, OffsetAndMetadata]:
        await self._worker.reach("committed", "before")
        group = self._worker.kafka.group
        return {tp: group[tp] for tp in partitions if tp in group}

    async def commit_with_metadata(self, offsets: Mapping[TP, OffsetAndMetadata]) -> None:
        await self._worker.reach("commit", "before")
        self._worker.kafka.group.update(offsets)
        await self._worker.reach("commit", "after")

    def rejoin(self) -> None:
        self._worker.rejoins = True

    async def rejoin_knowing(self) -> None:
        self.rejoin()


class Channel:
    """Tells, and is always answered; who asked may be gone by then."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def send(self, message: Message) -> Answer:
        await self._worker.reach("post", "before")
        self._worker.heard.append(message.text)
        await self._worker.reach("post", "after")
        return OK
