"""A delivery task on a virtual clock: drives an outbox as the worker does, against answers that a test chooses."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from alerting.delivery.answers import Answer, Verdict
from alerting.notification import AnyNote, Notification, Undelivered
from alerting.outbox import Changed, Outbox
from alerting.outbox_rows import Row
from alerting.policy import DeliveryPolicy
from alerting.routing import Route
from tests.unit.alerting.samples import AT


@dataclass(frozen=True)
class Sent:
    """One attempt: when, what, and what came of it."""

    at: int
    row: Row
    answered_at: int
    answer: Answer
    verdict: Verdict


Slack = Callable[[Row, int], tuple[Answer, int]]
"""What it answers to a row sent at a time, and how many milliseconds that takes."""


def in_turn(answers: Iterator[tuple[Answer, int]]) -> Slack:
    """A Slack whose moods come one after the other, whatever it is sent."""
    return lambda _row, _now: next(answers)


@dataclass
class VirtualDelivery:
    """`slack` answers each attempt. `restart_every`: after so many steps with nothing being sent the outbox is thrown
    away and restored from its table. 0: never."""

    routes: Sequence[Route]
    slack: Slack
    policy: DeliveryPolicy = field(default_factory=DeliveryPolicy)
    seed: int = 0
    restart_every: int = 0

    def __post_init__(self) -> None:
        self.draw: Callable[[], float] = Random(self.seed).random
        self.outbox = Outbox(self.routes, self.policy, draw=self.draw)
        self.now = AT
        self.table: dict[str, bytes] = {}
        self.added: dict[tuple[str, int], int] = {}
        self.sent: list[Sent] = []
        self.undelivered: list[Undelivered] = []
        self.rerouted: list[AnyNote] = []
        self.restarts = 0
        self._flying: dict[str, tuple[int, Row, int, Answer]] = {}
        self._steps = 0

    def add(self, sequence: int, notification: Notification) -> None:
        """A notification arrives now."""
        assert self.outbox.add(sequence, notification, self.now)
        self.added[notification.route, sequence] = self.now
        self._work()

    def run_until(self, until: int) -> None:
        """Let time pass, doing what comes due."""
        while (moment := self._next_moment()) is not None and moment <= until:
            assert moment >= self.now
            if moment > self.now + 1:
                self._nothing_happens_at(moment - 1)
            self.now = moment
            before = (len(self.sent), len(self._flying), len(self.undelivered), len(self.rerouted))
            for route, (answered_at, row, sent_at, answer) in list(self._flying.items()):
                if answered_at == self.now:
                    del self._flying[route]
                    verdict = self.outbox.answered(row, answer, self.now)
                    self.sent.append(Sent(sent_at, row, self.now, answer, verdict))
            self._work()
            after = (len(self.sent), len(self._flying), len(self.undelivered), len(self.rerouted))
            assert after != before, "the outbox asked to be woken for nothing"
        self.now = max(self.now, until)

    def delivered(self, route: str = "default") -> list[int]:
        """The sequences that arrived, in the order of their arrival."""
        return [s.row.sequence for s in self.sent if s.row.route == route and s.verdict is Verdict.DELIVERED]

    def _next_moment(self) -> int | None:
        moments = [flight[0] for flight in self._flying.values()]
        if (wake_at := self.outbox.wake_at(self.now)) is not None:
            moments.append(wake_at)
        return min(moments, default=None)

    def _nothing_happens_at(self, moment: int) -> None:
        assert self.outbox.next(moment) is None
        self._store(self.outbox.changed(), expect_nothing=True)

    def _work(self) -> None:
        while (row := self.outbox.next(self.now)) is not None:
            assert row.route not in self._flying, "one at a time for each route"
            answer, takes = self.slack(row, self.now)
            self._flying[row.route] = (self.now + takes, row, self.now, answer)
        self._store(self.outbox.changed())
        self._steps += 1
        if self.restart_every and not self._flying and self._steps % self.restart_every == 0:
            shuffled = list(self.table.items())
            Random(self._steps).shuffle(shuffled)
            self.outbox = Outbox.restore(shuffled, self.routes, self.policy, draw=self.draw)
            self.restarts += 1

    def _store(self, changed: Changed, *, expect_nothing: bool = False) -> None:
        assert not (expect_nothing and changed), "something changed before its time"
        for key, value in changed.rows:
            if value is None:
                del self.table[key]  # a key that was never stored is never deleted
            else:
                self.table[key] = value
        self.undelivered += changed.undelivered
        self.rerouted += changed.rerouted
