"""Engagement: one home partition. Merge, fold, close days, raise and resolve alerts."""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from time import monotonic, time
from typing import TYPE_CHECKING, Any, ClassVar, Final

from faust.types import TP

from schemas.alerts import Transition, transition_headers
from schemas.codec import encode
from schemas.commands import CommandBase
from schemas.errors import StateError, VersionError
from schemas.shuffle import ShuffleRecord, decode_shuffle, input_of
from streams.detection.config import DAY_MS
from streams.detection.engine import Engine
from streams.detection.fleet_log import FleetLog, cut
from streams.detection.home import DECODED, Home
from streams.detection.merge import Merge, Progress
from streams.detection.results import RefusedCommand, TurnedAway
from streams.detection.stall import FLEET_ID
from streams.detection.statements import is_claim
from streams.runtime.foreign import Held, foreign
from streams.runtime.ingest import home_of
from streams.runtime.letters import dead_letter, letter_of
from streams.runtime.metrics import Counted
from streams.runtime.past import PAST_MS, ROW, Past, with_flush
from streams.runtime.placing import notification_record
from streams.runtime.resume import Loss, What
from streams.runtime.stores import CHUNK, Rows
from streams.runtime.task import URGENT_SECONDS, StatefulTask
from streams.runtime.topics import ENGAGEMENT
from streams.runtime.transport import Batch
from streams.runtime.writer import Record

if TYPE_CHECKING:
    from streams.runtime.tasks import Tasks

log = logging.getLogger(__name__)

PROGRESS: Final = b"\0progress"
"""Key of the row that says how far the partition has come; no account id has a control character."""
BOOTSTRAP: Final = b"\0bootstrap"
"""Key of a row that is there while the partition waits for its history: no worker must go on without it."""
FLEET: Final = b"\0fleet"
"""Key of the row with what the partition knows of the fleet."""
_PICTURES: Final = 500
_PICTURES_BESIDE: Final = 200
"""Pictures in a flush: they are the larger part of its work. While a task lags there are none, and while events come in
all the time fewer, and those once a second."""


def is_account(key: bytes | None) -> bool:
    """Whether a row is an account's, and not the partition's own."""
    return key is not None and not key.startswith(b"\0")


def _name_of(key: bytes) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError as error:
        raise StateError(f"the row {key!r} is no account's: its key is no text") from error


class Engagement(StatefulTask):
    """A home partition."""

    stage: ClassVar[str] = "engagement"
    table_name: ClassVar[str] = ENGAGEMENT
    ahead: ClassVar[int] = 200

    def __init__(self, tp: TP, tasks: "Tasks") -> None:
        super().__init__(tp, tasks)
        self.home: Home | None = None
        self._counted: Counted = {}
        """What the metrics have of what it counts."""
        self._waits_since = 0.0
        self._cut_off = -1
        self._pictured_at = 0.0
        self.restored = False
        """There was state to begin with."""
        self._foreign: list[Record] = []
        self._refusals: list[RefusedCommand] = []
        self._told = 0
        self._full = False
        self._past: Past | None = None

    async def load(self, rows: Rows, earliest: int) -> int:
        """See `StatefulTask`. Raises `StateError` also for one that is half made."""
        if rows.get(BOOTSTRAP) is not None:
            raise StateError(
                f"home partition {self.tp.partition} has not got its history yet: a bootstrap was interrupted; run it "
                "again, or slackwater reset, which forgets it"
            )
        stored = rows.get(PROGRESS)
        progress = Progress.decode(stored) if stored is not None else None
        self.restored = progress is not None
        self.log = replace(self.log, first=earliest)
        stood = None if progress is None else progress.low if progress.read <= self.log.end else progress.read
        resumed = self.place(stood, progress.shuffle if progress else "")
        start = resumed.position
        if progress is not None and resumed.found is What.REMOVED:
            progress = replace(progress, low=start, read=max(start, progress.read))
        elif progress is not None and resumed.found is not None:  # nothing of what had been received is held there
            progress = replace(progress, low=start, read=start)
        config, live, most = self.settings.detection(), self.settings.clock == "wall", self.settings.max_waiting_events
        learnt = FleetLog(config, self.settings.partitions, rows.get(FLEET))
        await self.tasks.fleet.hold(learnt.position)
        if learnt.position > self.tasks.fleet.end:
            log.warning("%s was created anew: what is learnt of the fleet stays", self.settings.fleet_topic)
            learnt.position = 0
        merge = Merge(self.tasks.origins, progress, most=most, live=live, begun=self.log_end)
        home = Home(
            Engine(config, learnt),
            merge,
            lambda account: rows.get(account.encode()),
            decoded=DECODED // self.settings.partitions,
            log=self.tasks.fleet,
            partition=self.tp.partition,
            speaks=home_of(FLEET_ID, self.settings.partitions) == self.tp.partition,
            most=self.settings.max_partition_accounts,
        )
        accounts = ((_name_of(key), value) for key, value in rows.items() if is_account(key))
        while some := list(islice(accounts, CHUNK)):
            home.enter(some)
            await asyncio.sleep(0)
        self.home, self._counted = home, {}
        self._told = progress.read if progress else 0
        self._past = Past(self.tasks.routes, rows.get(ROW))
        self.metrics.standings.homes[self.tp.partition] = self.home
        return start

    async def end(self, patience: float) -> None:
        """See `Task`."""
        await super().end(patience)
        if self.metrics.standings.homes.get(self.tp.partition) is self.home:
            self.metrics.standings.homes.pop(self.tp.partition, None)

    async def accept(self, batch: Batch) -> None:
        """Hold back the events of a batch until their turn."""
        started = monotonic()
        home = self.home
        assert home is not None
        for record in batch.records:
            shuffled = self._shuffled(record, home)
            if shuffled is None:
                if record.offset >= self._told:  # what lies below is read again, and was told
                    self._foreign.append(foreign(self, record, "record of the shuffle"))
                continue
            home.receive(record.offset, shuffled)
            self.pending += len(shuffled.events)
            await asyncio.sleep(0)  # thousands of events each, and there may be many
        self._note_replaced(home)
        home.merge.read = max(home.merge.read, batch.end)
        if batch.records:
            self.metrics.batch_records.labels(self.stage).observe(len(batch.records))
            self.metrics.batch_seconds.labels(self.stage).observe(monotonic() - started)

    def _shuffled(self, record: Any, home: Home) -> ShuffleRecord | None:
        """What a record holds. None: it is none of the shuffle, or of an origin that is no input and never was, and
        would hold the clock for good. Raises `VersionError`."""
        try:
            shuffled = decode_shuffle(record.value or b"")
        except VersionError as error:
            raise VersionError(f"at offset {record.offset}: {error}") from error
        except ValueError:
            return None
        name, _, number = input_of(shuffled.origin).rpartition("/")
        is_input = self.tasks.inputs.get(name) is shuffled.topic and number.isascii() and number.isdigit()
        return shuffled if is_input or home.merge.knows(shuffled.origin) else None

    def _note_replaced(self, home: Home) -> None:
        """Each home hears that an input topic was created anew; the first one tells it."""
        for partition, read in home.merge.replaced if self.tp.partition == 0 else ():
            topic, _, number = partition.rpartition("/")
            self.lost(Loss(What.REPLACED, topic, int(number), read, 0))
        home.merge.replaced.clear()

    async def work(self) -> None:
        """Apply what has its turn, and honour what is due."""
        assert self.home is not None
        for whole in self.home.step(idle=self.idle):
            if whole and self.closing:  # what is done can still be flushed; the next owner does the rest
                break
            if whole and self._much_to_flush:
                await self._flush()
            else:
                await asyncio.sleep(0)
        for held in self.home.foreign():
            if self.tp.partition == 0:  # each home comes upon it, and one tells it
                fleet = TP(self.settings.fleet_topic, 0)
                self._foreign.append(
                    foreign(self, Held(*held, int(time() * 1000)), "record of the fleet's log", tp=fleet)
                )
        self._look_at_the_wait(self.home.waits_for)
        self._counted = self.metrics.observe_home(self.home, self.settings.topic("usage"), self._counted)

    def _look_at_the_wait(self, day: int | None) -> None:
        """On the wall clock a day is not waited for without end: one home that cannot work would hold up all."""
        now = monotonic()
        if day is None or self.settings.clock != "wall":
            self._waits_since = 0.0
        elif not self._waits_since:
            self._waits_since = now
        elif now - self._waits_since >= self.settings.fleet_wait / 1000 and self._cut_off < day:
            self._cut_off = day
            log.warning(
                "home partition %d: others have not closed day %d, it closes without them", self.tp.partition, day
            )
            self.tasks.fleet.post(cut(day))

    @property
    def _much_to_flush(self) -> bool:
        # A long way to catch up is to be lost neither by a crash nor by a rebalance; and changed accounts take memory.
        assert self.home is not None
        late = monotonic() - self._flushed_at >= self.settings.lagging_flush / 1000
        return late or self.home.full

    @property
    def urgent(self) -> bool:
        """There are transitions, or pictures that were left for later."""
        return self.home is not None and (self.home.urgent or (self.home.unpictured > 0 and self._pictures > 0))

    @property
    def _urgent_pause(self) -> float:
        # A flush writes all accounts that have changed: while more comes in all the time, many flushes write them many
        # times, and soon leave no time to read.
        if not self.pending:
            return URGENT_SECONDS
        return max(URGENT_SECONDS, min(2 * self._took, self.settings.flush / 2000))

    @property
    def _pictures(self) -> int:
        """How many pictures a flush may have now: nobody waits for them as for a transition."""
        if self.lagging:
            return 0
        if self.closing or (self.idle and not self.pending):
            return _PICTURES
        return _PICTURES_BESIDE if monotonic() - self._pictured_at >= self.settings.flush / 1000 else 0

    @property
    def has_room(self) -> bool:
        """See `Task`. While a day is waited for, no more events are held than otherwise."""
        home, most = self.home, self.settings.max_waiting_events
        return super().has_room and not (home is not None and home.waits_for is not None and len(home.merge) > most)

    @property
    def lagging(self) -> bool:
        """Input is still far from its end, here or at an origin; or all is read, and days are still to be lived."""
        merge = None if self.home is None else self.home.merge
        return super().lagging or (merge is not None and (not merge.caught_up or merge.overdue > DAY_MS))

    def take(self) -> Iterator[Record]:
        """Transitions, dead letters, pictures, and the changelog with the progress at its end."""
        home, past, pictures = self.home, self._past, self._pictures
        assert home is not None
        assert past is not None
        catching_up = past.due and self._caught_up
        news = home.changed or home.moved or self.position != self.flushed_position or catching_up
        if not (news or (pictures and home.unpictured)):
            return
        settings, partition = self.settings, self.tp.partition
        output = home.take(pictures=pictures)
        if pictures:
            self._pictured_at = monotonic()
        health = settings.topic("health")
        yield from self._said(output.transitions, past)
        for refused in output.refused:
            yield self._refused(refused)
        yield from self._without_room(output.turned_away)
        yield from self._foreign
        self._foreign = []
        for name, value in output.pictures:
            yield Record(health, partition, name.encode(), value)
        rows: Iterable[tuple[str, bytes]] = output.rows
        if catching_up:
            rows = list(rows)
            yield from self._catch_up(past, rows)
        for name, value in rows:
            yield self.row(name.encode(), value)
        for counted in past.changed():
            yield self.row(ROW, counted)
        if output.fleet is not None:
            yield self.row(FLEET, output.fleet)
        yield self.row(PROGRESS, replace(output.progress, shuffle=self.mark).encode())

    def _said(self, transitions: list[Transition], past: Past) -> Iterator[Record]:
        """Transitions, with those of the past marked and noted."""
        topic, partition = self.settings.topic("alerts"), self.tp.partition
        oldest = int(time() * 1000) - PAST_MS if self.settings.clock == "wall" else 0
        for each in transitions:
            account, of_past = each.account_id.encode(), each.at < oldest
            if of_past:
                past.note(each, self.tasks.store(ENGAGEMENT).rows(partition).get(account))
            yield Record(topic, partition, account, encode(each), transition_headers(each, past=of_past))
            self.metrics.alerts_total.labels(each.kind.value, each.severity.value, each.change.value).inc()

    @property
    def _caught_up(self) -> bool:
        """All that there was to read is read and applied, and every day that is over is closed."""
        home = self.home
        if home is None or self.lagging or not self.idle or home.waits_for is not None or home.clock is None:
            return False
        return self.settings.clock == "events" or home.clock > time() * 1000 - PAST_MS

    def _catch_up(self, past: Past, flush: list[tuple[str, bytes]]) -> Iterator[Record]:
        """The message about the past, for who puts it together with those of the other homes."""
        home, settings, partition = self.home, self.settings, self.tp.partition
        assert home is not None
        rows = with_flush(self.tasks.store(ENGAGEMENT).rows(partition).items(), flush)
        place, now = f"{super().metadata}/{self.position}", int(time() * 1000)
        timezone = settings.timezone
        note = past.message(rows, home.account, home.odds, partition=partition, place=place, at=now, timezone=timezone)
        if note is not None:
            yield notification_record(note, settings)

    async def written(self, records: list[Record], offsets: list[int]) -> None:
        """See `Task`."""
        await super().written(records, offsets)
        refusals, self._refusals = self._refusals, []
        for each in refusals:
            if isinstance(each.fact.body, CommandBase):
                self.tasks.refusals.tell(each.fact.body, each.refusal.detail, int(time() * 1000))

    def _refused(self, refused: RefusedCommand) -> Record:
        self._refusals.append(refused)
        fact = refused.fact
        each = TurnedAway(fact.origin, fact.offset, fact.at, fact.body, refused.refusal)
        return self._turned_away(each, "alias" if is_claim(fact) else "command")

    def _without_room(self, turned_away: list[TurnedAway]) -> Iterator[Record]:
        """Events of more accounts than there may be."""
        if turned_away and not self._full:
            log.error(
                "home partition %d: it has %d accounts, and takes no new ones: what comes of others is a dead letter",
                self.tp.partition,
                self.settings.max_partition_accounts,
            )
        self._full |= bool(turned_away)
        for each in turned_away:
            yield self._turned_away(each, "event")

    def _turned_away(self, each: TurnedAway, what: str) -> Record:
        letter = letter_of(each, what)
        self.metrics.dead_letters_total.labels(letter.origin.topic, letter.reason.value).inc()
        return dead_letter(self.settings.topic("dead_letters"), self.tasks.dead_letter_partitions, letter)
