"""The last records of an input topic, read as a worker would read them."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from time import time
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from alerting.markup import clean
from schemas.accounts import AccountUpdate
from schemas.errors import Reason, Rejected
from schemas.events import InputEvent, InputTopic, moment
from schemas.formats.options import Format
from schemas.formats.outcome import Ignored, Outcome
from schemas.formats.reader import FORMATS, read
from schemas.plain_usage import UsageFields, fields_of
from schemas.usage import UsageEvent
from streams.cli.reading import last_records, reader
from streams.detection.names import Names
from streams.detection.origin import MARKER_HEADER
from streams.runtime.parked import WAITS
from streams.runtime.settings import Settings

SECONDS: Final = 6.0
BYTES: Final = 32 << 20
_APPEND_TIME: Final = 1
_FIELD_CHARACTERS: Final = 80


@dataclass(frozen=True, slots=True)
class Example:
    """The last record that was turned away for a reason. `detail` repeats nothing that the record's texts hold."""

    place: str
    field: str | None
    detail: str


@dataclass(slots=True)
class Sample:
    """What the records of a topic came to. Times in milliseconds."""

    topic: InputTopic
    form: Format
    records: int = 0
    """Without markers."""
    read: int = 0
    """Those that hold events."""
    ignored: Counter[Ignored] = field(default_factory=Counter)
    rejected: Counter[Reason] = field(default_factory=Counter)
    examples: dict[Reason, Example] = field(default_factory=dict)
    read_as: Counter[Format] = field(default_factory=Counter)
    """How many of those that were turned away another format would read."""
    other_keys: int = 0
    """Account updates whose key is not the account's id."""
    newest: int | None = None
    """Of the records' own timestamps."""
    from_broker: bool = False
    """These are the broker's times, and not the producers'."""
    ages: list[int] = field(default_factory=list)
    """How much older than its record each event is."""
    usage: list[UsageFields] = field(default_factory=list)
    parks: Names | None = None
    """Ids that have to be an account's alias."""
    waiting: Counter[str] = field(default_factory=Counter)
    """Events by such an id."""
    named: set[str] = field(default_factory=set)
    """Ids that account updates name: their accounts', and aliases."""
    unread: set[TopicPartition] = field(default_factory=set)
    """Partitions that hold more than came in time."""

    def take(self, settings: Settings, record: Any) -> None:
        """Look at a record."""
        if any(name == MARKER_HEADER for name, _ in record.headers):
            return
        self.records += 1
        if record.timestamp >= 0:
            self.newest = max(self.newest or 0, record.timestamp)
            self.from_broker = record.timestamp_type == _APPEND_TIME
        found = self._judged(settings, record, self._outcome(settings, record, self.form))
        if isinstance(found, Ignored):
            self.ignored[found] += 1
        elif isinstance(found, Rejected):
            self._note(settings, record, found)
        else:
            self.read += 1
            for event in found:
                self._event(record, event)

    def _outcome(self, settings: Settings, record: Any, form: Format) -> Outcome:
        most, lookup = settings.max_record_bytes, settings.lookup
        return read(self.topic, form, record.value, record.headers, lookup=lookup, max_bytes=most)

    def _judged(self, settings: Settings, record: Any, found: Outcome) -> Outcome:
        """With what is known only when a record is read: an event of the future is turned away."""
        if isinstance(found, Rejected | Ignored) or record.timestamp < 0:
            return found
        latest = min(record.timestamp, int(time() * 1000)) if settings.clock == "wall" else record.timestamp
        ahead = max(map(moment, found)) - latest
        if ahead <= settings.future_tolerance:
            return found
        detail = f"is {ahead // 1000:,} s later than its record"
        return Rejected(Reason.TIME_IN_FUTURE, None, detail)

    def _note(self, settings: Settings, record: Any, found: Rejected) -> None:
        self.rejected[found.reason] += 1
        place = f"{record.topic}/{record.partition}/{record.offset}"
        self.examples[found.reason] = Example(
            place, found.field and clean(found.field)[:_FIELD_CHARACTERS], found.detail
        )
        for form in FORMATS[self.topic]:
            if form not in (self.form, Format.AUTO) and isinstance(self._outcome(settings, record, form), tuple):
                self.read_as[form] += 1

    def _event(self, record: Any, event: InputEvent) -> None:
        if record.timestamp >= 0:
            self.ages.append(record.timestamp - moment(event))
        if self.parks is not None and self.topic in WAITS and self.parks.match(event.account_id):
            self.waiting[event.account_id] += 1
        if isinstance(event, AccountUpdate):
            self.named.update((event.account_id, *(event.aliases or ())))
        if isinstance(event, UsageEvent):
            self.usage.append(fields_of(event))
        elif isinstance(event, AccountUpdate) and record.key != event.account_id.encode():
            self.other_keys += 1


async def samples(settings: Settings, counts: dict[str, int], most: int) -> AsyncIterator[Sample]:
    """Of each input topic that is there, from about `most` records. Raises what a client raises."""
    there = [topic for topic in InputTopic if settings.topic(topic.value) in counts]
    if not there:
        return
    consumer = reader(settings, "check")
    try:
        await consumer.start()
        for topic in there:
            name = settings.topic(topic.value)
            parts = [TopicPartition(name, number) for number in range(counts[name])]
            yield await _sample(settings, consumer, topic, parts, most)
    finally:
        await consumer.stop()


async def _sample(
    settings: Settings, consumer: AIOKafkaConsumer, topic: InputTopic, parts: Sequence[TopicPartition], most: int
) -> Sample:
    parks = Names(settings.park_ids) if settings.park_ids else None
    found = Sample(topic, settings.format_of(topic), parks=parks)
    async for record in last_records(consumer, parts, most, SECONDS, BYTES, found.unread):
        found.take(settings, record)
    return found
