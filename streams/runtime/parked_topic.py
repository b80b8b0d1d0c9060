"""The parked topic: records that wait until it can be told whose they are, as the ingest tasks have written them.

One partition for all of them, compacted, written in the tasks' transactions. It is read once an assignment, after the
tasks' producers have begun: by then what the tasks before had left open is settled.

A row of another version ends the worker, and so does damage to how far a partition has come, as what follows from it
would be wrong in silence. A record's row that cannot be read is one record: it becomes a dead letter, whole, and holds
up none of the others.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.errors import StateError, VersionError
from schemas.parked_log import ParkedProgress, ParkedRecord, decode_parked, is_progress, partition_of
from streams.runtime.letting_go import stopped
from streams.runtime.settings import Settings

log = logging.getLogger(__name__)

_PAUSE: Final = 1.0
"""Seconds between a failure and the next attempt."""
_WAIT_MS: Final = 50


class Stored(NamedTuple):
    """A row as it stands in the topic. `timestamp` in ms."""

    offset: int
    timestamp: int
    value: bytes


class Unreadable(NamedTuple):
    """The row of a record that cannot be read."""

    key: bytes
    offset: int
    timestamp: int
    value: bytes


Entry = ParkedRecord | ParkedProgress | Unreadable


class ParkedTopic:
    """What the tasks of a worker find there when they begin."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tp = TopicPartition(settings.parked_topic, 0)
        self._read: dict[str, list[Entry]] | None = None

    def forget(self) -> None:
        """What comes next is another assignment, and has to read it anew."""
        self._read = None

    async def entries(self, partition: str, origins: Collection[str]) -> Sequence[Entry]:
        """Those of an input partition, one of all the `origins`, after all that was in the topic when it was asked
        first in this assignment. A broker that is away is waited for. Raises `StateError` as `by_partition` does."""
        if self._read is None:
            self._read = by_partition(self._settings, await self._rows(), origins)
        return self._read.pop(partition, ())

    async def _rows(self) -> dict[bytes, Stored]:
        while True:
            try:
                return await self._read_once()
            except (KafkaError, OSError) as error:
                log.warning("%s cannot be read for now: %r", self._tp.topic, error)
            await asyncio.sleep(_PAUSE)

    async def _read_once(self) -> dict[bytes, Stored]:
        consumer = AIOKafkaConsumer(
            **self._settings.kafka(),
            client_id=self._tp.topic,
            isolation_level="read_committed",
            enable_auto_commit=False,
            fetch_max_wait_ms=_WAIT_MS,
        )
        rows: dict[bytes, Stored] = {}
        end: int | None = None
        try:
            await consumer.start()
            consumer.assign([self._tp])
            await consumer.seek_to_beginning(self._tp)
            while True:
                records = (await consumer.getmany(self._tp, timeout_ms=2 * _WAIT_MS)).get(self._tp, [])
                for each in records:
                    if each.key is None:  # a broker that does not refuse it in a compacted topic
                        log.error("offset %d of %s has no key, and is passed over", each.offset, self._tp.topic)
                        continue
                    rows.pop(each.key, None)
                    if each.value is not None:
                        rows[each.key] = Stored(each.offset, each.timestamp, each.value)
                # Not where committed records end: another task's transaction may be open before one of ours.
                end = consumer.highwater(self._tp) if end is None else end
                if not records and end is not None and await consumer.position(self._tp) >= end:
                    return rows
        finally:
            await stopped(consumer)


def by_partition(settings: Settings, rows: Mapping[bytes, Stored], origins: Collection[str]) -> dict[str, list[Entry]]:
    """Rows of the topic as what they hold, by input partition, of which there are these `origins`. What cannot be read
    and is nobody's is the first usage partition's to tell.

    Raises `StateError` for what another version wrote, and for how far a partition has come, if that cannot be read.
    """
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for key, stored in rows.items():
        partition = partition_of(key)
        try:
            found[partition].append(decode_parked(key, stored.value))
        except VersionError as error:
            raise VersionError(f"{_place(settings, key, stored)}: {error}") from error
        except ValueError as error:
            if is_progress(key) and partition in origins:
                raise StateError(f"{_place(settings, key, stored)}: {error}") from error
            teller = partition if partition in origins else f"{settings.topic('usage')}/0"
            found[teller].append(Unreadable(key, *stored))
    return dict(found)


def _place(settings: Settings, key: bytes, stored: Stored) -> str:
    return f"offset {stored.offset} of {settings.parked_topic}/0, the row {key.decode(errors='replace')!r}"
