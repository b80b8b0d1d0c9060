"""What every broker here can do."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self


class Broker(Protocol):
    """Something that speaks Kafka at an address, from `start()` to `stop()`.

    `address` is `host:port` (comma-separated when there are several) and is complete once `start()` has returned.
    `start()` returns when the broker answers a metadata request, and raises BrokerError with the reason otherwise.
    `stop()` never raises, may be called twice, and leaves no process and no file of the broker's behind.
    """

    address: str

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
