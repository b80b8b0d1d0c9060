"""What waits to be sent, and what may be sent when. Pure: time and chance come in, rows and verdicts come out.

One outbox holds all routes, so that those of one channel share what it allows. Whoever drives it

1. adds what arrives (`add`),
2. asks for work (`next`), sends it and tells the answer (`answered`); one at a time for each channel,
3. sleeps no longer than until `wake_at`,
4. stores what `changed` gives, in one transaction, and at the start gives it back (`restore`).

A route's notifications go in the order of their sequence: those of one alert always, those of different alerts unless
one message fails for so long (`DeliveryPolicy.patience`) that the others are let past it. A crash between sending and
storing sends a message again: a webhook has no way to tell that it has seen a message before. Of channels that can say
where a message stands the first one of each thread is kept (`earlier`), in the transaction that deletes its row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from alerting.delivery.answers import Answer, Verdict
from alerting.lane import Lane, asked_until
from alerting.message import Receipt
from alerting.notification import AnyNote, Undelivered, decode_note
from alerting.outbox_rows import RouteState, Row
from alerting.policy import DeliveryPolicy
from alerting.rate import rates
from alerting.routing import DEFAULT, Route
from alerting.threads import is_first, route_of
from schemas.errors import StateError
from schemas.versions import refuse_newer


@dataclass(frozen=True, slots=True)
class Changed:
    """What is to be stored and passed on, all of it or none, since the last time it was asked for."""

    rows: list[tuple[str, bytes | None]]
    """The table's keys and their new values; None deletes."""
    undelivered: list[Undelivered]
    """For the undelivered topic."""
    rerouted: list[AnyNote]
    """For the notifications topic, keyed by their new route."""

    def __bool__(self) -> bool:
        return bool(self.rows or self.undelivered or self.rerouted)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What went before an attempt. `first`: where the first message of its thread stands, if there is one. `doubtful`:
    the same may have arrived already."""

    first: Receipt | None = None
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class RouteStatus:
    """A route at a glance, for metrics and logs. Times in milliseconds; `last`: the last answer but deliveries."""

    route: str
    pending: int
    oldest_at: int | None
    failing_since: int | None
    broken_since: int | None
    not_before: int
    last: str


class Outbox:
    """The waiting notifications of some routes. The module says how to drive it."""

    def __init__(
        self,
        routes: Iterable[Route],
        policy: DeliveryPolicy | None = None,
        *,
        draw: Callable[[], float],
    ) -> None:
        """`draw`: uniform random numbers in [0, 1), for the jitter of waits."""
        routes = tuple(routes)
        self._policy = policy or DeliveryPolicy()
        self._draw = draw
        self._rates = rates(routes, self._policy.bucket)
        self._beside = {
            each.name: [other.name for other in routes if other.channel == each.channel and other != each]
            for each in routes
        }
        self._lanes: dict[str, Lane] = {}
        self._stored: set[str] = set()

    @classmethod
    def restore(
        cls,
        rows: Iterable[tuple[str, bytes]],
        routes: Iterable[Route],
        policy: DeliveryPolicy | None = None,
        *,
        draw: Callable[[], float],
    ) -> Outbox:
        """An outbox from the rows of a table, in any order. Raises `StateError` for rows that cannot be read.

        What was being sent when the rows were stored will be sent again.
        """
        outbox = cls(routes, policy, draw=draw)
        waiting: list[Row] = []
        for key, value in rows:
            outbox._stored.add(key)
            if is_first(key):
                outbox._lane(route_of(key)).threads.restore(key, value)
            elif key.endswith("/"):
                outbox._lane(key.removesuffix("/")).restore_state(RouteState.decode(key, value))
            else:
                waiting.append(Row.decode(key, value))
        for row in sorted(waiting, key=lambda row: row.sequence):
            _check(row)
            outbox._lane(row.route).restore(row)
        for lane in outbox._lanes.values():
            if lane.name not in outbox._rates:
                lane.dirty |= lane.threads.forget()
        return outbox

    def add(self, sequence: int, notification: AnyNote, now: int, subject: str | None = None) -> bool:
        """Take a notification in. `sequence` grows within a route: its offset in the notifications topic, say.
        `subject`: what it stays in order with, if not its own; `EVERYTHING`: all others.

        False, and nothing done, for a sequence that is not above all those taken in before: it is read again.
        """
        lane = self._lane(notification.route)
        of = notification.subject if subject is None else subject
        return lane.add(sequence, of, notification.encode(), now)

    def following(self, route: str, at_least: int) -> int:
        """A sequence above all those of a route."""
        return max(self._lane(route).newest + 1, at_least)

    def room(self, route: str, now: int) -> frozenset[str] | None:
        """Whether a route can do with another message (see `Lane.room`)."""
        return self._lane(route).room(now)

    def pending(self, route: str) -> int:
        """How many of a route's messages wait, or are on their way."""
        return len(self._lane(route).rows)

    def next(self, now: int) -> Row | None:
        """A notification to send at once, or None. A channel gets no other one before the answer is told: it may ask
        for a wait."""
        # In turn, as routes of one channel take from one bucket: first the one whose last message is longest ago.
        for lane in sorted(self._lanes.values(), key=lambda lane: lane.state.full_at):
            if not self._is_busy(lane) and (row := lane.next(now)) is not None:
                return row
        return None

    def earlier(self, row: Row) -> Earlier:
        """What went before the attempt at a row that `next` gave."""
        lane = self._lane(row.route)
        return Earlier(lane.threads.first(decode_note(row.notification)), lane.doubtful(row))

    def wake_at(self, now: int) -> int | None:
        """When to call `next` again if nothing is added or answered before; None: not needed. Never before `now`."""
        free = [lane for lane in self._lanes.values() if not self._is_busy(lane)]
        moments = [moment for lane in free if (moment := lane.wake_at()) is not None]
        return max(now, min(moments)) if moments else None

    def answered(self, row: Row, answer: Answer, now: int) -> Verdict:
        """Take the answer to what `next` gave, and say what it meant. Raises `ValueError` for any other row."""
        lane = self._lane(row.route)
        verdict = lane.answered(row.sequence, answer, now)
        # It is the channel that asks for a wait, and not this route.
        until = lane.state.not_before if verdict is Verdict.RATE_LIMITED else asked_until(answer, now)
        if until > now:
            for name in self._beside.get(row.route, ()):
                self._lane(name).wait_until(until)
        return verdict

    def changed(self) -> Changed:
        """What changed since the last call. Given once: whoever cannot store it must start anew, from `restore`."""
        changed = Changed([], [], [])
        for lane in self._lanes.values():
            for key, stored in lane.dirty.items():
                if stored is not None:
                    self._stored.add(key)
                    changed.rows.append((key, stored.encode()))
                elif key in self._stored:
                    self._stored.remove(key)
                    changed.rows.append((key, None))
            changed.undelivered.extend(lane.undelivered)
            changed.rerouted.extend(decode_note(row.notification).rerouted(DEFAULT) for row in lane.leaving)
            lane.dirty, lane.undelivered, lane.leaving = {}, [], []
        return changed

    def status(self) -> list[RouteStatus]:
        """How the routes do: those that have been used here."""
        return [self.status_of(name) for name in self._lanes]

    def status_of(self, route: str) -> RouteStatus:
        """How a route does."""
        lane = self._lane(route)
        return RouteStatus(
            route=lane.name,
            pending=len(lane.rows),
            oldest_at=min((row.added_at for row in lane.rows.values()), default=None),
            failing_since=lane.state.failing_since,
            broken_since=lane.state.broken_since,
            not_before=lane.state.not_before,
            last=lane.state.last,
        )

    def _is_busy(self, lane: Lane) -> bool:
        """Another route of its channel awaits an answer."""
        return any(other in self._lanes and self._lanes[other].in_flight for other in self._beside.get(lane.name, ()))

    def _lane(self, name: str) -> Lane:
        lane = self._lanes.get(name)
        if lane is None:
            refuge = name != DEFAULT and DEFAULT in self._rates
            lane = Lane(name, self._rates.get(name), self._policy, self._draw, refuge=refuge)
            # In one order whichever route was used first, so that a restored outbox draws its chances in the same.
            self._lanes = dict(sorted([*self._lanes.items(), (name, lane)]))
        return lane


def _check(row: Row) -> None:
    # At the start, when nothing has been written yet: later there would be no way on and no way back.
    try:
        decode_note(row.notification)
    except ValidationError as error:
        refuse_newer(row.notification, f"the outbox row {row.key!r} has a message")
        raise StateError(f"the notification of the outbox row {row.key!r} cannot be read: {error}") from error
