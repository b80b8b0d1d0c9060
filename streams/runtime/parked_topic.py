"""The parked topic: records that wait until it can be told whose they are, as the ingest tasks have written them.

One partition for all of them, compacted, written in the tasks' transactions. It is read once an assignment, after the
tasks' producers have begun: by then what the tasks before had left open is settled.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.parked_log import ParkedProgress, ParkedRecord, decode_parked
from schemas.shuffle import place_of
from streams.runtime.settings import Settings

log = logging.getLogger(__name__)

_PAUSE: Final = 1.0
"""Seconds between a failure and the next attempt."""
_WAIT_MS: Final = 50
_STOP_SECONDS: Final = 2.0

Entry = ParkedRecord | ParkedProgress


class ParkedTopic:
    """What the tasks of a worker find there when they begin."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tp = TopicPartition(settings.parked_topic, 0)
        self._read: dict[str, list[Entry]] | None = None

    def forget(self) -> None:
        """What comes next is another assignment, and has to read it anew."""
        self._read = None

    async def entries(self, partition: str) -> Sequence[Entry]:
        """Those of an input partition, `topic/number`, after all that was in the topic when it was asked first in this
        assignment. A broker that is away is waited for. Raises `StateError` for what a newer version wrote."""
        if self._read is None:
            self._read = by_partition(await self._rows())
        return self._read.pop(partition, ())

    async def _rows(self) -> dict[bytes, bytes]:
        while True:
            try:
                return await self._read_once()
            except (KafkaError, OSError) as error:
                log.warning("%s cannot be read for now: %r", self._tp.topic, error)
            await asyncio.sleep(_PAUSE)

    async def _read_once(self) -> dict[bytes, bytes]:
        consumer = AIOKafkaConsumer(
            **self._settings.kafka(),
            client_id=self._tp.topic,
            isolation_level="read_committed",
            enable_auto_commit=False,
            fetch_max_wait_ms=_WAIT_MS,
        )
        rows: dict[bytes, bytes] = {}
        end: int | None = None
        try:
            await consumer.start()
            consumer.assign([self._tp])
            await consumer.seek_to_beginning(self._tp)
            while True:
                records = (await consumer.getmany(self._tp, timeout_ms=2 * _WAIT_MS)).get(self._tp, [])
                for each in records:
                    rows.pop(each.key, None)
                    if each.value is not None:
                        rows[each.key] = each.value
                # Not where committed records end: another task's transaction may be open before one of ours.
                end = consumer.highwater(self._tp) if end is None else end
                if not records and end is not None and await consumer.position(self._tp) >= end:
                    return rows
        finally:
            await asyncio.wait([asyncio.ensure_future(consumer.stop())], timeout=_STOP_SECONDS)


def by_partition(rows: dict[bytes, bytes]) -> dict[str, list[Entry]]:
    """Rows of the topic as what they hold, by input partition. Raises `StateError`."""
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for value in rows.values():
        entry = decode_parked(value)
        found[place_of(entry.origin)].append(entry)
    return dict(found)
