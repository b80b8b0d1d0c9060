"""A reset: every change of state is a task's own transaction, in an order in which each of them is harmless by itself.

1. The producers of all tasks are started. That fences whatever still writes in this application's name, a worker that
   was suspended, say, and settles what it left open. If a worker starts meanwhile, it fences the reset in its turn,
   which then ends with an error.
2. The ends of the shuffle and of the fleet topic are read: all that is new will lie behind them.
3. The input positions are set to the earliest. A worker that starts now reads everything again and passes over all of
   it, for its state says how far it had come; but for what had waited for its account, which is sent on once more.
4. For each home partition in one transaction every row of the state is deleted, and the progress set to the shuffle's
   end. A partition that is done begins anew, one that is not goes on as before: both are right by themselves.
5. Outputs, where that was asked for.

No topic is deleted, so that none loses its settings or its ACLs, and a worker that was away sees the rows go.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, OffsetAndMetadata, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError, ProducerFenced
from faust.types import TP
from pydantic import ValidationError

from alerting.catch_up import PastCounts
from schemas.alerts import Transition
from schemas.errors import BrokerError, StateError
from schemas.parked_log import partition_of
from streams.cli.reading import ends_of, read_all
from streams.cli.reset.plan import Outputs, Pending
from streams.detection.fleet_log import FleetLog
from streams.detection.merge import Progress
from streams.runtime import topics
from streams.runtime.engagement import FLEET, PROGRESS
from streams.runtime.past import ROW as PAST
from streams.runtime.placing import PLACING, POSITION, Placing
from streams.runtime.settings import Settings
from streams.runtime.stages import stages_of
from streams.runtime.taken_in import TAKEN
from streams.runtime.told import Told, told_after
from streams.runtime.writer import PlainWriter, Record, TransactionalWriter, Writer, transactional_id

_TRANSACTION_MS: Final = 300_000
"""A partition's rows are deleted in one transaction, however many they are."""


class _Row(NamedTuple):
    """The state of a home partition."""

    keys: list[bytes]
    clock: int | None
    past: PastCounts


async def carry_out(
    settings: Settings,
    outputs: Outputs,
    pending: Pending,
    *,
    exactly_once: bool,
    say: Callable[[str], None],
) -> None:
    """Reset the application; what it is at goes to `say`. Raises `BrokerError`; then run it again."""
    try:
        async with _Reset.ready(settings, exactly_once) as reset:
            say(f"{len(reset.writers)} tasks fenced")
            await reset.rewind()
            say("input positions set to the earliest")
            await reset.forget(outputs)
            say("state deleted")
            if pending == "drop":
                await reset.drop_pending()
                say("messages that waited are dropped")
            if outputs == "delete":
                await reset.empty_outputs()
                say("outputs emptied")
    except ProducerFenced as error:
        raise BrokerError("a worker has started meanwhile: stop it, and run the reset again") from error
    except (KafkaError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise BrokerError(f"the reset was interrupted ({reason}): run it again") from error


class _Reset:
    """A reset with all it needs: see the module."""

    def __init__(
        self, settings: Settings, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient, counts: Mapping[str, int]
    ) -> None:
        self._settings = settings
        self._consumer = consumer
        self._admin = admin
        self._counts = counts
        self._ends: dict[TopicPartition, int] = {}
        self._fleet_end = 0
        """Where the homes that are reset begin to hear of each other."""
        self.writers: dict[TP, Writer] = {}

    @classmethod
    @asynccontextmanager
    async def ready(cls, settings: Settings, exactly_once: bool) -> AsyncIterator["_Reset"]:
        """With every task fenced, and the ends of the internal topics known."""
        await topics.create(settings, roles=("output", "internal"))  # they may have been deleted by hand
        counts = await topics.partition_counts(settings)
        kafka = settings.kafka()
        consumer = AIOKafkaConsumer(**kafka, group_id=settings.app_id, enable_auto_commit=False)
        admin = AIOKafkaAdminClient(**kafka, client_id=f"{settings.app_id}-admin")
        reset = cls(settings, consumer, admin, counts)
        try:
            await consumer.start()
            await admin.start()
            await reset._fence(exactly_once)
            fleet = TopicPartition(settings.fleet_topic, 0)
            reset._fleet_end = (await ends_of(consumer, [fleet]))[fleet]
            yield reset
        finally:
            await asyncio.gather(*(writer.stop() for writer in reset.writers.values()))
            await consumer.stop()
            await admin.close()

    async def rewind(self) -> None:
        """Set the positions in the input topics to the earliest, and forget what waits there for its account: it is
        read again."""
        waiting = self._settings.parked_topic
        rows = defaultdict[str, list[Record]](list)
        for key in (await self._keys(waiting)).get(0, ()):
            rows[partition_of(key)].append(Record(waiting, 0, key, None))
        parts = [TopicPartition(*tp) for tp in self.writers if tp.topic in topics.input_names(self._settings)]
        earliest = await self._consumer.beginning_offsets(parts)
        for part in parts:
            await self._write(TP(*part), rows[f"{part.topic}/{part.partition}"], earliest[part])

    async def forget(self, outputs: Outputs) -> None:
        """Delete the state, with the pictures where the outputs are to be emptied."""
        settings = self._settings
        log, health = topics.changelog(settings, topics.ENGAGEMENT), settings.topic("health")
        state = await self._state(log)
        pictures = await self._keys(health) if outputs == "delete" else {}
        fleet = FleetLog(settings.detection(), settings.partitions, position=self._fleet_end).encode()
        newest = await self._told() if outputs == "keep" else {}
        for partition in range(settings.partitions):
            tp = TP(settings.shuffle_topic, partition)
            row, end = state[partition], self._end(tp)
            told = newest.get(partition, -1) + 1
            until = (told or None) if row.clock is None else max(row.clock, told)
            await self._tell(partition, until, outputs)
            records = [Record(log, partition, key, None) for key in row.keys]
            records += [Record(health, partition, key, None) for key in pictures.get(partition, ())]
            records.append(Record(log, partition, FLEET, fleet))
            records.append(Record(log, partition, PROGRESS, Progress(end, end, None, {}).encode()))
            if outputs == "keep" and until is not None:  # what was told is no news of the past either
                past = PastCounts(told=max(until, row.past.told or until))
                records.append(Record(log, partition, PAST, past.encode()))
            await self._write(tp, records, end)

    async def drop_pending(self) -> None:
        """Delete the messages that wait, and pass over those that are on their way."""
        log = topics.changelog(self._settings, topics.DELIVERIES)
        rows, kept = await self._keys(log), {POSITION, TAKEN}
        whole = Placing.whole(self._settings).encode()  # nothing is left to be handed over
        for partition in range(self._settings.partitions):
            tp = TP(self._settings.notifications_topic, partition)
            end = self._end(tp)
            records = [Record(log, partition, key, None) for key in rows.get(partition, ()) if key not in kept]
            records.append(Record(log, partition, PLACING, whole))
            records.append(Record(log, partition, POSITION, str(end).encode()))
            await self._write(tp, records, end)

    async def empty_outputs(self) -> None:
        """Remove all records of the outputs that are no tables."""
        names = [self._settings.topic(name) for name in ("alerts", "dead_letters")]
        parts = [TopicPartition(name, number) for name in names for number in range(self._counts[name])]
        ends = await self._consumer.end_offsets(parts)
        await self._admin.delete_records({part: RecordsToDelete(ends[part]) for part in parts if ends[part]})

    async def _fence(self, exactly_once: bool) -> None:
        settings = self._settings
        for topic, stage in stages_of(settings).items():
            for partition in range(self._counts[topic]):
                tp = TP(topic, partition)
                if exactly_once:
                    name = transactional_id(settings, stage.stage, tp)
                    self.writers[tp] = TransactionalWriter(settings, name, _TRANSACTION_MS)
                else:
                    self.writers[tp] = PlainWriter(settings, self._commit)
        await asyncio.gather(*(writer.start() for writer in self.writers.values()))
        own = [TopicPartition(*tp) for tp in self.writers if tp.topic not in topics.input_names(settings)]
        self._ends = await ends_of(self._consumer, own)

    def _end(self, tp: TP) -> int:
        return self._ends[TopicPartition(*tp)]

    async def _write(self, tp: TP, records: list[Record], position: int, metadata: str = "") -> None:
        await self.writers[tp].write(records, (tp, OffsetAndMetadata(position, metadata)))

    async def _commit(self, offsets: Mapping[TP, OffsetAndMetadata]) -> None:
        parts = {TopicPartition(*tp): at for tp, at in offsets.items()}
        self._consumer.assign(list(parts))
        await self._consumer.commit(parts)

    async def _state(self, log: str) -> dict[int, _Row]:
        keys: defaultdict[int, set[bytes]] = defaultdict(set)
        clocks: dict[int, int | None] = {}
        past: defaultdict[int, PastCounts] = defaultdict(PastCounts)
        async for record in read_all(self._settings, log):
            # What another version wrote, or what is damaged, is what is to be deleted.
            if record.key == PAST:
                with suppress(StateError):
                    past[record.partition] = PastCounts.decode(record.value)
            if record.key == PROGRESS:
                with suppress(StateError):
                    clocks[record.partition] = Progress.decode(record.value).clock
            elif record.value is None:
                keys[record.partition].discard(record.key)
            else:
                keys[record.partition].add(record.key)
        numbers = range(self._settings.partitions)
        return {number: _Row(sorted(keys[number]), clocks.get(number), past[number]) for number in numbers}

    async def _keys(self, topic: str) -> dict[int, list[bytes]]:
        """The keys of a compacted topic, by partition."""
        keys: defaultdict[int, dict[bytes, None]] = defaultdict(dict)
        async for record in read_all(self._settings, topic):
            if record.value is None:
                keys[record.partition].pop(record.key, None)
            else:
                keys[record.partition][record.key] = None
        return {partition: list(each) for partition, each in keys.items()}

    async def _told(self) -> dict[int, int]:
        """The time of the newest transition, by partition of the alerts topic."""
        newest: dict[int, int] = {}
        async for record in read_all(self._settings, self._settings.topic("alerts")):
            with suppress(ValidationError):  # somebody else's record
                at = Transition.model_validate_json(record.value or b"").at
                newest[record.partition] = max(at, newest.get(record.partition, at))
        return newest

    async def _tell(self, partition: int, until: int | None, outputs: Outputs) -> None:
        """Let the notify task know what it has told, so that it does not tell it twice; or that it begins anew."""
        part = TopicPartition(self._settings.topic("alerts"), partition)
        end = self._end(TP(*part))
        if outputs == "delete":
            await self._write(TP(*part), [], end)
            return
        stored = (await self._admin.list_consumer_group_offsets(self._settings.app_id, partitions=[part]))[part]
        _, at, mark = stored.metadata.partition("@")
        told = told_after(Told.decode(stored.metadata), end, until)
        await self._write(TP(*part), [], max(stored.offset, 0), (told.encode() if told else "") + at + mark)
