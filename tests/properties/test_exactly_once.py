"""Whatever happens between any two steps of any worker, each account ends in the state, and each alert goes through the
transitions, that the pure engine gives of the same events. All but Kafka and Faust's threads is the real thing.

Fifty times as many examples: pytest --hypothesis-profile=long tests/properties/test_exactly_once.py
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from random import Random
from typing import ClassVar, Final
from unittest.mock import patch

import pytest
from faust.types import TP
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from alerting.bucket import Bucket
from alerting.policy import DeliveryPolicy
from streams.detection import home, merge
from streams.detection.config import DAY_MS
from streams.runtime import engagement
from streams.runtime.ingest import Ingest
from streams.runtime.task import Task
from streams.runtime.tasks import Tasks
from tests.model.clock import Clock
from tests.model.cluster import Cluster
from tests.model.inputs import WAITS, Inputs, Quick
from tests.model.kafka import Kafka
from tests.model.outcome import Outcome
from tests.model.worker import Ending, Fault, Worker, told

seeds = st.integers(0, 999)
deals = st.lists(st.integers(0, 2), min_size=1, max_size=8)
calls = st.sampled_from(["commit", "offsets", "send", "", "start", "highwaters", "seek", "recover", "post"])
"""Of a producer, of a consumer, of a channel; the empty one is any of them."""


OF_STAGES: Final = {"commit", "offsets", "send", "start"}


class Machine(RuleBasedStateMachine):
    """Producers, a group of workers, and everything that may happen to them."""

    transactions = True
    endings: ClassVar[tuple[Ending, ...]] = ("killed", "stands", "unanswered")
    """Faults that the promise is given for."""

    def __init__(self) -> None:
        super().__init__()
        self.kafka, self.clock = Kafka(), Clock()
        self.patches = ExitStack()
        self.patches.enter_context(told(self.clock))
        self.begun = False
        logging.disable(logging.CRITICAL)  # tasks fail by the dozen, and say so

    @initialize(
        homes=st.integers(1, 2),
        usage_partitions=st.integers(1, 2),
        forgetful=st.booleans(),
        lag=st.sampled_from([1, 1_000]),
        together=st.sampled_from([2, 20_000]),
        pictures=st.sampled_from([1, 500]),
        workers=st.integers(1, 2),
        room=st.sampled_from([1, 20, 10_000]),
    )
    def begin(
        self,
        homes: int,
        usage_partitions: int,
        forgetful: bool,
        lag: int,
        together: int,
        pictures: int,
        workers: int,
        room: int,
    ) -> None:
        """One application, which owns all of its partitions."""
        for module, name, value in (
            (Task, "lag", lag),
            (Ingest, "lag", lag),
            (merge, "_TOGETHER", together),
            (engagement, "_PICTURES", pictures),
            (merge, "_ACCOUNTS", 1 if forgetful else 5_000),
            (engagement, "DECODED", 1 if forgetful else 20_000),
            (home, "BREATH", 1 if forgetful else 100),
        ):
            self.patches.enter_context(patch.object(module, name, value))
        self.settings = Quick(
            brokers="127.0.0.1:1",
            partitions=homes,
            clock="events",
            console=True,
            group_wait="0s",
            group_interval="0s",
            limit_per_hour=0,
            out_of_order="1h",
            lagging_flush_events=20,
            park_ids=(WAITS,),
            park_for="5d",
            max_parked_records=room,
        )
        self.inputs = Inputs(self.kafka, self.settings, usage_partitions)
        self.accounts = [f"account-{number}" for number in range(6)]
        self.cluster = Cluster(self.kafka, self.clock, self.settings, self.inputs, self._prepare)
        for _ in range(workers):
            self.cluster.join()
        self.cluster.rebalance([0, 1])
        for each in self.cluster.live:
            each.settle()
        self.reset: set[TP] = set()
        self.begun = True

    def _prepare(self, tasks: Tasks) -> None:
        tasks.transactions = self.transactions
        tasks.origins = frozenset(f"{tp.topic}/{tp.partition}" for tp in self.inputs.all)
        tasks.delivery_policy = DeliveryPolicy(bucket=Bucket(interval_ms=0, burst=1))

    def worker(self, number: int) -> Worker | None:
        """One of those that run."""
        live = self.cluster.live
        return live[number % len(live)] if live else None

    # What producers do.

    @rule(seed=seeds, days=st.integers(0, 12), active=st.integers(1, 3), minutes=st.sampled_from([1, 60, 300]))
    def produce(self, seed: int, days: int, active: int, minutes: int) -> None:
        """Usage and facts, and the days before them, with a marker at the beginning of each."""
        random, inputs = Random(seed), self.inputs
        chosen = random.sample(self.accounts, active)
        inputs.days(random, chosen, days)
        inputs.at += minutes * 60_000
        for account in chosen:
            inputs.use(random, account, random.randrange(6))
            inputs.tell(random, account)

    # What workers do.

    @rule(worker=st.integers(0, 2), partition=st.integers(0, 30), most=st.integers(1, 8), how=st.integers(0, 9))
    def read(self, worker: int, partition: int, most: int, how: int) -> None:
        """Fetch a batch for one task; hand it on, twice or with others left out."""
        mine = self.worker(worker)
        if mine is None:
            return
        having = [each for each in self.cluster.read if each in mine.positions]
        if not having:
            return
        tp = having[partition % len(having)]
        batch = mine.read(tp, most)
        if batch is None:
            return
        if how == 9:  # it is dropped, and the one after it is not
            following = mine.read(tp, most)
            batch = following or batch
        mine.hand(tp, batch)
        if how == 8:
            mine.hand(tp, batch)
        if how == 7:
            mine.hand(tp, mine.fetched[tp][0])

    @rule(worker=st.integers(0, 2), turns=st.integers(1, 40), seconds=st.sampled_from([0.0, 0.0, 0.5, 6.0]))
    def turn(self, worker: int, turns: int, seconds: float) -> None:
        """A few turns of its loop, each of which may take long."""
        if mine := self.worker(worker):
            mine.turn(turns, seconds=seconds)

    @rule(seconds=st.sampled_from([0.05, 0.2, 1.0, 11.0]))
    def wait(self, seconds: float) -> None:
        self.clock.seconds += seconds
        if seconds >= 1.0:  # no marker is on its way for so long
            self.kafka.settle()
        for each in self.cluster.live:
            each.settle()

    @rule(rounds=st.integers(1, 4), most=st.sampled_from([2, 50]))
    def flow(self, rounds: int, most: int) -> None:
        """What workers do when nothing is in their way."""
        for _ in range(rounds):
            self.cluster.flow(1.0, most)

    # What happens to the group.

    @rule(deal=deals, settle=st.booleans(), join=st.booleans())
    def rebalance(self, deal: list[int], settle: bool, join: bool) -> None:
        """Partitions move, perhaps to a new worker; the next step may come before they are read again."""
        if join and len(self.cluster.live) < 3:
            self.cluster.join()
        self.cluster.rebalance(deal)
        for each in self.cluster.live if settle else ():
            each.settle()

    @rule(deal=deals, partitions=st.sets(st.integers(0, 30), max_size=6), delete=st.booleans())
    def reset_offsets(self, deal: list[int], partitions: set[int], delete: bool) -> None:
        """As people do with Kafka's own tool, which needs the group to be empty."""
        self.cluster.revoke()
        self.kafka.settle()
        having = sorted(self.kafka.group)
        for tp in {having[number % len(having)] for number in partitions} if having else ():
            self.reset.add(tp)
            if delete:
                del self.kafka.group[tp]
            else:
                self.kafka.group[tp] = self.kafka.group[tp]._replace(offset=0, metadata="")
        self.cluster.assign(deal)

    @precondition(lambda self: self.endings)
    @rule(
        worker=st.integers(0, 2),
        drawn=st.data(),
        call=calls,
        stage=st.sampled_from(["", "-ingest-", "-engagement-", "-notify-", "-deliver-"]),
        count=st.integers(0, 3),
        when=st.sampled_from(["before", "after"]),
        seed=seeds,
        most=st.sampled_from([2, 50]),
        deal=st.none() | deals,
    )
    def strike(
        self,
        worker: int,
        drawn: st.DataObject,
        call: str,
        stage: str,
        count: int,
        when: str,
        seed: int,
        most: int,
        deal: list[int] | None,
    ) -> None:
        """There is something to do, and at one of the calls that doing it takes, the worker ends, or stands still, or
        its answer is lost. Perhaps others take over."""
        ending = drawn.draw(st.sampled_from(self.endings))
        for each in self.cluster.live:
            each.settle()
        if mine := self.worker(worker):
            mine.fault = Fault(ending, call, stage if self.transactions and call in OF_STAGES else "", count, when)
            self.produce(seed, 1 + seed % 9, 3, 60)
            for _ in range(3):
                self.cluster.flow(1.0, most)
            if deal is not None:
                self.cluster.rebalance(deal)

    @rule(
        what=st.sampled_from(["compacted", "killed", "stands", "goes on", "late markers", "expired"]),
        which=st.integers(0, 7),
    )
    def happen(self, what: str, which: int) -> None:
        """Something that nobody asked for."""
        mine = self.worker(which)
        if what == "compacted":
            if logs := sorted(tp for tp in self.kafka.logs if tp.topic.endswith(("-changelog", "-parked"))):
                self.kafka.compact(logs[which % len(logs)])
        elif what == "goes on":
            for each in self.cluster.workers:
                each.thaw()
        elif what in self.endings and mine is not None:
            mine.dead, mine.stands = what == "killed", what == "stands"
        elif self.transactions:
            self.kafka.slow = what == "late markers"
            if what == "expired":
                self.kafka.expire()

    def teardown(self) -> None:
        """Whatever was begun is brought to its end, and looked at."""
        try:
            if self.begun:
                self.inputs.at += DAY_MS
                self.inputs.mark(self.inputs.at)
                self.cluster.rest()
                self.check(Outcome(self.kafka, self.inputs, self.cluster, self.reset))
        finally:
            for each in self.cluster.workers if self.begun else ():
                each.bury()
            self.patches.close()
            logging.disable(logging.NOTSET)

    def check(self, outcome: Outcome) -> None:
        """What is promised."""
        outcome.check()


class Plain(Machine):
    """A broker without transactions, and nothing that is killed."""

    transactions = False
    endings = ()


class PlainAndKilled(Machine):
    """A broker without transactions, on which a crash may repeat what was flushed last."""

    transactions = False
    endings = ("killed", "unanswered")

    def check(self, outcome: Outcome) -> None:
        """What is promised."""
        outcome.check_that_nothing_is_lost()


EXAMPLES: Final = settings().max_examples
pytestmark = pytest.mark.hypothesis  # the plugin does not see that they are


def runs(share: float) -> settings:
    """So many of the profile's examples, and at least 3."""
    return settings(
        max_examples=max(3, int(EXAMPLES * share)), stateful_step_count=40, suppress_health_check=list(HealthCheck)
    )


@pytest.mark.timeout(0 if EXAMPLES > 100 else 600)
def test_however_its_steps_are_interleaved_and_interrupted_the_runtime_gives_what_the_engine_gives() -> None:
    run_state_machine_as_test(Machine, settings=runs(0.6))


@pytest.mark.timeout(0 if EXAMPLES > 100 else 600)
def test_without_transactions_it_does_so_as_long_as_nothing_is_killed() -> None:
    run_state_machine_as_test(Plain, settings=runs(0.15))


@pytest.mark.timeout(0 if EXAMPLES > 100 else 600)
def test_without_transactions_a_crash_loses_nothing() -> None:
    run_state_machine_as_test(PlainAndKilled, settings=runs(0.15))
