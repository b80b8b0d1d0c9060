"""A run: what is sent for some minutes, what is looked at meanwhile, and what has to hold in the end."""

import asyncio
import base64
import json
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from schemas.picture import AccountPicture
from streams.broker.child import ChildProcess
from streams.cli.common import TERMINATED
from streams.cli.demo.worker import WorkerError
from streams.cli.reading import read_all
from streams.runtime import topics
from tests.e2e.harness import Application
from tests.fuzz.records import GOOD, Records
from tests.fuzz.requests import CARRIED, Requests
from tests.fuzz.sending import send_envelopes, send_records, send_requests, stay_logged_in
from tests.fuzz.stage import SECRETS, Run, healthy, running
from tests.fuzz.watching import Findings, Log, failures
from tests.secrecy import Secrets

_WORKER_PAGES: Final = ("/metrics", "/healthz", "/readyz", "/")
_BOARD_PAGES: Final = ("/", "/account", "/account", "/score", "/login", "/logout", "/healthz", "/board.css")
_LOOK_SECONDS: Final = 2.0
_END_SECONDS: Final = 180.0
_COMMAND_SECONDS: Final = 120.0
_CLIENTS: Final = 6
_LARGEST: Final = 1_000.0
"""MB that a process may have."""


async def fuzz(*, number: int, minutes: float, rate: float, home: Path) -> Findings:
    """Run with a seed for some minutes, `rate` records a second, and print what was done. What is found is returned;
    logs, and the records before a finding, are in `home`."""
    home.mkdir(parents=True, exist_ok=True)
    findings = Findings()
    async with running(home, findings, number, rate) as run:
        records = Records(run.app.settings, _partitions(run.app), number)
        worker_pages = Requests(_WORKER_PAGES, number)
        board_pages = Requests(_BOARD_PAGES, number + 1)
        secrets = Secrets(**SECRETS, carried=CARRIED)
        logs = [Log(path, findings, secrets) for path in (run.app.log, *home.glob("board-*.log"))]
        looking = asyncio.create_task(_look(run, logs))
        work = [send_records(run, records), send_envelopes(run)]
        work += [send_requests(run, worker_pages, run.worker.address) for _ in range(_CLIENTS)]
        work += [send_requests(run, board_pages, run.board_address) for _ in range(_CLIENTS)]
        work.append(stay_logged_in(run, board_pages))
        run.until = time.monotonic() + minutes * 60
        await asyncio.gather(*work)
        if run.alive:
            await _settled(run, records)
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        await _afterwards(run)
        for log in logs:
            log.look()
        _tell(run, records)
    return findings


def _partitions(app: Application) -> dict[str, int]:
    return {each.name: each.partitions for each in topics.plan(app.settings)}


async def _look(run: Run, logs: list[Log]) -> None:
    """Every two seconds, whether all is well."""
    last = time.time()
    while True:
        seen = time.time()
        well = [log.look() for log in logs]
        for name, process, address in _processes(run):
            if process.exit_status is not None:
                run.findings.add(f"the {name} ended with {process.exit_status}", process.output_tail(40))
                well.append(False)
            elif not await healthy(address):
                run.findings.add(f"the {name} is not healthy", process.output_tail(40))
            run.memory[name].look()
            if run.memory[name].last > _LARGEST:
                run.findings.add(f"the {name} takes more than {_LARGEST:g} MB", str(run.memory[name]))
        with suppress(WorkerError):
            if failed := failures((await run.worker.metrics()).items()):
                run.findings.add(f"tasks have failed: {failed}")
                well.append(False)
        if not all(well):
            _keep_suspects(run, last - 5)
        last = seen
        await asyncio.sleep(_LOOK_SECONDS)


def _processes(run: Run) -> tuple[tuple[str, ChildProcess, str], ...]:
    return ("worker", run.worker.process, run.worker.address), ("board", run.board, run.board_address)


def _keep_suspects(run: Run, since: float) -> None:
    """The records of the last seconds, as JSON lines: one of them did it."""
    path = run.app.home / "suspects.jsonl"
    with path.open("a") as file:
        for at, each in run.suspects:
            if at >= since:
                value = None if each.value is None else base64.b64encode(each.value).decode()
                told = {"topic": each.topic, "partition": each.partition, "value": value, "headers": repr(each.headers)}
                file.write(json.dumps({"at": at, **told, "key": repr(each.key), "timestamp": each.timestamp}) + "\n")


async def _settled(run: Run, records: Records) -> None:
    """Everything is read, and the good events are counted, each once."""
    deadline = time.monotonic() + _END_SECONDS
    lag: Mapping[str, float] = {}
    found: dict[str, int] = {}
    while time.monotonic() < deadline and run.alive:
        with suppress(WorkerError):
            metrics = await run.worker.metrics()
            lag = {k: v for k, v in metrics.items() if k.startswith("slackwater_consumer_lag_records") and v}
        if not lag:
            found = await _totals(run.app)
            if found == records.totals:
                return
        await asyncio.sleep(1)
    if lag:
        run.findings.add("what was sent is not read to its end", str(lag))
    else:
        wrong = {k: (found.get(k), v) for k, v in records.totals.items() if found.get(k) != v}
        run.findings.add("good accounts have wrong totals (found, sent)", str(wrong))


async def _totals(app: Application) -> dict[str, int]:
    found: dict[str, int] = {}
    async for record in read_all(app.settings, app.settings.topic("health")):
        if record.key is not None and record.key.startswith(GOOD.encode()) and record.value:
            picture = AccountPicture.model_validate_json(record.value)
            found[picture.account_id] = picture.engagement.events_total
    return found


async def _afterwards(run: Run) -> None:
    """Commands read what was written, both processes end in order, and no topic has a secret."""
    if run.alive:
        for arguments in (("alerts", "list", "--json"), ("dead-letters", "list"), ("check",), ("score",)):
            try:
                done = await run.app.slackwater(*arguments, patience=_COMMAND_SECONDS, check=False)
            except AssertionError as error:
                run.findings.add(f"slackwater {arguments[0]} does not end", str(error))
                continue
            if "Traceback" in done.output or done.status not in (0, 1):
                run.findings.add(f"slackwater {arguments[0]} ends with {done.status}", done.output[-4_000:])
        secrets = Secrets(**SECRETS)
        settings = run.app.settings
        for topic in (settings.topic("dead_letters"), settings.topic("alerts"), settings.undelivered_topic):
            async for record in read_all(settings, topic):
                if found := secrets.found_in(record.value or b"", str(record.headers)):
                    run.findings.add(f"{topic} has the secrets {found}", repr(record)[:2_000])
    for name, process, _ in _processes(run):
        process.signal(signal.SIGTERM)
        status = await process.wait(patience=20)
        if status not in (0, TERMINATED):
            run.findings.add(f"the {name} ends with {status} when it is asked to", process.output_tail(40))


def _tell(run: Run, records: Records) -> None:
    total = sum(run.sent.values())
    print(f"{total} records ({dict(run.sent)}), {sum(records.totals.values())} good ones counted for", flush=True)
    print(
        f"{sum(run.requests.values())} requests ({dict(run.requests)}), answered {dict(sorted(run.statuses.items()))}"
    )
    print(f"{run.envelopes} envelopes")
    for name, memory in run.memory.items():
        print(f"memory of the {name}: {memory}", flush=True)
