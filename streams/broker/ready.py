"""Free ports, and waiting until a broker answers."""

from __future__ import annotations

import asyncio
import random
import re
import socket
import time
from collections.abc import Iterator
from itertools import islice

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.errors import BrokerError
from streams.broker.child import ChildProcess

# Below the ports that systems hand out to outgoing connections, so that no client takes one in between.
_PORTS = range(20_000, 32_000)
_POLL_SECONDS = 0.1
_PORT_IN_USE = re.compile("Address already in use|AddrInUse")


class PortTakenError(BrokerError):
    """Somebody took the port between our looking and the broker's binding: try another."""


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on now, and that no earlier call of this process has given away."""
    for port in islice(_candidates, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise BrokerError(f"no free TCP port found on 127.0.0.1 between {_PORTS[0]} and {_PORTS[-1]}")


def _endless_candidates() -> Iterator[int]:
    """Every port once, then again: who asks for several before listening on the first must not get one twice. From
    the system's own randomness, since processes that are seeded alike would look in one order."""
    while True:
        yield from random.SystemRandom().sample(_PORTS, len(_PORTS))


_candidates = _endless_candidates()


async def cluster_at(address: str) -> str | None:
    """The id of the cluster that answers a metadata request at `address`; None when none does within 2 s."""
    client = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=2_000)
    try:
        await client.start()
        cluster = await client.describe_cluster()
        return str(cluster["cluster_id"]) if cluster["brokers"] else None
    except (KafkaError, OSError):
        return None
    finally:
        await client.close()


async def wait_until_ready(name: str, child: ChildProcess, address: str, cluster: str, *, patience: float) -> None:
    """Return when the broker that `child` runs answers with its own `cluster` id.

    Raises BrokerError with the end of its output when it ends or stays silent, and PortTakenError when another broker
    answers in its place or it could not listen.
    """
    deadline = time.monotonic() + patience
    while True:
        if child.exit_status is not None:
            kind = PortTakenError if _PORT_IN_USE.search(child.output) else BrokerError  # it may be far from the end
            raise kind(f"{name} ended with exit status {child.exit_status}:\n{child.output_tail()}")
        # Looking first keeps aiokafka from logging an error for every attempt.
        if _listens(address) and (found := await cluster_at(address)) is not None:
            if found == cluster:
                return
            raise PortTakenError(f"another broker (cluster {found}) answers at {address}, where {name} should")
        if time.monotonic() > deadline:
            raise BrokerError(f"{name} did not answer at {address} within {patience:g} s:\n{child.output_tail()}")
        await asyncio.sleep(_POLL_SECONDS)


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, int(port))) == 0
