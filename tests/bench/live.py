"""How long a failed payment takes until its alert can be read, and what the changelog gets, while events are live.

A worker on the wall clock; failed payments of ever new accounts, one after the other at odd moments; a stranger who
reads the alerts, committed ones only. First idle, then while usage events of the moment come in at half of the full
rate: the rate that one worker has shown just before, on the same machine.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from math import ceil
from random import Random
from statistics import median
from time import perf_counter, time

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from schemas.instants import format_instant
from streams.broker.child import ChildProcess
from streams.broker.kafka import KafkaBroker
from streams.cli.reading import committed
from streams.runtime import topics
from tests.bench import workers
from tests.bench.arena import Application, BenchError, application, arena, cpu_seconds
from tests.bench.load import Load, failed_payment
from tests.bench.options import Options
from tests.bench.table import REMARKS, Figures

FULL_RATE_EVENTS = 300_000
"""Enough to see the full rate."""
IDLE, LOADED = (120, 0.5), (400, 0.075)
"""Failed payments, and the mean seconds between two of them."""
_SETTLE = 8.0
"""Seconds of flow before the first payment."""
_PATIENCE = 60.0
_PAYER = re.compile(rb"payer_\d{6}")


def run(options: Options) -> Figures:
    """Measure and print. Raises `BrokerError` where no Kafka can run."""
    return asyncio.run(_run(options))


async def _run(options: Options) -> Figures:
    async with arena(Load().sized(options.events or FULL_RATE_EVENTS)) as found:
        full = (await workers.measure(found, "full")).rate
        app = application(found.broker, found.home, "live", clock="wall", topic_prefix="live.")
        await topics.create(app.settings)
        async with app.worker() as worker, probing(app) as prober:
            await prober.probe(10, 0.2)  # the first ones find everything cold
            idle = await prober.probe(*IDLE)
            idle.show("idle")
            loaded = await under_load(found.broker, app, prober, full / 2, worker.process.pid)
    loaded.times.show(f"at {loaded.rate:,.0f} events/s")
    print(f"changelog / input bytes, live: {loaded.changelog:.2f}")
    return {
        "latency_idle": idle.quantile(0.99),
        "latency_half": loaded.times.quantile(0.99),
        "changelog_live": loaded.changelog,
        "full_rate": full,
        "half_rate": loaded.rate,
        "idle": idle.details(),
        "half": loaded.times.details() | {"worker_cpu": loaded.worker_cpu, "broker_cpu": loaded.broker_cpu},
        REMARKS: {
            "latency_idle": f"median {median(idle.readable):.3f} s",
            "latency_half": f"median {median(loaded.times.readable):.3f} s at {loaded.rate:,.0f} events/s",
            "changelog_live": f"20,000 accounts, {loaded.rate:,.0f} events/s",
        },
    }


@dataclass(slots=True)
class Times:
    """Seconds from before a payment was sent, of each payment: until the ingest task's record of it could be read, and
    until its transition could."""

    dealt: list[float] = field(default_factory=list)
    readable: list[float] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """Of the transitions: so long took `share` of them at most."""
        return sorted(self.readable)[ceil(share * len(self.readable)) - 1]

    def details(self) -> Figures:
        """For the file."""
        quantiles = {f"p{share * 100:g}": self.quantile(share) for share in (0.5, 0.9, 0.99, 1)}
        return {**quantiles, "dealt_p50": median(self.dealt), "payments": len(self.readable)}

    def show(self, when: str) -> None:
        """Print it."""
        print(
            f"{when}: {len(self.readable)} payments, transition readable after {median(self.readable):.3f} s (median), "
            f"{self.quantile(0.99):.3f} s (p99), {max(self.readable):.3f} s (longest); "
            f"dealt out after {median(self.dealt):.3f} s",
            flush=True,
        )


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was seen under load: `rate` events/s, changelog bytes for a byte of input, CPU seconds a second."""

    times: Times
    rate: float
    changelog: float
    worker_cpu: float
    broker_cpu: float


async def under_load(
    broker: KafkaBroker,
    app: Application,
    prober: "Prober",
    rate: float,
    worker: int,
    payments: tuple[int, float] = LOADED,
    settle: float = _SETTLE,
) -> Loaded:
    """See what `payments` take while `rate` usage events a second come in, `settle` seconds after the first of those;
    `worker` is its process. Raises `BenchError` when the events or the alerts do not come."""
    count, gap = payments
    command = [sys.executable, "-m", "tests.bench.flow", broker.address, app.settings.topic("usage"), str(rate)]
    flow = ChildProcess([*command, str(settle + count * gap + 5)], output=app.home / "flow.log")
    try:
        before = workers.topic_bytes(broker, app.settings)["changelog"]
        await asyncio.sleep(settle)
        started, cpu = perf_counter(), (cpu_seconds(worker), cpu_seconds(broker.pid))
        times = await prober.probe(count, gap)
        seconds = perf_counter() - started
        used = (cpu_seconds(worker) - cpu[0], cpu_seconds(broker.pid) - cpu[1])
        await flow.wait(patience=_PATIENCE)
        await asyncio.sleep(3)  # the last flush
        changelog = workers.topic_bytes(broker, app.settings)["changelog"] - before
    finally:
        flow.kill()
    if flow.exit_status != 0:
        raise BenchError(f"the flow of events broke off:\n{flow.output_tail(25)}")
    sent = orjson.loads(flow.output_tail(1))
    return Loaded(
        times, sent["events"] / sent["seconds"], changelog / sent["bytes"], used[0] / seconds, used[1] / seconds
    )


class Prober:
    """Sends failed payments and sees their alerts come."""

    def __init__(self, billing: str, producer: AIOKafkaProducer) -> None:
        self._billing = billing
        self._producer = producer
        self._random = Random(3)
        self._number = 0
        self._times = Times()
        self._undealt: dict[bytes, float] = {}
        self._unread: dict[bytes, float] = {}

    async def probe(self, count: int, gap: float) -> Times:
        """Send so many, `gap` seconds apart on average, and return when all their alerts were read."""
        self._times = times = Times()
        for _ in range(count):
            self._number += 1
            account = f"payer_{self._number:06d}"
            value = failed_payment(self._random, account, format_instant(int(time() * 1000)))
            self._undealt[account.encode()] = self._unread[account.encode()] = perf_counter()
            await self._producer.send(self._billing, value, key=account.encode())
            await asyncio.sleep(gap * (0.5 + self._random.random()))
        deadline = perf_counter() + _PATIENCE
        while self._undealt or self._unread:
            if perf_counter() > deadline:
                raise BenchError(f"{len(self._unread)} of {count} alerts were not there after {_PATIENCE:g} s")
            await asyncio.sleep(0.05)
        return times

    async def read_alerts(self, consumer: AIOKafkaConsumer) -> None:
        """Note when a transition can be read."""
        async for record in consumer:
            if (sent := self._unread.pop(record.key, None)) is not None:
                self._times.readable.append(perf_counter() - sent)

    async def read_shuffle(self, consumer: AIOKafkaConsumer) -> None:
        """Note when the ingest task's record of a payment can be read."""
        async for record in consumer:
            for account in _PAYER.findall(record.value):
                if (sent := self._undealt.pop(account, None)) is not None:
                    self._times.dealt.append(perf_counter() - sent)


@asynccontextmanager
async def probing(app: Application) -> AsyncIterator[Prober]:
    """A prober with all that it needs, and readers beside it."""
    settings = app.settings
    async with AsyncExitStack() as stack:
        producer = await stack.enter_async_context(AIOKafkaProducer(**settings.kafka(), acks="all"))
        prober = Prober(settings.topic("billing"), producer)
        alerts = await stack.enter_async_context(committed(settings, settings.topic("alerts")))
        shuffle = await stack.enter_async_context(committed(settings, settings.shuffle_topic))
        reading = [asyncio.create_task(prober.read_alerts(alerts)), asyncio.create_task(prober.read_shuffle(shuffle))]
        try:
            yield prober
        finally:
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)
