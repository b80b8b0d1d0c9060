"""Resident memory of a worker with the state of many typical accounts, over that of one without any."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import orjson

from schemas.events import InputTopic
from schemas.instants import format_instant
from streams.broker.kafka import KafkaBroker
from streams.cli.demo.worker import Worker, WorkerError
from streams.produce.record import InputRecord
from streams.produce.sender import send
from tests.bench.arena import Application, application
from tests.bench.options import Options
from tests.bench.stored import store
from tests.bench.table import REMARKS, Figures
from tests.bench.typical import Typical, typical
from tests.bench.workers import resident

ACCOUNTS: Final = 200_000
PATIENCE: Final = 300.0
SETTLED: Final = 3.0
"""Seconds in which what is only needed for the start is given back."""


def run(_: Options) -> Figures:
    """Measure and print. Raises `BrokerError` where no Kafka can run."""
    return asyncio.run(_run())


async def _run() -> Figures:
    made = typical()
    with tempfile.TemporaryDirectory(prefix="slackwater-bench-") as directory:
        async with KafkaBroker() as broker:
            home = Path(directory)
            figures: Figures = {"changelog_value": made.value_bytes / 1000}
            for kind in ("memory", "rocksdb"):
                empty = await _empty(
                    application(broker, home, f"empty-{kind}", store=kind, topic_prefix=f"{kind}-none.")
                )
                app = application(broker, home, f"full-{kind}", store=kind, topic_prefix=f"{kind}.")
                await store(app.settings, made, ACCOUNTS)
                recovered, worked = await _full(app, made)
                figures[kind] = {
                    "empty": empty,
                    "recovered": recovered,
                    "worked": worked,
                    "per_account": (worked - empty) / ACCOUNTS,
                }
                print(
                    f"{kind:8s} empty {empty >> 20} MB; {ACCOUNTS:,} accounts: {recovered >> 20} MB recovered "
                    f"({(recovered - empty) / ACCOUNTS:.0f} bytes an account), {worked >> 20} MB after an event each "
                    f"({(worked - empty) / ACCOUNTS:.0f})",
                    flush=True,
                )
    worst = max(figures["memory"]["recovered"], figures["memory"]["worked"]) - figures["memory"]["empty"]
    remark = f"after an event each; a stored value has {made.value_bytes:.0f} bytes"
    return figures | {"memory_per_account": worst / ACCOUNTS / 1000, REMARKS: {"memory_per_account": remark}}


async def _empty(app: Application) -> int:
    await store(app.settings, typical(), 0)
    async with app.worker() as worker:
        return await _resident(worker)


async def _full(app: Application, made: Typical) -> tuple[int, int]:
    """Resident bytes when recovered, and after each account had an event and its day was closed."""
    async with app.worker() as worker:
        recovered = await _resident(worker)
        await send(_events(made), app.settings, settle_ms=86_400_000)
        async with asyncio.timeout(PATIENCE):
            while not await _done(worker, app, made):  # noqa: ASYNC110 - another process sets no event
                await asyncio.sleep(0.5)
        return recovered, await _resident(worker)


async def _done(worker: Worker, app: Application, made: Typical) -> bool:
    try:
        metrics = await worker.metrics()
    except WorkerError:
        if worker.process.exit_status is not None:
            raise
        return False  # busy: on a loaded machine it may take its time to answer

    def values(name: str) -> list[float]:
        return [value for each, value in metrics.items() if each.startswith(f"slackwater_{name}{{")]

    clocks = values("home_clock_seconds")
    waiting = sum(values("pictures_waiting")) + sum(values("events_waiting"))
    return len(clocks) == app.settings.partitions and min(clocks) * 1000 > made.at + 86_400_000 and not waiting


def _events(made: Typical) -> Iterator[InputRecord]:
    for number, (account, _) in enumerate(made.rows(ACCOUNTS)):
        at = made.at + 3_600_000 + number * 100
        value = {
            "event_id": f"{number:032x}",
            "account_id": account,
            "event": "report.viewed",
            "occurred_at": format_instant(at),
            "user_id": f"user-{number % 20}",
        }
        yield InputRecord(at, InputTopic.USAGE, account, orjson.dumps(value))


async def _resident(worker: Worker) -> int:
    """Resident memory in bytes (Linux)."""
    await asyncio.sleep(SETTLED)
    return resident(worker.process.pid)
