"""A broker that somebody else runs."""

from __future__ import annotations

from schemas.errors import BrokerError
from streams.broker.base import Broker
from streams.broker.ready import cluster_at


class ExternalBroker(Broker):
    """Nothing to start or stop: `start()` only finds out whether a broker without TLS answers at the address."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def start(self) -> None:
        if await cluster_at(self.address) is None:
            raise BrokerError(f"no Kafka broker answers at {self.address}; is it running, and reachable without TLS?")

    async def stop(self) -> None:
        return None
