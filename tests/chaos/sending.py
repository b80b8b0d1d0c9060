"""The load on its way to the broker: as much of it as is allowed, no faster than asked for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer

from schemas.events import InputTopic
from schemas.instants import format_instant
from streams.produce.sender import MARKER, MARKER_KEY
from streams.runtime.settings import Settings
from tests.chaos.load import Load, Step

_TICK = 0.05
_PATIENCE_MS = 300_000  # a broker may be away for long, and what was sent must not be given up meanwhile

Record = tuple[str, int, bytes | None, bytes, list[tuple[str, bytes]]]
"""Topic, partition, key, value, headers."""


class Sending:
    """Sends the load's steps in their order, in the background: `async with Sending(...) as sending`."""

    def __init__(self, load: Load, settings: Settings, address: str) -> None:
        self._load = load
        self._names = {topic: settings.topic(topic.value) for topic in InputTopic}
        self._partitions = settings.partitions
        self._options = {"bootstrap_servers": address, "request_timeout_ms": _PATIENCE_MS, "linger_ms": 20}
        self._sent = 0
        self._begun_at, self._begun, self._target, self._seconds = 0.0, 0, 0, 0.0
        self._written: list[asyncio.Future[Any]] = []
        self._held: dict[str, list[Record]] = {}
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:  # the embedded broker knows no idempotence, and is never taken away
            self._producer = AIOKafkaProducer(**self._options, enable_idempotence=True)
            await self._producer.start()
        except Exception:  # noqa: BLE001 - whatever it says to that
            await self._producer.stop()
            self._producer = AIOKafkaProducer(**self._options, acks="all")
            await self._producer.start()
        self._task = asyncio.create_task(self._run(), name="the sending")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        # What is on its way to a broker that is gone would be waited for.
        await asyncio.wait([asyncio.ensure_future(self._producer.stop())], timeout=10)

    def allow(self, share: float, *, seconds: float) -> None:
        """Let the sending go on, evenly over so many seconds, until this share (0 to 1) of all is sent."""
        self._begun_at, self._begun, self._seconds = monotonic(), self._sent, seconds
        self._target = max(self._target, round(share * len(self._load.steps)))

    @asynccontextmanager
    async def held(self, name: str) -> AsyncIterator[None]:
        """Inside, nothing is sent to this topic, and what was sent is written; the others' sending goes on."""
        async with self._lock:
            held = self._held[name] = []
        await asyncio.gather(*self._written)
        yield
        while held:
            await self._write(held.pop(0))
        del self._held[name]

    async def done(self) -> None:
        """Return when all is written. Raises what the sending failed of."""
        assert self._task is not None
        await self._task

    async def _run(self) -> None:
        while self._sent < len(self._load.steps):
            for step in self._load.steps[self._sent : self._due()]:
                await self._send(step)
                self._sent += 1
            await asyncio.sleep(_TICK)
        await asyncio.gather(*self._written)

    def _due(self) -> int:
        passed = (monotonic() - self._begun_at) / self._seconds if self._seconds else 1.0
        return self._begun + round((self._target - self._begun) * min(passed, 1.0))

    async def _send(self, step: Step) -> None:
        if step.topic is not None:
            await self._record((self._names[step.topic], step.partition, step.key, step.value, []))
            return
        headers = [(MARKER, format_instant(step.at).encode())]
        for name in self._names.values():
            for partition in range(self._partitions):
                await self._record((name, partition, MARKER_KEY, b"", headers))

    async def _record(self, record: Record) -> None:
        async with self._lock:
            if record[0] in self._held:
                self._held[record[0]].append(record)
            else:
                await self._write(record)

    async def _write(self, record: Record) -> None:
        name, partition, key, value, headers = record
        self._written.append(await self._producer.send(name, value, key=key, partition=partition, headers=headers))
