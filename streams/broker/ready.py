"""Free ports, and waiting until a broker answers."""

from __future__ import annotations

import asyncio
import random
import socket
import time

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from schemas.errors import BrokerError
from streams.broker.child import ChildProcess

# Below the ports that systems hand out to outgoing connections, so that no client takes one in between.
_FIRST_PORT, _LAST_PORT = 20_000, 32_000
_POLL_SECONDS = 0.1


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on now."""
    for _ in range(200):
        port = random.randint(_FIRST_PORT, _LAST_PORT)  # noqa: S311 - only spreads the choice
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise BrokerError(f"no free TCP port found on 127.0.0.1 between {_FIRST_PORT} and {_LAST_PORT}")


async def answers(address: str) -> bool:
    """Whether a broker at `address` answers a metadata request and names a broker in it."""
    client = AIOKafkaClient(bootstrap_servers=address, request_timeout_ms=2_000)
    try:
        await client.bootstrap()
        return bool(client.cluster.brokers())
    except (KafkaError, OSError):
        return False
    finally:
        await client.close()


async def wait_until_ready(name: str, child: ChildProcess, address: str, *, patience: float) -> None:
    """Return when the broker that `child` runs answers; BrokerError with the end of its output when it does not."""
    deadline = time.monotonic() + patience
    while True:
        if child.exit_status is not None:
            raise BrokerError(f"{name} ended with exit status {child.exit_status}:\n{child.output_tail()}")
        if _listens(address) and await answers(address):
            return
        if time.monotonic() > deadline:
            raise BrokerError(f"{name} did not answer at {address} within {patience:g} s:\n{child.output_tail()}")
        await asyncio.sleep(_POLL_SECONDS)


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, int(port))) == 0
