"""slackwater as a contestant: one worker or several, from when they stand ready until all of it is done.

Done is: every event validated, dealt out, merged, applied, judged, and committed with state, pictures and alerts in
transactions, as the broker has it. Then the pictures are read back, and have to hold every event.
"""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from time import perf_counter

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.events import InputTopic
from streams.broker.kafka import KafkaBroker
from streams.cli.demo.worker import Worker
from streams.cli.reading import read_all
from streams.runtime import topics
from streams.runtime.settings import Settings
from tests.bench.arena import Application, Arena, BenchError, application, bytes_on_broker, cpu_seconds
from tests.bench.contest import Result

PATIENCE = 300.0
"""Seconds that they have."""
_POLL = 0.25
_HOME = re.compile(r'slackwater_(\w+)\{partition="(\d+)"\}')


async def measure(arena: Arena, name: str, *, workers: int = 1, profile: Path | None = None) -> Result:
    """Have workers do all that is on the inputs. Raises `BenchError` and `WorkerError`."""
    app = application(arena.broker, arena.home, name)
    await topics.create(app.settings)
    async with asyncio.timeout(PATIENCE), _workers(app, workers) as running, _offsets(app.settings) as offsets:
        pids = [worker.process.pid for worker in running]
        # The first worker may have begun while the others joined: what it did until now does not count.
        left = arena.sent.total - sum([await events_read(worker) for worker in running])
        started, cpu, broker = perf_counter(), [cpu_seconds(pid) for pid in pids], cpu_seconds(arena.broker.pid)
        with _profiled(pids[0], profile, app):
            while not (await _all_applied(running, arena, app.settings) and await offsets.all_committed()):  # noqa: ASYNC110 - other processes set no event
                await asyncio.sleep(_POLL)
            seconds = perf_counter() - started
        used = [cpu_seconds(pid) - before for pid, before in zip(pids, cpu, strict=True)]
        memory = max(resident(pid) for pid in pids)
        broker = cpu_seconds(arena.broker.pid) - broker
    await _verify(app.settings, arena.usage)
    return Result(left, seconds, used, broker, memory, topic_bytes(arena.broker, app.settings))


def topic_bytes(broker: KafkaBroker, settings: Settings) -> dict[str, int]:
    """Bytes on the broker of what an application writes."""
    names = {
        "shuffle": settings.shuffle_topic,
        "changelog": topics.changelog(settings, topics.ENGAGEMENT),
        "health": settings.topic("health"),
        "alerts": settings.topic("alerts"),
    }
    return {short: bytes_on_broker(broker, name) for short, name in names.items()}


@asynccontextmanager
async def _workers(app: Application, count: int) -> AsyncIterator[Sequence[Worker]]:
    """So many workers, each with its share of the partitions."""
    async with AsyncExitStack() as stack:
        running = [app.worker() for _ in range(count)]
        await asyncio.gather(*(stack.enter_async_context(worker) for worker in running))
        while not await _shared(running, app.settings.partitions):  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.05)
        yield running


async def _shared(workers: Sequence[Worker], partitions: int) -> bool:
    shares = [_homes(await worker.metrics(), "due_queue_accounts").keys() for worker in workers]
    return all(shares) and sum(len(share) for share in shares) == partitions == len(set().union(*shares))


async def events_read(worker: Worker) -> int:
    """Valid events that a worker has read."""
    counts = (await worker.metrics()).items()
    return int(sum(value for name, value in counts if name.startswith("slackwater_events_total{")))


def _homes(metrics: dict[str, float], name: str) -> dict[int, float]:
    """A metric of the home partitions, by partition."""
    found = ((_HOME.fullmatch(each), value) for each, value in metrics.items())
    return {int(match[2]): value for match, value in found if match and match[1] == name}


async def _all_applied(workers: Sequence[Worker], arena: Arena, settings: Settings) -> bool:
    """By the workers' own metrics: nothing waits, and every home's clock is at the end."""
    clocks: dict[int, float] = {}
    for worker in workers:
        metrics = await worker.metrics()
        if any([*_homes(metrics, "events_waiting").values(), *_homes(metrics, "pictures_waiting").values()]):
            return False
        clocks |= _homes(metrics, "home_clock_seconds")
    return len(clocks) == settings.partitions and min(clocks.values()) * 1000 >= arena.end


class _Offsets:
    """How far the workers have committed, asked of the broker: they are not disturbed."""

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


async def _verify(settings: Settings, usage: int) -> None:
    totals: dict[bytes, int] = {}
    async for record in read_all(settings, settings.topic("health")):
        totals[record.key] = orjson.loads(record.value)["engagement"]["events_total"]
    if sum(totals.values()) != usage:
        raise BenchError(f"{usage:,} usage events went in, and the accounts' pictures hold {sum(totals.values()):,}")


@contextmanager
def _profiled(pid: int, profile: Path | None, app: Application) -> Iterator[None]:
    """Have py-spy look on, if there is a file for what it sees: a flame graph (.svg), or lines of stacks."""
    if profile is None:
        yield
        return
    program = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    if program is None:
        raise BenchError("--profile needs py-spy: pip install py-spy")
    kind = "flamegraph" if profile.suffix == ".svg" else "raw"
    command = [
        program,
        "record",
        "-p",
        str(pid),
        "-o",
        str(profile),
        "-f",
        kind,
        "-r",
        "200",
        "-d",
        "600",
        "-t",
        "--gil",
    ]
    with (app.home / "py-spy.log").open("w") as log:
        spy = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield
        finally:
            spy.send_signal(signal.SIGINT)
            spy.wait(30)


def resident(pid: int) -> int:
    """Resident memory of a process in bytes (Linux)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
