"""The part of aiokafka's producer that a writer uses, on `Kafka` in memory. Every call can be the last one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, Final, Protocol, TypeVar

from aiokafka import OffsetAndMetadata, TopicPartition
from aiokafka.errors import ProducerFenced
from faust.types import TP

from tests.model.kafka import Headers, Kafka

_Answer = TypeVar("_Answer")


class Process(Protocol):
    """What a producer lives in."""

    kafka: Kafka

    def reach(self, call: str, when: str, by: str = "") -> Awaitable[None]:
        """Called before and after whatever is asked of Kafka: the process may end there, or stand still, or lose the
        answer."""
        ...

    def now(self) -> int: ...


FULL: Final = 3
"""Records in a batch."""


class Builder:
    """A batch to be filled."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes | None, bytes | None, Headers]] = []

    def append(self, *, key: bytes | None, value: bytes | None, headers: Headers, **_: object) -> object | None:
        """Add a record. None, and nothing added: it is full."""
        if len(self.records) == FULL:
            return None
        self.records.append((key, value, headers))
        return self

    def record_count(self) -> int:
        """Records in it."""
        return len(self.records)


class Producer:
    """One producer, with a transactional id or without one."""

    def __init__(self, process: Process, *, transactional_id: str | None = None, **_: Any) -> None:
        self._process = process
        self._id = transactional_id
        self._epoch = -1
        self._fenced = False

    async def start(self) -> None:
        """Fence the id's last owner."""
        name = self._id
        if name is not None:
            self._epoch = await self._call("start", lambda: self._process.kafka.init(name))

    async def stop(self) -> None:
        """Nothing is left to be sent: who writes waits for it."""

    def create_batch(self) -> Builder:
        """An empty batch."""
        return Builder()

    async def send_batch(self, batch: Builder, topic: str, *, partition: int) -> asyncio.Future[Any]:
        """The records of a batch: all of them, or none."""
        by = None if self._id is None else (self._id, self._epoch)
        kafka, tp, now = self._process.kafka, TP(topic, partition), self._process.now()

        def append() -> int:
            offsets = [kafka.append(tp, *record, timestamp=now, by=by) for record in batch.records]
            return offsets[0]

        offset = await self._call("send", append)
        sent: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        sent.set_result(SimpleNamespace(offset=offset))
        return sent

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """As aiokafka's: an error in it aborts, unless the producer is fenced."""
        try:
            yield
        except BaseException:
            if not self._fenced:
                await self._call("abort", lambda: self._end(commit=False))
            raise
        await self._call("commit", lambda: self._end(commit=True))

    async def send_offsets_to_transaction(self, offsets: Mapping[TopicPartition, OffsetAndMetadata], _: str) -> None:
        """The group's offsets."""
        assert self._id is not None
        by = self._id, self._epoch
        await self._call(
            "offsets",
            lambda: self._process.kafka.add_offsets({TP(*tp): at for tp, at in offsets.items()}, by=by),
        )

    def _end(self, *, commit: bool) -> None:
        assert self._id is not None
        self._process.kafka.end(by=(self._id, self._epoch), commit=commit)

    async def _call(self, call: str, effect: Callable[[], _Answer]) -> _Answer:
        await self._process.reach(call, "before", self._id or "")
        try:
            answer = effect()
        except ProducerFenced:
            self._fenced = True
            raise
        await self._process.reach(call, "after", self._id or "")
        return answer
