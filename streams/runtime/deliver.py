"""Deliver: one partition of the notifications topic, and so all of a route's messages, in order.

What arrives is stored in the table before anything of it is sent: with what is gathered of its account, then as a row
of its own, until it is final. A message that was answered is committed before the next one of its route goes out: a
crash repeats at most the one in flight.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from time import monotonic, time
from typing import TYPE_CHECKING, ClassVar, Final

import orjson
from faust.types import TP
from pydantic import ValidationError

from alerting.catch_up import whole
from alerting.delivery.answers import Answer, Verdict
from alerting.delivery.attempt import attempt
from alerting.gathering import Gathering, is_gathered
from alerting.notification import AnyNote, CatchUp, Notice, Notification, Undelivered, decode_note
from alerting.outbox import Earlier, Outbox, RouteStatus
from alerting.outbox_rows import Row
from alerting.routing import DEFAULT
from alerting.threads import is_first
from alerting.told_alerts import ToldAlerts
from schemas.errors import StateError
from schemas.shuffle import place_of
from schemas.versions import refuse_newer
from streams.runtime.foreign import foreign
from streams.runtime.ingest import home_of
from streams.runtime.resume import Loss, What
from streams.runtime.route_news import log_change, notice
from streams.runtime.stores import Rows
from streams.runtime.task import StatefulTask
from streams.runtime.topics import DELIVERIES
from streams.runtime.transport import Batch
from streams.runtime.writer import Record

if TYPE_CHECKING:
    from streams.runtime.tasks import Tasks

log = logging.getLogger(__name__)

POSITION: Final = b"\0position"
TAKEN: Final = b"\0taken"
"""Key of the row that says, for each route and partition of the alerts topic, the last transition that was taken in: a
group whose positions were lost reads them all again, and nobody is to be told twice."""
PARTS: Final = b"\0parts"
"""Key of the row with the parts of messages about the past, until they are put together."""
_OWN: Final = b"\0"
"""So the keys of rows begin that are none of the outbox's or of what is gathered."""
TOGETHER_SECONDS: Final = 30.0
"""So long after the last part a message is put together that does not have one of every home partition: those that
have nothing to tell say nothing."""
_AT_ONCE: Final = 100
"""Records that are taken in before anything else has its turn."""
_LAST_ANSWERS: Final = 3.0
"""Seconds that messages in flight have when the task ends."""


def is_waiting(key: bytes) -> bool:
    """Whether a row of the table is a message that waits to be sent."""
    name = key.decode()
    return not (key.startswith(_OWN) or name.endswith("/") or is_gathered(name) or is_first(name))


class Deliver(StatefulTask):
    """A partition of the notifications topic."""

    stage: ClassVar[str] = "deliver"
    table_name: ClassVar[str] = DELIVERIES

    def __init__(self, tp: TP, tasks: "Tasks") -> None:
        super().__init__(tp, tasks)
        self.outbox: Outbox | None = None
        self.gathering: Gathering | None = None
        self._sending: dict[asyncio.Task[Answer], Row] = {}
        self._dirty = False
        self._taken: dict[str, dict[str, int]] = {}
        self._taken_stored = b""
        self._told = ToldAlerts(())
        self._foreign: list[Record] = []
        self._parts: dict[str, dict[int, CatchUp]] = {}
        self._parts_stored: bytes | None = None
        self._part_at = 0.0
        self._given_up: list[Undelivered] = []
        self._notices: list[Notice] = []

    async def load(self, rows: Rows, earliest: int) -> int:
        """See `StatefulTask`."""
        stored = [(key.decode(errors="replace"), value) for key, value in rows.items() if not key.startswith(_OWN)]
        self._told = ToldAlerts(rows.items())
        self._taken_stored = rows.get(TAKEN) or b"{}"
        self._parts_stored = rows.get(PARTS)
        try:
            self._taken = orjson.loads(self._taken_stored)
            for text in orjson.loads(self._parts_stored or b"[]"):
                self._take_part(CatchUp.decode(text.encode()))
        except (ValueError, TypeError, AttributeError) as error:
            raise StateError(f"the rows of what was taken in are damaged: {type(error).__name__}") from error
        routes, policy = self.tasks.routes, self.tasks.delivery_policy
        waiting = [(key, value) for key, value in stored if not is_gathered(key)]
        draw = random.SystemRandom().random
        elsewhere = {each.name for each in routes if home_of(each.name, self.settings.partitions) != self.tp.partition}
        self.outbox = Outbox.restore(waiting, routes, policy, draw=draw, elsewhere=elsewhere)
        self.log = replace(self.log, first=earliest)
        try:
            start = self._start(rows.get(POSITION) or b"")
        except ValueError as error:
            raise StateError(f"the row of its position is damaged: {error}") from error
        gathered = [(key, value) for key, value in stored if is_gathered(key)]
        self.gathering = Gathering.restore(gathered, routes, self.outbox, start)
        return start

    def _start(self, stored: bytes) -> int:
        position, _, mark = stored.decode().partition("@")
        if position or not self.committed:
            return self.place(int(position) if position else None, mark).position
        start = self.place(self.committed, "").position
        self.lost(Loss(What.FORGOTTEN, *self.tp, start, start))
        return start

    async def accept(self, batch: Batch) -> None:
        """Gather the notifications of a batch. Raises `VersionError`."""
        assert self.gathering is not None
        now = _now()
        for number, record in enumerate(batch.records, 1):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)  # answers that came meanwhile must not seem late
            try:
                note = decode_note(record.value or b"")
            except ValidationError:
                refuse_newer(record.value or b"", f"at offset {record.offset}: a message")
                self._foreign.append(foreign(self, record, "notification"))
                continue
            if isinstance(note, CatchUp) and note.part is not None:
                self._take_part(note)
            elif self._is_new(note) and (news := self._told.take(note)) is not None:
                self._dirty |= self.gathering.take_in(record.offset, news, now)
        self.pending += len(batch.records)

    def _is_new(self, note: AnyNote) -> bool:
        """Whether its transition was not taken in before, for this route; remembers it."""
        if not isinstance(note, Notification) or note.source is None or note.rerouted_from is not None:
            return True
        partition, _, offset = note.source.partition("/")
        taken = self._taken.setdefault(note.route, {})
        if int(offset) <= taken.get(partition, -1):
            return False
        if partition not in taken:  # the alerts topic may have been created anew
            for other in [each for each in taken if place_of(each) == place_of(partition)]:
                del taken[other]
        taken[partition] = int(offset)
        return True

    def _take_part(self, note: CatchUp) -> None:
        assert note.part is not None
        self._parts.setdefault(note.route, {})[note.part] = note
        self._part_at, self._dirty = monotonic(), True

    def _put_together(self) -> list[CatchUp]:
        """Messages about the past that have all their parts."""
        late = monotonic() - self._part_at >= TOGETHER_SECONDS
        done = [each for each, own in self._parts.items() if late or len(own) >= self.settings.partitions]
        return [whole(self._parts.pop(each).values()) for each in done]

    async def work(self) -> None:
        """Take answers, let go what may go, commit it, send what may be sent."""
        outbox, gathering = self.outbox, self.gathering
        assert outbox is not None
        assert gathering is not None
        if self.closing and self._sending:
            await asyncio.wait(self._sending, timeout=_LAST_ANSWERS)
        for sent in [each for each in self._sending if each.done()]:
            row, now = self._sending.pop(sent), _now()
            before = outbox.status_of(row.route)
            verdict = outbox.answered(row, sent.result(), now)
            if verdict is Verdict.DELIVERED:
                gathering.delivered(row.route, now)
            self.metrics.notifications_total.labels(row.route, verdict.value).inc()
            self._say(verdict, before, outbox.status_of(row.route), now)
            self._dirty = True
        if not self.closing:
            self._dirty |= gathering.release(_now())
        if self._dirty or self._parts:
            await self._flush()
        while not self.closing and (chosen := outbox.next(_now())) is not None:
            sending = asyncio.create_task(self._send(chosen, outbox.earlier(chosen)))
            self._sending[sending] = chosen
            sending.add_done_callback(lambda _: self.wake())

    def _say(self, verdict: Verdict, before: RouteStatus, after: RouteStatus, now: int) -> None:
        log_change(verdict, before, after)
        by_name = {each.name: each for each in self.tasks.routes}
        newly_broken = after.broken_since is not None and before.broken_since is None
        if newly_broken and after.route != DEFAULT and DEFAULT in by_name:
            timezone = self.settings.timezone
            self._notices.append(notice(after, by_name[after.route], to=DEFAULT, at=now, timezone=timezone))

    def routes(self) -> Iterable[RouteStatus]:
        """See `Task`."""
        return () if self.outbox is None else self.outbox.status()

    def held(self) -> Mapping[str, int]:
        """See `Task`."""
        return {} if self.gathering is None else self.gathering.held()

    async def _send(self, row: Row, earlier: Earlier) -> Answer:
        with self.metrics.notification_seconds.labels(row.route).time():
            return await attempt(row, self.tasks.channels[row.route], earlier)

    def _patience(self) -> float:
        assert self.outbox is not None
        assert self.gathering is not None
        now = _now()
        moments = [each.wake_at(now) for each in (self.outbox, self.gathering)]
        soonest = min((moment for moment in moments if moment is not None), default=None)
        usual = super()._patience()
        return usual if soonest is None else min(usual, max(soonest - now, 1) / 1000)

    def _parts_row(self) -> bytes | None:
        if not self._parts:
            return None
        return orjson.dumps([note.encode().decode() for own in self._parts.values() for note in own.values()])

    def take(self) -> list[Record]:
        """Rows of the table, what nobody got, what goes another way."""
        assert self.outbox is not None
        assert self.gathering is not None
        changed = self.outbox.changed()
        self._dirty = False
        records, self._foreign = self._foreign, []
        records.extend(self.row(key.encode(), value) for key, value in (*self.gathering.changed(), *changed.rows))
        records.extend(self.row(key, value) for key, value in self._told.changed())
        undelivered = self.settings.undelivered_topic
        self._given_up = changed.undelivered
        records.extend(
            Record(undelivered, 0, each.notification.route.encode(), each.encode()) for each in changed.undelivered
        )
        notices, self._notices = self._notices, []
        for note in (*notices, *changed.rerouted, *self._put_together()):
            partition = home_of(note.route, self.settings.partitions)
            records.append(Record(self.settings.notifications_topic, partition, note.route.encode(), note.encode()))
        parts = self._parts_row()
        if parts != self._parts_stored:
            self._parts_stored = parts
            records.append(self.row(PARTS, parts))
        if (taken := orjson.dumps(self._taken)) != self._taken_stored:
            self._taken_stored = taken
            records.append(self.row(TAKEN, taken))
        if records or self.position != self.flushed_position:
            records.append(self.row(POSITION, f"{self.position}{self.metadata}".encode()))
        return records

    async def written(self, records: list[Record], offsets: list[int]) -> None:
        """See `Task`."""
        await super().written(records, offsets)
        given_up = Counter((each.notification.route, each.reason.value, each.detail) for each in self._given_up)
        for (route, reason, answer), count in given_up.items():
            self.metrics.notifications_undelivered_total.labels(route, reason).inc(count)
            topic = self.settings.undelivered_topic
            log.error("nobody got %d messages of the route %s (%s: %s); see %s", count, route, reason, answer, topic)


def _now() -> int:
    return int(time() * 1000)
