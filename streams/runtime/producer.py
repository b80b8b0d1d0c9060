"""aiokafka's producer, but it leaves a broker alone for a while that cannot be connected to.

aiokafka waits `retry_backoff_ms` between any two attempts at anything. That has to be short, since the markers of one
transaction may still be written when the next one begins; and a worker has a producer for each task, each with several
connections to make. So a broker that is away would be tried two thousand times a second. Here attempts to connect have
a pause of their own, as in Java's clients (https://kafka.apache.org/documentation/#producerconfigs_reconnect.backoff.ms).
"""

import asyncio
from time import monotonic
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError

FIRST_PAUSE: Final = 0.05
"""Seconds after the first failure to connect to a node; doubled with each further one."""
LONGEST_PAUSE: Final = 1.0
START_SECONDS: Final = 120.0


class Producer(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka is not typed
    """Takes what AIOKafkaProducer takes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(retry_backoff_ms=20, **options)
        self._pauses: dict[Any, float] = {}
        """Seconds that the last failure was followed by, of nodes that cannot be connected to."""
        self._connect = self.client._get_conn
        self.client._get_conn = self._connect_patiently

    async def start(self) -> None:
        """Connect, and begin. A broker that goes away just as a task begins is waited for, as it is later on. Raises
        KafkaConnectionError after `START_SECONDS`."""
        deadline = monotonic() + START_SECONDS
        while True:
            try:
                return await super().start()  # type: ignore[no-any-return]
            except KafkaConnectionError:
                if monotonic() > deadline:
                    raise
                await asyncio.sleep(LONGEST_PAUSE)

    async def _connect_patiently(self, node_id: Any, **how: Any) -> Any:
        """A connection; None, after a pause, where there is none to be had."""
        connection = await self._connect(node_id, **how)
        if connection is not None:
            self._pauses.pop(node_id, None)
            return connection
        pause = self._pauses[node_id] = min(self._pauses.get(node_id, FIRST_PAUSE / 2) * 2, LONGEST_PAUSE)
        await asyncio.sleep(pause)
        return None
