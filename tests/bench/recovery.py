"""From assignment to ready, with the state of many accounts: a worker, beside an idiomatic Faust table.

The same stored states of typical accounts lie in the changelogs of both, in as many partitions. slackwater reads them
all, builds due queue and counts, and stands at its place; Faust's table reads a sample, and its time for all is
computed from that. Both by their own clocks, so that nobody's start counts.
"""

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

import orjson
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.broker.child import ChildProcess
from streams.broker.kafka import KafkaBroker
from streams.runtime.ingest import home_of
from streams.runtime.settings import Settings
from tests.bench.arena import Application, BenchError, application
from tests.bench.options import Options
from tests.bench.stored import store, write
from tests.bench.table import REMARKS, Figures
from tests.bench.typical import Typical, typical

ACCOUNTS: Final = 200_000
SAMPLE: Final = 20_000
"""Of them for the idiomatic table: it takes its time."""
PATIENCE: Final = 180.0
PEER: Final = "idiomatic-recovery"


def run(_: Options) -> Figures:
    """Measure and print. Raises `BenchError`, and `BrokerError` where no Kafka can run."""
    return asyncio.run(_run())


async def _run() -> Figures:
    made = typical()
    print(f"{ACCOUNTS:,} accounts of {made.value_bytes:.0f} bytes, {len(made.values)} different ones", flush=True)
    with tempfile.TemporaryDirectory(prefix="slackwater-bench-") as directory:
        async with KafkaBroker() as broker:
            home = Path(directory)
            app = application(broker, home, "recovery")
            on_disk = application(broker, home, "recovery", store="rocksdb")
            await store(app.settings, made, ACCOUNTS)
            found: dict[str, float] = {}
            for name, contestant in {
                "memory": _slackwater(app),
                "rocksdb, new disk": _slackwater(on_disk),
                "rocksdb, restart": _slackwater(on_disk),
                "Faust, computed": _idiomatic(app.settings, made, home),
            }.items():
                found[name] = seconds = await contestant
                print(f"{name:20s}{seconds:8.2f} s{ACCOUNTS / seconds:12,.0f} accounts/s", flush=True)
    return {
        "recovery_to_faust": found["Faust, computed"] / found["memory"],
        "recovery_seconds": found,
        REMARKS: {"recovery_to_faust": f"Faust's from a sample of {SAMPLE:,}"},
    }


async def _slackwater(app: Application) -> float:
    async with app.worker() as worker:
        metrics = await worker.metrics()
    accounts = sum(count for name, count in metrics.items() if name.startswith("slackwater_accounts{"))
    if accounts != ACCOUNTS:
        raise BenchError(f"{accounts:,} accounts were recovered, of {ACCOUNTS:,}")
    return metrics["slackwater_recovery_seconds"]


async def _idiomatic(settings: Settings, made: Typical, home: Path) -> float:
    """Computed from a sample. Keys and values as Faust's JSON has them: a stored state is JSON, and a key a string."""
    changelog = f"{PEER}-accounts-changelog"
    admin = AIOKafkaAdminClient(**settings.kafka())
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, settings.partitions, 1) for name in (PEER, changelog)])
    finally:
        await admin.close()
    rows = ((home_of(id_, settings.partitions), orjson.dumps(id_), value) for id_, value in made.rows(SAMPLE))
    await write(settings, changelog, rows)
    arguments = [settings.brokers, PEER, str(settings.partitions), str(SAMPLE)]
    command = [sys.executable, "-m", "tests.bench.idiomatic_table", *arguments]
    child = ChildProcess(command, output=home / "idiomatic.log", environment=os.environ)
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                ended = child.exit_status is not None
                lines = child.output_tail(25).splitlines()
                if line := next((line for line in lines if '{"seconds"' in line), None):
                    return float(orjson.loads(line[line.index("{") :])["seconds"]) * ACCOUNTS / SAMPLE
                if ended:
                    raise BenchError(f"Faust's table ended before it was recovered:\n{child.output_tail(25)}")
                await asyncio.sleep(0.2)
    except TimeoutError:
        said = child.output_tail(25)
        raise BenchError(f"Faust's table was not recovered after {PATIENCE:g} s:\n{said}") from None
    finally:
        await child.stop(patience=5.0)
