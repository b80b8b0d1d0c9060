"""What an ingest task has parked: records of which it cannot be told yet whose they are.

Their rows are written in the transaction that goes on behind them. When an account names their id they are read again
and sent to its home, with the place of that update and under an origin of their own: its numbers begin where the last
ones ended, as the offsets of the input partition have gone by long since.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from alerting.words import span
from schemas.errors import Reason, Rejected
from schemas.events import InputEvent, InputTopic
from schemas.formats.outcome import Ignored, Outcome
from schemas.parked_log import ParkedProgress, ParkedRecord, encode_parked
from schemas.shuffle import ShuffleRecord, parked_of, place_of
from streams.detection.aliases import FOREVER, Aliases
from streams.detection.config import DAY_MS
from streams.detection.origin import Origin, Unknown
from streams.detection.parking import Over, Parked, Parking
from streams.runtime.metrics import Metrics
from streams.runtime.parked_topic import Entry, Unreadable
from streams.runtime.settings import Settings
from streams.runtime.writer import Record

log = logging.getLogger(__name__)

WAITS: Final = frozenset({InputTopic.USAGE, InputTopic.BILLING, InputTopic.FEEDBACK})
"""Topics whose records may wait. An account update says itself whose it is, and a command wants an answer."""


class ParkedRecords:
    """Those of the input partition that `origin` is. `read` makes events of a record. Numbers begin above `began`, the
    time (ms), so that they go on rising should what is stored of them be lost."""

    def __init__(
        self,
        origin: Origin,
        known: Aliases,
        settings: Settings,
        metrics: Metrics,
        read: Callable[[Any], Outcome],
        began: int,
    ) -> None:
        self._origin = origin
        self._live = settings.clock == "wall"
        self._known = known
        self._read = read
        self._metrics = metrics
        self._partition = place_of(origin.name)
        self._topic = self._partition.rpartition("/")[0]
        self._rows_topic = settings.parked_topic
        self._wait = settings.park_for
        self._parking = Parking(known, self._partition, keep=settings.park_for, most=settings.max_parked_records)
        self._progress = self._stored = ParkedProgress(origin.name, -1, began)
        self._unsent: list[ParkedRecord] = []
        self._in_topic: set[bytes] = set()
        self._damaged: list[bytes] = []
        """Keys of rows that are dead letters, and to be deleted with that."""
        self._full = self._told = False
        self._ids = settings.park_ids
        self._onward = origin.beside(parked_of(self._partition))

    def __len__(self) -> int:
        return len(self._parking)

    @property
    def _clock(self) -> int:
        return -1 if self._origin.clock is None else self._origin.clock

    def load(self, entries: Iterable[Entry]) -> None:
        """Begin with what the task before has left."""
        for entry in entries:
            if isinstance(entry, Unreadable):
                self._damaged.append(entry.key)
            elif isinstance(entry, ParkedRecord):
                self._in_topic.add(entry.row)
                self._parking.keep(_waiting(entry))
            elif entry.origin == self._origin.name:
                self._progress = self._stored = entry
            else:  # the topic was created anew: none of its records has waited
                self._progress = replace(self._progress, sent=max(entry.sent, self._progress.sent))

    def park(self, record: Any, unknown: Unknown) -> Rejected | None:
        """Let a record wait that was just read; or say why not."""
        origin, offset = self._origin, record.offset
        if offset <= self._progress.read:
            return None  # it is read again, and waits or has waited
        entry = ParkedRecord(
            origin.name,
            offset,
            unknown.place,
            unknown.name,
            record.timestamp,
            record.key,
            record.value,
            tuple(record.headers),
        )
        self._progress = replace(self._progress, read=offset)
        if not len(self._parking):
            self._say_that_one_waits()
        if not self._parking.take(_waiting(entry), self._clock):
            if not self._full:
                log.warning("%s: no more records can wait for their account: they are dead letters", self._partition)
            self._full = True
            return Rejected(Reason.UNKNOWN_ACCOUNT, None, f"{_NAMED}, and as many wait already as may")
        self._full = False
        self._unsent.append(entry)
        self._metrics.events_parked_total.labels(self._topic).inc()
        return None

    def _say_that_one_waits(self) -> None:
        if self._known.count:
            log.info("%s: a record waits until an account names its id as an alias", self._partition)
        elif not self._told:
            self._told = True
            log.warning(
                "%s: no account has named an alias so far, and what comes under %s waits for that, up to %s; import "
                "the accounts with their aliases, or set park_ids = [] where each such id is an account by itself",
                self._partition,
                ", ".join(self._ids),
                span(self._wait),
            )

    @property
    def holds_until(self) -> int:
        """Nothing is sent on with a place before it."""
        return self._known.horizon if len(self._parking) else FOREVER

    def over(self) -> Over:
        """Whose wait is over by the clocks of the partition and of the accounts."""
        if not (self._in_topic or self._unsent):
            return Over()
        over = self._parking.over(min(self._clock, self._known.horizon))
        if over:
            sent, late = len(over.named), len(over.late)
            log.info("%s: of the records that waited %d go on, %d have waited in vain", self._partition, sent, late)
            self._metrics.events_released_total.labels(self._topic).inc(sent)
        return over

    def send_on(self, over: Over) -> Iterator[tuple[ParkedRecord, Rejected | InputEvent]]:
        """Deal out what was named. Gives its events, and what cannot be read any more, as settings have changed."""
        for place, account, parked in over.named:
            entry: ParkedRecord = parked.record
            events = self._read(_Again(entry))
            if isinstance(events, Rejected):
                yield entry, events
            elif not isinstance(events, Ignored):
                self._progress = replace(self._progress, sent=self._progress.sent + 1)
                # On the wall clock a mapping may be of any time; and no place is given that was announced as past.
                self._onward.clock = max(place, self._clock) if self._live else place
                for event in events:
                    self._onward.take(self._progress.sent, event.model_copy(update={"account_id": account}), None)
                    yield entry, event
        for parked in over.late:
            days = f"{self._wait / DAY_MS:g} days"
            yield parked.record, Rejected(Reason.UNKNOWN_ACCOUNT, None, f"{_NAMED}, and has not become one in {days}")

    def dealt(self) -> list[list[ShuffleRecord]]:
        """For each home the records with what was sent on."""
        dealt = self._onward.deal(self._progress.sent, caught_up=False)
        return [[each for each in records if each.events] for records in dealt]

    def rows(self, over: Over) -> Iterator[Record]:
        """The rows that have changed."""
        damaged, self._damaged = self._damaged, []
        yield from (Record(self._rows_topic, 0, row, None) for row in damaged)
        gone = dict.fromkeys(each.record.row for each in (*(parked for _, _, parked in over.named), *over.late))
        for row in gone:
            if row in self._in_topic:
                self._in_topic.remove(row)
                yield Record(self._rows_topic, 0, row, None)
        unsent, self._unsent = self._unsent, []
        for entry in unsent:
            if entry.row not in gone:
                self._in_topic.add(entry.row)
                yield Record(self._rows_topic, 0, entry.row, encode_parked(entry))
        if self._progress != self._stored:
            self._stored = self._progress
            yield Record(self._rows_topic, 0, self._partition.encode(), encode_parked(self._progress))


class _Again:
    """A parked record as it was fetched."""

    def __init__(self, entry: ParkedRecord) -> None:
        self.offset, self.timestamp = entry.offset, entry.timestamp
        self.key, self.value, self.headers = entry.key, entry.value, entry.headers


def _waiting(entry: ParkedRecord) -> Parked:
    size = len(entry.key or b"") + len(entry.value or b"") + sum(len(value or b"") for _, value in entry.headers)
    return Parked(entry.offset, entry.place, entry.name, size, entry)


_NAMED: Final = "names an id that has to be an account's alias (park_ids)"
