"""Workers of one application on one Kafka: who owns which partition, and how everything comes to rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from faust.types import TP

from streams.runtime.settings import Settings
from streams.runtime.tasks import Tasks
from streams.runtime.topics import DELIVERIES, ENGAGEMENT, changelog
from tests.model.clock import Clock
from tests.model.inputs import Inputs
from tests.model.kafka import Kafka
from tests.model.worker import Worker

ROUNDS = 400


class Cluster:
    """The group. Partitions are owned from a `rebalance` on; the dead and those that stand still keep none."""

    def __init__(
        self, kafka: Kafka, clock: Clock, settings: Settings, inputs: Inputs, prepare: Callable[[Tasks], None]
    ) -> None:
        self.kafka = kafka
        self.clock = clock
        self.workers: list[Worker] = []
        """All that ever were."""
        self.heard: list[str] = []
        """What people were told, in order."""
        self.rebalances = 0
        self._settings = settings
        self._prepare = prepare
        homes = range(settings.partitions)
        alone = [[tp] for tp in inputs.all] + [[TP(settings.topic("alerts"), number)] for number in homes]
        tables = ((settings.shuffle_topic, ENGAGEMENT), (settings.notifications_topic, DELIVERIES))
        together = [
            [TP(topic, number), TP(changelog(settings, table), number)] for topic, table in tables for number in homes
        ]
        self._shares = alone + together
        """Partitions, those together that go together."""
        self.read = [share[0] for share in self._shares]
        """The partitions that tasks read."""

    @property
    def live(self) -> list[Worker]:
        """Those that run."""
        return [worker for worker in self.workers if worker.alive]

    def join(self) -> Worker:
        """A new worker, which owns nothing yet."""
        worker = Worker(self.kafka, self.clock, self._settings, self._prepare, self.heard)
        self.workers.append(worker)
        return worker

    def revoke(self) -> None:
        """Everybody gives up everything."""
        for worker in self.live:
            worker.release()

    def assign(self, deal: Sequence[int]) -> None:
        """Everybody gets a share: partition by partition as the numbers say."""
        self.rebalances += 1
        members = self.live or [self.join()]
        shares: list[list[TP]] = [[] for _ in members]
        for number, share in enumerate(self._shares):
            shares[deal[number % len(deal)] % len(members)] += share
        for worker, share in zip(members, shares, strict=True):
            worker.assign(share)

    def rebalance(self, deal: Sequence[int]) -> None:
        """The group forms anew."""
        self.revoke()
        self.assign(deal)

    def flow(self, seconds: float, most: int = 50) -> bool:
        """Everybody reads all there is, at most so many records at a time, works, and lets some time pass. Whether
        anything was read."""
        moved = False
        for worker in self.live:
            for tp in self.read:
                while (batch := worker.read(tp, most)) is not None:
                    worker.hand(tp, batch)
                    moved = True
            worker.settle()
        self.clock.seconds += seconds
        self.kafka.settle()
        for worker in self.live:
            worker.settle()
        return moved

    def rest(self) -> None:
        """Let those that stood still find out, and go on until nothing is left to be done."""
        for worker in self.workers:
            worker.fault = None
            worker.thaw()
            worker.settle()
        self.kafka.slow = False
        self.kafka.settle()
        quiet = 0
        for _ in range(ROUNDS):
            if any(worker.rejoins for worker in self.live) or not self._owned():
                self.rebalance([0, 1])
            before = self.kafka.appended
            moved = self.flow(6.0 if quiet else 1.0)
            quiet = 0 if moved or self.kafka.appended != before else quiet + 1
            if quiet > 3:  # longer than any flush may wait
                late = [tp for tp in self.read for each in self.live if each.behind(tp)]
                assert not late, f"not read to their ends: {late}"
                return
        raise AssertionError("it does not come to an end")

    def _owned(self) -> bool:
        owners = [tp for worker in self.live for tp in worker.assigned if tp in self.read]
        return sorted(owners) == sorted(self.read)
