"""Events/s of the whole pipeline, beside the peers' mere counts and beside bare reading.

One Apache Kafka, one run, the same records, one contestant after the other. Who is slow gets a part of the records.
"""

import asyncio
import os
import traceback
from collections.abc import Awaitable

from tests.bench import peers, workers
from tests.bench.arena import Arena, arena
from tests.bench.closing import closing
from tests.bench.contest import Outcome, Result
from tests.bench.load import Load
from tests.bench.options import Options
from tests.bench.table import Figures


def run(options: Options) -> Figures:
    """20,000 accounts: the peers, one worker, two workers. Raises `BrokerError` where no Kafka can run."""
    return asyncio.run(_contest(Load().sized(options.events), options, "", two=True))


def run_many(options: Options) -> Figures:
    """200,000 accounts: the peers and one worker."""
    return asyncio.run(_contest(Load.many().sized(options.events), options, "many_", two=False))


def run_busy(options: Options) -> Figures:
    """Busy accounts and one worker, which lags from its start to its end: how much its changelog gets."""
    return asyncio.run(_busy(Load.busy().sized(options.events)))


async def _contest(load: Load, options: Options, prefix: str, *, two: bool) -> Figures:
    outcome = Outcome()
    async with arena(load) as found:
        await _try(outcome, "ceiling", peers.bare(found))
        await _try(outcome, "idiomatic", peers.idiomatic(found, load))
        await _try(outcome, "quix", peers.quix(found))
        await _try(outcome, "kafka_streams", peers.kafka_streams(found))
        await _try(outcome, "one", workers.measure(found, "one", profile=options.profile))
        if two:
            await _try(outcome, "two", workers.measure(found, "two", workers=2))
    outcome.show()
    figures = outcome.figures(prefix, os.cpu_count() or 1, closing(load))
    return figures | {f"{prefix}load": _load(load, found)} | _named(outcome, prefix)


async def _busy(load: Load) -> Figures:
    outcome = Outcome()
    async with arena(load) as found:
        outcome.results["one"] = done = await workers.measure(found, "busy")
    outcome.show()
    lagging = done.topics["changelog"] / found.value_bytes
    return {"changelog_lagging": lagging, "busy_load": _load(load, found)} | _named(outcome, "busy_")


async def _try(outcome: Outcome, name: str, work: Awaitable[Result]) -> None:
    """Have a contestant's result, or why there is none."""
    try:
        outcome.results[name] = await work
    except Exception as error:  # noqa: BLE001 - it is shown, and the others have their turn
        traceback.print_exc()
        outcome.failures[name] = f"{type(error).__name__}: {error}".splitlines()[0]


def _named(outcome: Outcome, prefix: str) -> Figures:
    return {f"{prefix}contestants": outcome.details()}


def _load(load: Load, found: Arena) -> Figures:
    return {"events": load.events, "accounts": load.accounts, "days": load.days, "value_bytes": found.value_bytes}
