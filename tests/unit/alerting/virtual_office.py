"""Gathering and outbox on a virtual clock, driven as the deliver task drives them, and killed anywhere on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from alerting.delivery.answers import OK, Answer, Verdict
from alerting.gathering import Gathering, is_gathered
from alerting.notification import AnyNote, decode_note
from alerting.outbox import Outbox
from alerting.outbox_rows import Row
from alerting.policy import DeliveryPolicy
from alerting.routing import Route
from tests.unit.alerting.samples import AT

Slack = Callable[[str, AnyNote, int], tuple[Answer, int]]
"""What it answers to a note on a route at a time, and how many milliseconds that takes."""
Covers = dict[str, int]
"""Alerts, and up to which revision a message tells of them."""


class KilledError(Exception):
    """The worker is gone."""


def is_well(_route: str, _note: AnyNote, _now: int) -> tuple[Answer, int]:
    """A Slack that takes all."""
    return OK, 100


@dataclass(frozen=True)
class Heard:
    """A message that arrived. `covers`: what it tells."""

    at: int
    route: str
    sequence: int
    note: AnyNote
    covers: Covers


@dataclass
class Stored:
    """What a crash leaves."""

    table: dict[str, bytes] = field(default_factory=dict)
    position: int = 0
    covers: dict[tuple[str, int], Covers] = field(default_factory=dict)


@dataclass
class VirtualOffice:
    """`arrives` and `run_until`, then look at what was `heard`. `kill_in`: the worker is killed at the step that many
    steps from now (a step is a commit, a request, or an answer), and another one takes over."""

    routes: Sequence[Route]
    slack: Slack = is_well
    policy: DeliveryPolicy = field(default_factory=DeliveryPolicy)
    seed: int = 0

    def __post_init__(self) -> None:
        self.now = AT
        self.log: list[AnyNote] = []
        """The notifications topic."""
        self.arrived_at: list[int] = []
        self.stored = Stored()
        self.heard: list[Heard] = []
        self.undelivered = 0
        self.rerouted: list[AnyNote] = []
        self.released: list[tuple[int, str, Covers]] = []
        self.kills = 0
        self.kill_in = 0
        self._draw = Random(self.seed).random
        self._start()

    def arrives(self, note: AnyNote) -> None:
        """A note is on the topic now."""
        self.log.append(note)
        self.arrived_at.append(self.now)
        self._turn()

    def run_until(self, until: int) -> None:
        """Let time pass, doing what comes due."""
        idle = 0
        while (moment := self._next_moment()) is not None and moment <= until:
            assert moment >= self.now
            idle = idle + 1 if moment == self.now else 0
            assert idle < 100, "it asks to be woken for nothing"
            self.now = moment
            self._turn()
        self.now = max(self.now, until)

    def _next_moment(self) -> int | None:
        moments = [answered_at for answered_at, _, _ in self._flying.values()]
        moments += [at for each in (self.outbox, self.gathering) if (at := each.wake_at(self.now)) is not None]
        return min(moments, default=None)

    def _start(self) -> None:
        rows = list(self.stored.table.items())
        Random(len(rows)).shuffle(rows)
        own = [each for each in rows if not is_gathered(each[0])]
        self.outbox = Outbox.restore(own, self.routes, self.policy, draw=self._draw)
        gathered = [each for each in rows if is_gathered(each[0])]
        self.gathering = Gathering.restore(gathered, self.routes, self.outbox, self.stored.position)
        self.position = self.stored.position
        self.covers = dict(self.stored.covers)
        self._flying: dict[str, tuple[int, Row, Answer]] = {}

    def _turn(self) -> None:
        try:
            self._work()
        except KilledError:
            self.kills += 1
            self._start()
            self._work()

    def _step(self) -> None:
        self.kill_in -= 1
        if self.kill_in == 0:
            raise KilledError

    def _work(self) -> None:
        for offset in range(self.position, len(self.log)):
            assert self.gathering.take_in(offset, self.log[offset], self.now)
        self.position = len(self.log)
        for route, (answered_at, flying, answer) in list(self._flying.items()):
            if answered_at <= self.now:
                del self._flying[route]
                if self.outbox.answered(flying, answer, self.now) is Verdict.DELIVERED:
                    self.gathering.delivered(route, self.now)
        self._release()
        self._store()
        while (row := self.outbox.next(self.now)) is not None:
            assert row.route not in self._flying, "one at a time for each route"
            note = decode_note(row.notification)
            answer, takes = self.slack(row.route, note, self.now)
            self._step()
            if answer == OK:
                covers = self.covers.get((row.route, row.sequence), {})
                self.heard.append(Heard(self.now, row.route, row.sequence, note, covers))
            self._step()
            self._flying[row.route] = (self.now + takes, row, answer)
        self._store()

    def _release(self) -> None:
        """Let go, and note which alerts each new message of the outbox covers: those that are not held any more."""
        before = {route.name: self._held(route.name) for route in self.routes if self._may_release(route.name)}
        newest = {route.name: self.outbox.following(route.name, 0) for route in self.routes}
        self.gathering.release(self.now)
        for route in self.routes:
            if self.outbox.following(route.name, 0) > newest[route.name]:
                sequence = self.outbox.following(route.name, 0) - 1
                left = self._held(route.name)
                known = before.get(route.name, {})
                covers = {alert: revision for alert, revision in known.items() if alert not in left}
                self.covers[route.name, sequence] = covers
                self.released.append((self.now, route.name, covers))

    def _may_release(self, route: str) -> bool:
        return self.outbox.room(route, self.now) is not None

    def _held(self, route: str) -> Covers:
        accounts = self.gathering._hold(route).accounts.values()
        return {alert: held.revision for row in accounts for alert, held in row.held.items()}

    def _store(self) -> None:
        rows, changed = self.gathering.changed(), self.outbox.changed()
        self._step()
        table = self.stored.table  # all of it at once: a step comes before or after
        for key, value in (*rows, *changed.rows):
            if value is None:
                del table[key]  # a key that was never stored is never deleted
            else:
                table[key] = value
        self.undelivered += len(changed.undelivered)
        self.rerouted += changed.rerouted
        self.stored.position, self.stored.covers = self.position, dict(self.covers)
        self._step()
