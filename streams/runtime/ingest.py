"""Ingest: one input partition. Decode, validate, and deal out by home partition."""

from collections import Counter
from time import monotonic, time
from typing import TYPE_CHECKING, Any, ClassVar

from aiokafka import OffsetAndMetadata
from aiokafka.partitioner import murmur2
from faust.types import TP

from schemas.codec import decode, encode
from schemas.dead_letter import DeadLetter, RecordPlace, dead_letter_headers
from schemas.errors import Rejected
from schemas.events import InputEvent, InputTopic
from schemas.instants import LATEST
from schemas.plain_usage import MOST, read_plainly
from schemas.shuffle import encode_shuffle
from schemas.usage import UsageEvent
from streams.detection.origin import MARKER_HEADER, Origin
from streams.runtime.resume import Log, Loss, What
from streams.runtime.task import Task
from streams.runtime.transport import Batch
from streams.runtime.writer import Record

if TYPE_CHECKING:
    from streams.runtime.tasks import Tasks

_IDLE_PROGRESS_SECONDS = 5.0


def home_of(account: str, partitions: int) -> int:
    """The home partition of an account, as Java's default partitioner has it."""
    return int(murmur2(account.encode()) & 0x7FFFFFFF) % partitions


class Ingest(Task):
    """An input partition."""

    stage: ClassVar[str] = "ingest"
    lag: ClassVar[int] = 10_000  # of a busy partition a second's worth: a moment's delay is no lag

    def __init__(self, tp: TP, tasks: "Tasks") -> None:
        super().__init__(tp, tasks)
        self.topic: InputTopic = tasks.inputs[tp.topic]
        self.origin: Origin | None = None
        self._anew = False
        self._dead: list[Record] = []
        self._facts = 0
        self._caught_up = False
        self._said_at = 0.0
        self._said: tuple[int | None, bool] | None = None

    async def resume(self, commit: OffsetAndMetadata | None, log: Log) -> int:
        """See `Task`. Of a topic that was created anew nothing is known, its clock neither."""
        start = await super().resume(commit, log)
        self.restore("" if commit is None or self._anew else commit.metadata)
        return start

    def lost(self, loss: Loss) -> None:
        """See `Task`. That a topic was created anew is told by the home tasks: the group forgets a topic that is
        deleted, and so it may not be known here."""
        if loss.what is What.REPLACED:
            self._anew = True
        else:
            super().lost(loss)

    def restore(self, metadata: str) -> None:
        """Begin with the clock that was committed with the position."""
        clock = metadata.partition("@")[0]
        settings = self.settings
        partitions = settings.partitions
        self.origin = Origin(
            self.topic,
            f"{self.tp.topic}/{self.tp.partition}" + (f"@{self.mark}" if self.mark else ""),
            homes=partitions,
            home_of=lambda account: home_of(account, partitions),
            out_of_order=settings.out_of_order,
            future_tolerance=settings.future_tolerance,
            user_key=settings.user_key,
            clock=int(clock) if clock.lstrip("-").isdigit() else None,
            rule=settings.usage_rule(),
        )

    @property
    def caught_up(self) -> bool:
        """The partition was read to its end, and has not fallen behind since."""
        if self.idle and self.expected >= self.log_end:
            self._caught_up = True
        elif self.lagging:
            self._caught_up = False
        return self._caught_up

    async def accept(self, batch: Batch) -> None:
        """Decode a batch; what cannot be read becomes a dead letter."""
        started = monotonic()
        origin = self.origin
        assert origin is not None
        counts: Counter[str] = Counter()
        # Nothing that is live can come from the future, whatever a record says of its own time.
        latest = int(time() * 1000) if self.settings.clock == "wall" else LATEST
        usage, plain = self.topic is InputTopic.USAGE and self.settings.max_record_bytes >= MOST, 0
        for record in batch.records:
            fields = read_plainly(record.value or b"") if usage else None
            if fields is None or record.headers:
                self._take(record, latest, counts)
                continue
            timestamp = min(record.timestamp, latest) if record.timestamp >= 0 else None
            refusal = origin.take_usage(record.offset, fields, timestamp)
            if refusal is None:
                plain += 1
            else:
                self._reject(record, refusal, timestamp)
        if plain:
            counts["usage"] += plain
        for name, count in counts.items():
            self.metrics.events_total.labels(self.tp.topic, name).inc(count)
        for by, count in origin.excluded.items():
            self.metrics.events_excluded_total.labels(self.tp.topic, by.value).inc(count)
        origin.excluded.clear()
        if not usage:
            self._facts += sum(counts.values())
        self.pending += len(batch.records)
        self._measure(batch, started)

    def _take(self, record: Any, latest: int, counts: Counter[str]) -> None:
        """A marker, or an event that has to be looked at closely."""
        origin, topic = self.origin, self.topic
        assert origin is not None
        timestamp = min(record.timestamp, latest) if record.timestamp >= 0 else None
        marker = _marker(record.headers) if record.headers else None
        if marker is None and record.value is None and topic is InputTopic.ACCOUNTS:
            return  # a tombstone of a compacted topic
        if marker is not None:
            refusal = origin.mark(marker, timestamp)
        else:
            event = decode(topic, record.value, max_bytes=self.settings.max_record_bytes)
            refusal = event if isinstance(event, Rejected) else origin.take(record.offset, event, timestamp)
            if refusal is None and not isinstance(event, Rejected):
                counts["usage" if isinstance(event, UsageEvent) else _type_of(event, topic)] += 1
        if refusal is not None:
            self._reject(record, refusal, timestamp)

    @property
    def urgent(self) -> bool:
        """Facts are waited for, and so is the news that the end was reached."""
        return bool(self._facts or self._dead) or (self.caught_up and not (self._said and self._said[1]))

    @property
    def flush_due(self) -> bool:
        """Sooner than elsewhere: who has nothing to read for now, be it that it is too far ahead of the others, must
        not keep them waiting."""
        waited = monotonic() - self._flushed_at
        return super().flush_due or (self.idle and self.pending > 0 and waited * 1000 >= self.settings.flush)

    @property
    def metadata(self) -> str:
        """The origin's clock, and the mark."""
        clock = "" if self.origin is None or self.origin.clock is None else str(self.origin.clock)
        return clock + super().metadata

    async def still_there(self) -> bool:
        """See `Task`."""
        return await self.tasks.still_there(self)

    def take(self) -> list[Record]:
        """A record for each home partition, and the dead letters."""
        assert self.origin is not None
        assert self.position is not None
        records, self._dead, self._facts = self._dead, [], 0
        caught_up = self.caught_up
        said = (self.origin.clock, caught_up)
        live = caught_up and self.settings.clock == "wall"
        now = monotonic()
        # In wall mode a quiet origin's clock is the wall clock, and has to be told on.
        if not (self.pending or said != self._said or (live and now - self._said_at >= _IDLE_PROGRESS_SECONDS)):
            return records
        clock = int(time() * 1000) if live else None
        dealt = self.origin.deal(self.position - 1, caught_up=caught_up, clock=clock)
        self._said, self._said_at = (self.origin.clock, caught_up), now
        for home, parts in enumerate(dealt):
            records.extend(Record(self.settings.shuffle_topic, home, None, encode_shuffle(part)) for part in parts)
            if home != self.tp.partition:
                self.metrics.events_rekeyed_total.labels(self.tp.topic).inc(sum(len(part.events) for part in parts))
        return records

    def _reject(self, record: object, refusal: Rejected, timestamp: int | None) -> None:
        offset, key, value = record.offset, record.key, record.value  # type: ignore[attr-defined]
        letter = DeadLetter(
            reason=refusal.reason,
            field=refusal.field,
            detail=refusal.detail,
            origin=RecordPlace(topic=self.tp.topic, partition=self.tp.partition, offset=offset),
            at=int(time() * 1000) if timestamp is None else timestamp,
            raw=value,
            key=key,
        )
        self._dead.append(dead_letter(self.settings.topic("dead_letters"), self.tasks.dead_letter_partitions, letter))
        self.metrics.events_rejected_total.labels(self.tp.topic, refusal.reason.value).inc()
        self.metrics.dead_letters_total.labels(self.tp.topic, refusal.reason.value).inc()

    def _measure(self, batch: Batch, started: float) -> None:
        if not batch.records:
            return
        self.metrics.batch_records.labels(self.stage).observe(len(batch.records))
        self.metrics.batch_seconds.labels(self.stage).observe(monotonic() - started)
        self.metrics.event_age_seconds.observe(max(0.0, time() - batch.records[-1].timestamp / 1000))


def dead_letter(topic: str, partitions: int, letter: DeadLetter) -> Record:
    """The record of a dead letter; those of one input partition stay in order."""
    partition = letter.origin.partition % partitions
    return Record(topic, partition, None, encode(letter), dead_letter_headers(letter))


def _marker(headers: object) -> bytes | None:
    for name, value in headers:  # type: ignore[attr-defined]
        if name == MARKER_HEADER:
            return value if isinstance(value, bytes) else b""
    return None


def _type_of(event: InputEvent, topic: InputTopic) -> str:
    if topic is InputTopic.ACCOUNTS:
        return "account_update"
    return str(getattr(event, "type", None) or getattr(event, "command", ""))
