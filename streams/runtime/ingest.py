"""Ingest: one input partition. Decode, validate, and deal out by home partition."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from time import monotonic, time
from typing import TYPE_CHECKING, Any, ClassVar

from aiokafka import OffsetAndMetadata
from aiokafka.partitioner import murmur2
from faust.types import TP

from schemas.alias_log import AliasRecord, encode_alias_record
from schemas.codec import decode
from schemas.dead_letter import DeadLetter, RecordHeader, RecordPlace
from schemas.errors import Rejected
from schemas.events import InputEvent, InputTopic, moment
from schemas.formats.options import Format
from schemas.formats.outcome import Ignored, Outcome
from schemas.formats.reader import read
from schemas.instants import LATEST
from schemas.plain_usage import MOST, read_plainly
from schemas.shuffle import ShuffleRecord, encode_shuffle
from schemas.usage import UsageEvent
from streams.detection.aliases import FOREVER
from streams.detection.origin import MARKER_HEADER, Origin, Unknown
from streams.runtime.foreign import Held, foreign
from streams.runtime.letters import dead_letter, instant_of
from streams.runtime.parked import WAITS, ParkedRecords
from streams.runtime.parked_topic import Entry, Unreadable
from streams.runtime.resume import Log, Loss, What
from streams.runtime.task import Task
from streams.runtime.transport import Batch
from streams.runtime.writer import Record

if TYPE_CHECKING:
    from streams.runtime.tasks import Tasks

_IDLE_PROGRESS_SECONDS = 5.0
_PLAIN = (Format.NATIVE, Format.AUTO)
"""Formats of records that may be read as plain usage events; see `read_plainly`."""


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
        self.parked: ParkedRecords | None = None
        """What waits; None of a topic of which nothing does."""
        self._format = tasks.settings.format_of(self.topic)
        self._lookup = tasks.settings.lookup
        self._ignored: Counter[Ignored] = Counter()
        self._anew = False
        self._dead: list[Record] = []
        self._facts = 0
        self._caught_up = False
        self._said_at = 0.0
        self._said: tuple[int | None, bool] | None = None
        self._stated: tuple[int | None, bool] | None = None

    async def resume(self, commit: OffsetAndMetadata | None, log: Log) -> int:
        """See `Task`. Of a topic that was created anew nothing is known, its clock neither."""
        start = await super().resume(commit, log)
        prefix = f"{self.settings.topic(InputTopic.ACCOUNTS)}/"
        self.tasks.aliases.known.expected = frozenset(each for each in self.tasks.origins if each.startswith(prefix))
        await self.tasks.aliases.hold()
        self.restore("" if commit is None or self._anew else commit.metadata)
        if self.parked is not None:
            inputs = self.tasks.inputs
            origins = {each for each in self.tasks.origins if inputs[each.rpartition("/")[0]] in WAITS}
            entries = await self.tasks.parked.entries(f"{self.tp.topic}/{self.tp.partition}", origins)
            self._begin_with(self.parked, entries)
        return start

    def _begin_with(self, parked: ParkedRecords, entries: Sequence[Entry]) -> None:
        parked.load(entries)
        waiting = TP(self.settings.parked_topic, 0)
        for each in entries:
            if isinstance(each, Unreadable):  # its row is deleted where the dead letter is written
                held = Held(each.offset, each.value, each.timestamp, each.key)
                self._dead.append(foreign(self, held, "record that waits", tp=waiting))

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
        settings, known = self.settings, self.tasks.aliases.known
        partitions = settings.partitions
        self.origin = origin = Origin(
            self.topic,
            f"{self.tp.topic}/{self.tp.partition}" + (f"@{self.mark}" if self.mark else ""),
            homes=partitions,
            home_of=lambda account: home_of(account, partitions),
            out_of_order=settings.out_of_order,
            future_tolerance=settings.future_tolerance,
            user_key=settings.user_key,
            previous_user_key=settings.previous_user_key,
            clock=int(clock) if clock.lstrip("-").isdigit() else None,
            rule=settings.usage_rule(),
            aliases=known,
        )
        if self.topic in WAITS:
            began = int(time() * 1000)
            self.parked = ParkedRecords(origin, known, settings, self.metrics, self._read, began)

    @property
    def caught_up(self) -> bool:
        """The partition was read to its end, and has not fallen behind since."""
        if self.idle and self.expected >= self.log_end:
            self._caught_up = True
        elif self.lagging:
            self._caught_up = False
        return self._caught_up

    async def accept(self, batch: Batch) -> int | None:
        """Decode a batch; what cannot be read becomes a dead letter. An event of which it is not known yet what its id
        stands for is waited for."""
        started = monotonic()
        origin, stood = self.origin, None
        assert origin is not None
        counts: Counter[str] = Counter()
        # Nothing that is live can come from the future, whatever a record says of its own time, or if it says none.
        now = int(time() * 1000)
        latest, otherwise = (now, now) if self.settings.clock == "wall" else (LATEST, None)
        usage, plain = self.topic is InputTopic.USAGE, 0
        quick = usage and self._format in _PLAIN and self.settings.max_record_bytes >= MOST
        horizon = self._horizon
        ahead = origin.clock is not None and origin.clock >= horizon
        for record in batch.records:
            timestamp = record.timestamp if 0 <= record.timestamp < latest else otherwise
            fields = read_plainly(record.value or b"") if quick else None
            if fields is None or record.headers:
                if not self._take(record, timestamp, horizon, counts):
                    stood = record.offset
                    break
                ahead = origin.clock is not None and origin.clock >= horizon
                continue
            if (ahead or fields[1] >= horizon) and self._has_to_wait(fields[1], timestamp, horizon):
                stood = record.offset
                break
            refusal = origin.take_usage(record.offset, fields, timestamp)
            if refusal is None:
                plain += 1
            else:
                self._turn_away(record, refusal, timestamp)
        if plain:
            counts["usage"] += plain
        self._count(counts, origin)
        if not usage:
            self._facts += sum(counts.values())
        taken = batch.records if stood is None else [each for each in batch.records if each.offset < stood]
        self.pending += len(taken)
        self._measure(taken, started)
        return stood

    def _count(self, counts: Counter[str], origin: Origin) -> None:
        topic, metrics = self.tp.topic, self.metrics
        for name, count in counts.items():
            metrics.events_total.labels(topic, name).inc(count)
        for by, count in origin.excluded.items():
            metrics.events_excluded_total.labels(topic, by.value).inc(count)
        origin.excluded.clear()
        for why, count in self._ignored.items():
            metrics.events_ignored_total.labels(topic, why.value).inc(count)
        self._ignored.clear()
        metrics.events_aliased_total.labels(topic).inc(origin.aliased)
        origin.aliased = 0

    @property
    def _horizon(self) -> int:
        """Before it is known what every id stands for. An account update is its own account's."""
        return FOREVER if self.topic is InputTopic.ACCOUNTS else self.tasks.aliases.known.horizon

    def _has_to_wait(self, at: int, timestamp: int | None, horizon: int) -> bool:
        assert self.origin is not None
        place = self.origin.place_at(at, timestamp)
        return place is not None and place >= horizon

    def _take(self, record: Any, timestamp: int | None, horizon: int, counts: Counter[str]) -> bool:
        """A marker, or an event that has to be looked at closely. False: it has to wait."""
        origin = self.origin
        assert origin is not None
        marker = _marker(record.headers) if record.headers else None
        refusal: Rejected | Unknown | None
        if marker is None and record.value is None and self.topic is InputTopic.ACCOUNTS:
            return True  # a tombstone of a compacted topic
        if marker is not None:
            refusal = origin.mark(marker, timestamp)
        else:
            events = self._read(record)
            # All have one time: all of them wait, or none does.
            if isinstance(events, tuple) and self._has_to_wait(moment(events[0]), timestamp, horizon):
                return False
            refusal = self._take_events(record.offset, events, timestamp, counts)
        if refusal is not None:
            self._turn_away(record, refusal, timestamp)
        return True

    def _take_events(
        self, offset: int, events: Outcome, timestamp: int | None, counts: Counter[str]
    ) -> Rejected | Unknown | None:
        """The events of a record in their place, or why there is none. None of them is of the future, or all are; and
        all are one account's."""
        assert self.origin is not None
        if isinstance(events, Rejected):
            return events
        if isinstance(events, Ignored):
            self._ignored[events] += 1
            return None
        for event in events:
            refusal = self.origin.take(offset, event, timestamp)
            if refusal is not None:
                return refusal
            counts[_type_of(event, self.topic)] += 1
        return None

    def _read(self, record: Any) -> Outcome:
        most = self.settings.max_record_bytes
        if self._format is not Format.NATIVE:
            return read(self.topic, self._format, record.value, record.headers, lookup=self._lookup, max_bytes=most)
        event = decode(self.topic, record.value, max_bytes=most)
        return event if isinstance(event, Rejected) else (event,)

    @property
    def urgent(self) -> bool:
        """Facts are waited for, and so is the news that the end was reached."""
        if self._facts or self._dead or (self.caught_up and not (self._said and self._said[1])):
            return True
        # The others read on no further than the accounts topic has come; and who has records that wait tells no more.
        told = None if self._said is None else self._said[0]
        return (self.topic is InputTopic.ACCOUNTS or self._until < FOREVER) and self._announced != told

    @property
    def waits(self) -> bool:
        """It has records of which it cannot be told yet whose they are: it looks for what comes of aliases."""
        return bool(self.parked_records)

    @property
    def parked_records(self) -> int | None:
        """See `Task`."""
        return None if self.parked is None else len(self.parked)

    @property
    def _announced(self) -> int | None:
        """Its clock, as it can be told to the homes."""
        return None if self.origin is None else self.origin.announced(self._until)

    @property
    def _until(self) -> int:
        return FOREVER if self.parked is None else self.parked.holds_until

    @property
    def flush_due(self) -> bool:
        """Sooner than elsewhere: who has nothing to read for now, be it that it is too far ahead of the others, must
        not keep them waiting."""
        waited, stands = monotonic() - self._flushed_at, self.idle or self.held_up
        return super().flush_due or (stands and self.pending > 0 and waited * 1000 >= self.settings.flush)

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
        onward, rows = self._send_on()
        records, self._dead, self._facts = self._dead, [], 0
        caught_up = self.caught_up
        said = (self._announced, caught_up)
        # What it stands before has a place by its own time yet.
        live = caught_up and self.settings.clock == "wall" and not self.held_up
        now = monotonic()
        # In wall mode a quiet origin's clock is the wall clock, and has to be told on.
        if not (self.pending or said != self._said or (live and now - self._said_at >= _IDLE_PROGRESS_SECONDS)):
            return [*records, *self._shuffled(onward), *rows]
        clock = int(time() * 1000) if live else None
        dealt = self.origin.deal(self.position - 1, caught_up=caught_up, clock=clock, until=self._until)
        records.extend(self._statements(caught_up=caught_up, live=live))
        self._said, self._said_at = (self._announced, caught_up), now
        # What has waited comes before the clock that passes its place.
        return [*records, *self._shuffled(onward), *self._shuffled(dealt), *rows]

    def _shuffled(self, dealt: list[list[ShuffleRecord]]) -> Iterator[Record]:
        for home, parts in enumerate(dealt):
            yield from (Record(self.settings.shuffle_topic, home, None, encode_shuffle(part)) for part in parts)
            if home != self.tp.partition:
                self.metrics.events_rekeyed_total.labels(self.tp.topic).inc(sum(len(part.events) for part in parts))

    def _send_on(self) -> tuple[list[list[ShuffleRecord]], list[Record]]:
        """Those whose wait is over, to their accounts' homes or as dead letters; and the rows that change with it."""
        if self.parked is None:
            return [], []
        over = self.parked.over()
        for record, found in self.parked.send_on(over) if over else ():
            if isinstance(found, Rejected):
                self._reject(record, found, record.timestamp if record.timestamp >= 0 else None)
            else:
                self.metrics.events_total.labels(self.tp.topic, _type_of(found, self.topic)).inc()
        return self.parked.dealt() if over else [], list(self.parked.rows(over))

    def _statements(self, *, caught_up: bool, live: bool) -> Iterator[Record]:
        """What a partition of the accounts topic tells the others. While it is live, that it is says it all."""
        origin = self.origin
        assert origin is not None
        assert self.position is not None
        if origin.statements is None:
            return
        new, stated = origin.statements.take(), (None if live else origin.clock, caught_up)
        if new or stated != self._stated:
            self._stated = stated
            value = encode_alias_record(AliasRecord(origin.name, self.position - 1, origin.clock, caught_up, new))
            yield Record(self.settings.alias_topic, 0, None, value)

    def _turn_away(self, record: Any, why: Rejected | Unknown, timestamp: int | None) -> None:
        """A dead letter; or what waits, if there is room."""
        if isinstance(why, Unknown):
            assert self.parked is not None
            refusal = self.parked.park(record, why)
            if refusal is None:
                return
            why = refusal
        self._reject(record, why, timestamp)

    def _reject(self, record: object, refusal: Rejected, timestamp: int | None) -> None:
        offset, key, value = record.offset, record.key, record.value  # type: ignore[attr-defined]
        letter = DeadLetter(
            reason=refusal.reason,
            field=refusal.field,
            detail=refusal.detail,
            origin=RecordPlace(topic=self.tp.topic, partition=self.tp.partition, offset=offset),
            at=instant_of(timestamp),
            raw=value,
            key=key,
            headers=_kept(record.headers),  # type: ignore[attr-defined]
        )
        self._dead.append(dead_letter(self.settings.topic("dead_letters"), self.tasks.dead_letter_partitions, letter))
        self.metrics.events_rejected_total.labels(self.tp.topic, refusal.reason.value).inc()
        self.metrics.dead_letters_total.labels(self.tp.topic, refusal.reason.value).inc()

    def _measure(self, records: list[Any], started: float) -> None:
        if not records:
            return
        self.metrics.batch_records.labels(self.stage).observe(len(records))
        self.metrics.batch_seconds.labels(self.stage).observe(monotonic() - started)
        if (timestamp := records[-1].timestamp) >= 0:
            self.metrics.event_age_seconds.observe(max(0.0, time() - timestamp / 1000))


def _kept(headers: Iterable[tuple[str, bytes | None]]) -> tuple[RecordHeader, ...] | None:
    return tuple(RecordHeader(name=name, value=value) for name, value in headers) or None


def _marker(headers: object) -> bytes | None:
    for name, value in headers:  # type: ignore[attr-defined]
        if name == MARKER_HEADER:
            return value if isinstance(value, bytes) else b""
    return None


def _type_of(event: InputEvent, topic: InputTopic) -> str:
    if isinstance(event, UsageEvent):
        return "usage"
    if topic is InputTopic.ACCOUNTS:
        return "account_update"
    return str(getattr(event, "type", None) or getattr(event, "command", ""))
