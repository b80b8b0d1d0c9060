"""Events/s of the whole pipeline, beside an idiomatic Faust count and beside bare reading.

One Apache Kafka, one run, the same records, one process each, one after the other. Nobody's start and nobody's joining
of the group counts: the clock runs from when a contestant stands at its first record until all of it is done. For the
pipeline that is: every event validated, dealt out, merged, applied, judged, and committed with state, pictures and
alerts in transactions, as the broker has it; then the pictures are read back, and have to hold every event.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import aiohttp
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.events import InputTopic
from schemas.picture import AccountPicture
from streams.broker.child import ChildProcess
from streams.broker.kafka import KafkaBroker
from streams.broker.ready import free_port
from streams.cli.reading import read_all
from streams.produce.record import InputRecord
from streams.produce.sender import send
from streams.runtime import topics
from streams.runtime.settings import Settings, load_settings
from tests.bench.load import Load

PATIENCE = 300.0
"""Seconds that a contestant has."""
IDIOMATIC_EVENTS = 20_000
"""It takes its time."""
ASKED = 15.0
"""How many times the idiomatic count's events/s the pipeline is to do."""


class BenchError(Exception):
    """A contestant did not do what it was to do: then there are no figures."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a contestant did. `seconds` of wall clock and `cpu` seconds of its own process, both for all `events`."""

    name: str
    events: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds


def run(events: int | None = None) -> dict[str, object]:
    """Measure and print. Raises `BenchError`, and `BrokerError` where no Kafka can run."""
    return _measured(Load(), events)


def run_sparse(events: int | None = None) -> dict[str, object]:
    """`run` with `Load.sparse`."""
    return _measured(Load.sparse(), events)


def _measured(load: Load, events: int | None) -> dict[str, object]:
    return asyncio.run(_run(load if events is None else replace(load, events=events)))


async def _run(load: Load) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="slackwater-bench-") as directory:
        home = Path(directory)
        async with KafkaBroker() as broker:
            environment = _environment(broker.address, home)
            settings = load_settings({name: environment[name] for name in environment if name != "SLACKWATER_CONFIG"})
            await topics.create(settings)
            records = list(load.records())
            sent = await send(records, settings, settle_ms=load.end - records[-1].at)
            usage = sent.records[InputTopic.USAGE]
            size = sum(len(record.value) for record in records) / len(records)
            peers = [record for record in records if record.topic is InputTopic.USAGE][:IDIOMATIC_EVENTS]
            del records
            print(
                f"{sent.total:,} events of {size:.0f} bytes ({usage:,} usage), {load.accounts:,} accounts, "
                f"{load.days} days",
                flush=True,
            )
            inputs = [settings.topic("usage"), settings.topic("billing")]
            arguments = ["tests.bench.bare", broker.address, str(sent.total), *inputs]
            ceiling = await _peer("aiokafka + orjson", home, arguments)
            idiomatic = await _idiomatic(settings.model_copy(update={"topic_prefix": "peer."}), home, peers)
            pipeline = await _pipeline(settings, environment, home, load, sent.total)
            await _verify(settings, usage)
    return _report(pipeline, idiomatic, ceiling)


async def _idiomatic(settings: Settings, home: Path, records: list[InputRecord]) -> Figures:
    """The first usage events again, on a topic without markers: Faust's agent would end at the first of them."""
    await topics.create(settings, roles=["input"])
    await send(records, settings, markers=False)
    arguments = [settings.brokers, settings.topic("usage"), str(settings.partitions), str(len(records))]
    return await _peer("idiomatic Faust", home, ["tests.bench.idiomatic", *arguments])


def _report(pipeline: Figures, idiomatic: Figures, ceiling: Figures) -> dict[str, object]:
    print(f"{'':20s}{'events':>10s}{'seconds':>10s}{'events/s':>12s}{'CPU s':>8s}{'events/CPU s':>14s}")
    for each in (pipeline, idiomatic, ceiling):
        print(
            f"{each.name:20s}{each.events:10,}{each.seconds:10.2f}{each.rate:12,.0f}{each.cpu:8.2f}"
            f"{each.events / each.cpu:14,.0f}"
        )
    to_idiomatic, to_ceiling = pipeline.rate / idiomatic.rate, pipeline.rate / ceiling.rate
    verdict = "reached" if to_idiomatic >= ASKED else "missed"
    print(f"pipeline / idiomatic Faust  {to_idiomatic:6.1f}   (asked: {ASKED:g}, {verdict})")
    print(f"pipeline / ceiling          {to_ceiling:6.2f}")
    return {
        "contestants": {
            each.name: {"events": each.events, "seconds": each.seconds, "events_per_s": each.rate, "cpu_s": each.cpu}
            for each in (pipeline, idiomatic, ceiling)
        },
        "pipeline_to_idiomatic": to_idiomatic,
        "pipeline_to_ceiling": to_ceiling,
    }


async def _peer(name: str, home: Path, arguments: list[str]) -> Figures:
    """A contestant that measures itself, and says so in a line of JSON."""
    async with _child(home / f"{arguments[0]}.log", ["-m", *arguments], os.environ) as child:
        async with asyncio.timeout(PATIENCE):
            while True:
                ended = child.exit_status is not None
                last = child.output_tail(1)
                if last.startswith("{"):
                    figures = orjson.loads(last)
                    return Figures(name, figures["events"], figures["seconds"], figures["cpu"])
                if ended:
                    raise BenchError(f"{name} ended before it was done:\n{child.output_tail(25)}")
                await asyncio.sleep(0.2)


async def _pipeline(settings: Settings, environment: Mapping[str, str], home: Path, load: Load, events: int) -> Figures:
    pages = f"http://{settings.web_host}:{settings.web_port}"
    command = ["-m", "streams", "worker"]
    async with (
        _child(home / "worker.log", command, environment) as child,
        aiohttp.ClientSession() as session,
        asyncio.timeout(PATIENCE),
    ):
        while not await _ready(session, pages):
            if child.exit_status is not None:
                raise BenchError(f"the worker ended:\n{child.output_tail(25)}")
            await asyncio.sleep(0.02)
        started, cpu = perf_counter(), _cpu_seconds(child.pid)
        async with _offsets(settings) as offsets:
            while not (await offsets.all_committed() and await _all_applied(session, pages, settings, load, events)):
                if child.exit_status is not None:
                    raise BenchError(f"the worker ended:\n{child.output_tail(25)}")
                await asyncio.sleep(0.1)
        return Figures("slackwater", events, perf_counter() - started, _cpu_seconds(child.pid) - cpu)


class _Offsets:
    """How far the worker has committed, asked of the broker: the worker is not disturbed."""

    def __init__(self, settings: Settings, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> None:
        inputs = [settings.topic(topic.value) for topic in InputTopic]
        names = [*inputs, settings.shuffle_topic]
        self._parts = [TopicPartition(name, number) for name in names for number in range(settings.partitions)]
        self._group = settings.app_id
        self._consumer = consumer
        self._admin = admin

    async def all_committed(self) -> bool:
        """Inputs and shuffle are committed to their ends."""
        ends = await self._consumer.end_offsets(self._parts)
        committed = await self._admin.list_consumer_group_offsets(self._group, partitions=self._parts)
        return all(committed[part].offset >= ends[part] for part in self._parts if ends[part])


@asynccontextmanager
async def _offsets(settings: Settings) -> AsyncIterator[_Offsets]:
    consumer = AIOKafkaConsumer(**settings.kafka())
    admin = AIOKafkaAdminClient(**settings.kafka())
    try:
        await consumer.start()
        await admin.start()
        yield _Offsets(settings, consumer, admin)
    finally:
        await consumer.stop()
        await admin.close()


async def _ready(session: aiohttp.ClientSession, pages: str) -> bool:
    try:
        async with session.get(f"{pages}/readyz") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


async def _all_applied(session: aiohttp.ClientSession, pages: str, settings: Settings, load: Load, events: int) -> bool:
    """By the worker's own metrics: all read, nothing waits, and every home's clock at the end."""
    async with session.get(f"{pages}/metrics") as response:
        lines = (await response.text()).splitlines()
    samples = [line.rpartition(" ") for line in lines if not line.startswith("#")]

    def values(metric: str) -> list[float]:
        return [float(value) for name, _, value in samples if name.startswith(f"slackwater_{metric}{{")]

    clocks = values("home_clock_seconds")
    return (
        sum(values("events_total")) >= events
        and not any(values("events_waiting"))
        and not any(values("pictures_waiting"))
        and len(clocks) == settings.partitions
        and min(clocks) * 1000 >= load.end
    )


async def _verify(settings: Settings, usage: int) -> None:
    totals: dict[bytes, int] = {}
    async for record in read_all(settings, settings.topic("health")):
        totals[record.key] = AccountPicture.model_validate_json(record.value).engagement.events_total
    if sum(totals.values()) != usage:
        raise BenchError(f"{usage:,} usage events went in, and the accounts' pictures hold {sum(totals.values()):,}")


@asynccontextmanager
async def _child(log: Path, arguments: list[str], environment: Mapping[str, str]) -> AsyncIterator[ChildProcess]:
    child = ChildProcess([sys.executable, *arguments], output=log, environment=environment)
    try:
        yield child
    finally:
        await child.stop(patience=15.0)


def _cpu_seconds(pid: int) -> float:
    """CPU time that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _environment(broker: str, home: Path) -> dict[str, str]:
    config = home / "slackwater.toml"
    config.touch()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLACKWATER_")}
    return kept | {
        "SLACKWATER_CONFIG": str(config),
        "SLACKWATER_BROKERS": broker,
        "SLACKWATER_CLOCK": "events",
        "SLACKWATER_WEB_PORT": str(free_port()),
        "SLACKWATER_LOG_LEVEL": "WARNING",
    }
