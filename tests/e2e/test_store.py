"""State on disk: a restart goes on from it, another worker does without it, a disk that takes no more ends the worker
with its reason and nothing lost."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path

import orjson
import pytest

from schemas.instants import format_instant
from streams.broker import Broker
from streams.runtime import topics
from streams.runtime.database import Database
from streams.runtime.state_directory import path_of
from tests.e2e.harness import Application, application

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

DAY_MS = 86_400_000
BEGIN = 1_736_121_600_000
ACCOUNTS = 400


async def app_on_disk(kafka: Broker, home: Path) -> Application:
    return await application(kafka, home, store="rocksdb", partitions="2", flush="200ms")


async def days_of_use(app: Application, first: int, days: int) -> int:
    """Send two events a day of every account, and markers to the end of the last day; gives its end."""
    file = app.home / f"use-{first}.jsonl"
    times = [BEGIN + day * DAY_MS + hour * 3_600_000 for day in range(first, first + days) for hour in (9, 15)]
    with file.open("wb") as lines:
        for at in times:
            for number in range(ACCOUNTS):
                event = {"event_id": f"{at}-{number}", "account_id": f"acct-{number:04d}", "event": "report.viewed"}
                lines.write(orjson.dumps(event | {"occurred_at": format_instant(at)}) + b"\n")
    await app.slackwater("produce", str(file), "--speed", "max", "--settle", "0.375")  # nine hours
    return BEGIN + (first + days) * DAY_MS


async def worked(app: Application, first: int, days: int, **settings: str) -> None:
    """`days_of_use`, and a worker that goes through them as they come and stops."""
    async with app.worker(**settings) as worker:
        end = await days_of_use(app, first, days)
        await app.applied_until(end, worker=worker)
        await app.pictured(worker)


async def totals(app: Application) -> set[int]:
    """How many events the accounts have had, as their pictures say."""
    pictures = (await app.pictures()).values()
    assert len(pictures) == ACCOUNTS
    return {picture.engagement.events_total for picture in pictures}


def log_of(app: Application) -> str:
    return app.log.read_text()


async def test_a_restart_goes_on_from_what_is_on_disk_and_a_changelog_that_is_another_is_read_anew(
    kafka: Broker, tmp_path: Path
) -> None:
    app = await app_on_disk(kafka, tmp_path)
    await worked(app, 0, 3)
    log = topics.changelog(app.settings, topics.ENGAGEMENT)
    ends = await app.ends(log)
    for partition in range(2):
        database = Database(path_of(app.settings) / f"engagement-{partition}")
        assert database.stand is not None
        # Only the end of the last transaction comes after it.
        assert database.stand.offset in {ends[partition] - 1, ends[partition] - 2}
        database.close()

    await worked(app, 3, 2)
    assert await totals(app) == {10}
    assert "is read anew" not in log_of(app)

    # A second worker with a directory of its own has to read it all; the first finds its own again.
    await worked(app, 5, 1, state_dir=str(tmp_path / "other"))
    await worked(app, 6, 1)
    assert await totals(app) == {14}
    assert "is read anew" not in log_of(app)

    # What is on disk is of another changelog.
    for partition in range(2):
        database = Database(path_of(app.settings) / f"engagement-{partition}")
        database.write("another/changelog/0", [(b"acct-9999", b"what is not known here")], 5, level=True)
        database.close()
    await worked(app, 7, 1)
    assert await totals(app) == {16}
    assert log_of(app).count("is read anew from") == 2
    assert "it is of another/changelog/0" in log_of(app)


async def test_two_workers_do_not_share_a_directory(kafka: Broker, tmp_path: Path) -> None:
    app = await app_on_disk(kafka, tmp_path)
    async with app.worker() as worker:
        refused = await app.slackwater("worker", check=False, patience=60)
        assert refused.status == 1
        assert f"is in use by another worker (process {worker.process.pid})" in refused.output


async def test_a_disk_that_takes_no_more_ends_the_worker_with_its_reason_and_loses_nothing(
    kafka: Broker, tmp_path: Path
) -> None:
    app = await app_on_disk(kafka, tmp_path)
    end = await days_of_use(app, 0, 2)
    async with app.worker() as worker:
        await app.applied_until(end, worker=worker)
        # No file of the worker's may grow beyond this: to it the disk is full. Its log stays below.
        resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
        await days_of_use(app, 2, 4)
        status = await worker.process.wait(patience=90)
        assert status == 1, worker.process.output_tail(30)
    said = log_of(app)
    assert "failed (5 in a row)" in said
    last = said.rstrip().splitlines()[-1]
    assert last.startswith("slackwater: ")
    assert "(SLACKWATER_STATE_DIR) cannot be" in last
    assert "File too large" in last

    async with app.worker() as worker:
        await app.applied_until(BEGIN + 6 * DAY_MS, worker=worker)
        await app.pictured(worker)
    assert await totals(app) == {12}


async def test_a_directory_that_cannot_be_one_is_told_at_the_start(kafka: Broker, tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    app = await app_on_disk(kafka, tmp_path)
    refused = await app.slackwater("worker", check=False, patience=60)
    assert refused.status == 1
    assert refused.output.rstrip().splitlines()[-1].startswith("slackwater: SLACKWATER_STATE_DIR: ")


async def test_a_killed_workers_directory_is_free_for_the_next(kafka: Broker, tmp_path: Path) -> None:
    app = await app_on_disk(kafka, tmp_path)
    end = await days_of_use(app, 0, 2)
    async with app.worker() as worker:
        await app.applied_until(end, worker=worker)
        worker.process.kill()
    end = await days_of_use(app, 2, 1)
    async with app.worker() as worker, asyncio.timeout(120):
        await app.applied_until(end, worker=worker)
    assert await totals(app) == {6}
    assert "is read anew" not in log_of(app)
