"""Deliver: the partition of the notifications topic that sends, and so all messages of each route, in order.

What arrives is stored in the table before anything of it is sent: with what is gathered of its account, then as a row
of its own, until it is final. A message that was answered is committed before the next one of its route goes out: a
crash repeats at most the one in flight.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from time import time
from typing import TYPE_CHECKING, Any, Final

from faust.types import TP
from pydantic import ValidationError

from alerting.delivery.answers import Answer, Verdict
from alerting.delivery.attempt import attempt
from alerting.gathering import Gathering, is_gathered
from alerting.notification import CatchUp, Notice, Undelivered, decode_note
from alerting.outbox import Earlier, Outbox, RouteStatus
from alerting.outbox_rows import Row
from alerting.routing import DEFAULT
from alerting.threads import is_first
from alerting.told_alerts import ToldAlerts
from schemas.versions import refuse_newer
from streams.runtime.foreign import foreign
from streams.runtime.hand_over import EARLY, Arrivals, Moved, early_ones, moved_by
from streams.runtime.parts_of_past import PartsOfPast
from streams.runtime.placing import PLACING, POSITION, DeliveryTask, Placing, notification_record
from streams.runtime.resume import What
from streams.runtime.route_news import log_change, notice
from streams.runtime.stores import Rows
from streams.runtime.taken_in import TakenIn
from streams.runtime.transport import Batch
from streams.runtime.writer import Record

if TYPE_CHECKING:
    from streams.runtime.tasks import Tasks

log = logging.getLogger(__name__)

_OWN: Final = b"\0"
"""So the keys of rows begin that are none of the outbox's or of what is gathered."""
_AT_ONCE: Final = 100
"""Records that are taken in before anything else has its turn."""
_LAST_ANSWERS: Final = 3.0
"""Seconds that messages in flight have when the task ends, once."""


def is_waiting(key: bytes) -> bool:
    """Whether a row of the table is a message that waits to be sent."""
    name = key.decode()
    return not (key.startswith(_OWN) or name.endswith("/") or is_gathered(name) or is_first(name))


class Deliver(DeliveryTask):
    """The partition that sends (`placing.py`). Until all others have handed over what they held, it only stores what
    comes."""

    def __init__(self, tp: TP, tasks: "Tasks") -> None:
        super().__init__(tp, tasks)
        self.outbox: Outbox | None = None
        self.gathering: Gathering | None = None
        self._placing = Placing()
        self._arrivals: Arrivals | None = None
        self._sending: dict[asyncio.Task[Answer], Row] = {}
        self._had_last_answers = False
        self._dirty = False
        self._rows: list[tuple[bytes, bytes | None]] = []
        self._taken = TakenIn()
        self._told = ToldAlerts(())
        self._foreign: list[Record] = []
        self._parts = PartsOfPast(homes=self.settings.partitions)
        self._given_up: list[Undelivered] = []
        self._notices: list[Notice] = []

    async def load(self, rows: Rows, earliest: int) -> int:
        """See `StatefulTask`. Raises `StateError` for rows of a newer version."""
        start = self.place_by(rows.get(POSITION), earliest)
        stored = rows.get(PLACING)
        self._placing = Placing.decode(stored)
        if What.FORGOTTEN in {each.what for each in self._losses}:  # and so is who has handed over
            self._placing = Placing.whole(self.settings)
        if missing := self._missing():
            self._arrivals = Arrivals(self._placing, missing)
            listed = ", ".join(map(str, sorted(missing)))
            log.info("nothing is sent until other partitions have handed over what they hold: %s", listed)
            return start
        await self._open(rows, start)
        if stored is None:
            self._store_placing()
        return start

    def _missing(self) -> frozenset[int]:
        """The partitions that may hold something, and have not handed it over."""
        numbers = frozenset(range(self.settings.partitions)) - {self.tp.partition} - self._placing.done
        return frozenset(each for each in numbers if self.tasks.end_of(TP(self.tp.topic, each)))

    def _store_placing(self) -> None:
        self._rows.append((PLACING, self._placing.encode()))
        self._dirty = True

    async def _open(self, rows: Rows, position: int) -> None:
        """Begin to send, with these rows, when all before a position is stored in them."""
        every = list(rows.items())
        stored = [
            (key.decode(errors="replace"), value) for key, value in every if not key.startswith(_OWN) and key != PLACING
        ]
        self._told, self._taken = ToldAlerts(every), TakenIn(every)
        self._parts = PartsOfPast(every, homes=self.settings.partitions)
        routes, policy = self.tasks.routes, self.tasks.delivery_policy
        waiting = [(key, value) for key, value in stored if not is_gathered(key)]
        self.outbox = Outbox.restore(waiting, routes, policy, draw=random.SystemRandom().random)
        gathered = [(key, value) for key, value in stored if is_gathered(key)]
        early = early_ones(every)
        self.gathering = Gathering.restore(gathered, routes, self.outbox, position - len(early))
        for number, (_, record) in enumerate(early, position - len(early)):
            self._take_in(record, number)
        self._rows += [(key, None) for key, _ in early]
        self._dirty = bool(early)

    async def accept(self, batch: Batch) -> None:
        """Gather the notifications of a batch. Raises `VersionError`."""
        for number, record in enumerate(batch.records, 1):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)  # answers that came meanwhile must not seem late
            if self._arrivals is not None:
                self._arrivals.take(record)
            elif (moved := moved_by(record)) is None:
                self._take_in(record, record.offset)
            elif moved.partition not in self._placing.done:
                self._take_late(moved, record)
        self.pending += len(batch.records)

    def _take_late(self, moved: Moved, record: Any) -> None:
        """Something of a partition that was not waited for, as there was nothing in it or the state here was lost."""
        if moved.row is None:
            self._placing = self._placing.after(moved.partition)
            self._store_placing()
        elif moved.row.startswith(EARLY):
            self._take_in(record, record.offset)
        else:
            log.error("partition %d hands over %r, for which it is too late", moved.partition, moved.row)

    def _take_in(self, record: Any, sequence: int) -> None:
        assert self.gathering is not None
        try:
            note = decode_note(record.value or b"")
        except ValidationError:
            refuse_newer(record.value or b"", f"at offset {record.offset}: a message")
            self._foreign.append(foreign(self, record, "notification"))
            return
        if isinstance(note, CatchUp) and note.part is not None:
            self._parts.take(note)
            self._dirty = True
        elif self._taken.is_new(note) and (news := self._told.take(note)) is not None:
            self._dirty |= self.gathering.take_in(sequence, news, _now())

    async def work(self) -> None:
        """Take answers, let go what may go, commit it, send what may be sent."""
        if self._arrivals is not None:
            await self._flush()
        if (outbox := self.outbox) is None or (gathering := self.gathering) is None:
            return
        if self.closing and self._sending and not self._had_last_answers:
            self._had_last_answers = True
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

    async def end(self, patience: float) -> None:
        """See `Task`. What was not answered by then is the next owner's: nobody here is to send it beside that one."""
        await super().end(patience)
        sending, self._sending = self._sending, {}
        for each in sending:
            each.cancel()
        await asyncio.gather(*sending, return_exceptions=True)

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
        usual = super()._patience()
        if self.outbox is None or self.gathering is None:
            return usual
        now = _now()
        moments = [each.wake_at(now) for each in (self.outbox, self.gathering)]
        soonest = min((moment for moment in moments if moment is not None), default=None)
        return usual if soonest is None else min(usual, max(soonest - now, 1) / 1000)

    def take(self) -> list[Record]:
        """Rows of the table, what nobody got, what goes another way."""
        self._dirty = False
        records, self._foreign = self._foreign, []
        records.extend(self.row(key, value) for key, value in self._changed())
        if self.outbox is not None:
            records.extend(self._outcomes(self.outbox))
        if records or self.position != self.flushed_position:
            records.append(self.row(POSITION, f"{self.position}{self.metadata}".encode()))
        return records

    def _changed(self) -> Iterator[tuple[bytes, bytes | None]]:
        if self._arrivals is not None:
            yield from self._arrivals.changed()
        if self.gathering is not None:
            yield from ((key.encode(), value) for key, value in self.gathering.changed())
        yield from self._rows
        self._rows = []
        yield from self._told.changed()

    def _outcomes(self, outbox: Outbox) -> Iterator[Record]:
        """What the outbox has to say, and what follows from it."""
        changed = outbox.changed()
        yield from (self.row(key.encode(), value) for key, value in changed.rows)
        self._given_up = changed.undelivered
        undelivered = self.settings.undelivered_topic
        for each in changed.undelivered:
            yield Record(undelivered, 0, each.notification.route.encode(), each.encode())
        notices, self._notices = self._notices, []
        for note in (*notices, *changed.rerouted, *self._parts.put_together()):
            yield notification_record(note, self.settings)
        yield from (self.row(key, value) for key, value in (*self._parts.changed(), *self._taken.changed()))

    async def written(self, records: list[Record], offsets: list[int]) -> None:
        """See `Task`."""
        await super().written(records, offsets)
        if self._arrivals is not None and not self._arrivals.missing:
            assert self.position is not None
            self._placing, self._arrivals = self._arrivals.placing, None
            await self._open(self.tasks.store(self.table_name).rows(self.tp.partition), self.position)
            self.wake()
        given_up = Counter((each.notification.route, each.reason.value, each.detail) for each in self._given_up)
        for (route, reason, answer), count in given_up.items():
            self.metrics.notifications_undelivered_total.labels(route, reason).inc(count)
            topic = self.settings.undelivered_topic
            log.error("nobody got %d messages of the route %s (%s: %s); see %s", count, route, reason, answer, topic)


def _now() -> int:
    return int(time() * 1000)
