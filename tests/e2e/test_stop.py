"""A worker that is asked to end does so within ten seconds, whatever it is at and whatever hangs."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from schemas.events import InputTopic
from schemas.instants import format_instant
from streams.broker import KafkaBroker
from streams.broker.child import ChildProcess
from streams.cli.demo.worker import Worker
from streams.produce import InputRecord, send
from streams.runtime import topics
from tests.e2e.harness import Application, application, eventually
from tests.e2e.slack import HANG, Slack

SECONDS = 10.0
"""What orchestrators that are in a hurry wait before they kill."""
START = 1_735_689_600_000
MINUTE_MS = 60_000


async def asked_to_end(process: ChildProcess, *, within: float = SECONDS) -> tuple[int, str]:
    """The exit status after a SIGTERM, and what was logged."""
    asked_at = time.monotonic()
    process.signal(signal.SIGTERM)
    status = await process.wait(patience=within)
    output = process.output_tail(10_000)
    print(f"ended with {status} after {time.monotonic() - asked_at:.1f} s")
    assert status is not None, f"not ended after {within:g} s:\n{output}"
    return status, output


@asynccontextmanager
async def starting(app: Application) -> AsyncIterator[ChildProcess]:
    """A worker's process that has come so far that a signal does not simply end it."""
    async with app.command("worker") as process:

        async def handles() -> bool:
            assert process.exit_status is None, process.output_tail(30)
            status = Path(f"/proc/{process.pid}/status").read_text()
            caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
            return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)

        await eventually(handles, "the worker handles signals")
        yield process


async def feed(app: Application, events: int, *, accounts: int = 20) -> None:
    """So many usage events, a minute apart, with markers after the last one, too."""

    def record(number: int) -> InputRecord:
        at, account = START + number * MINUTE_MS, f"acct-{number % accounts}"
        event = {"account_id": account, "event": "report.viewed", "occurred_at": format_instant(at)}
        return InputRecord(at, InputTopic.USAGE, account, json.dumps(event).encode())

    await send(map(record, range(events)), app.settings, settle_ms=MINUTE_MS)


async def read(worker: Worker, app: Application, events: int) -> None:
    """Return when so many events have been read."""
    name = f'slackwater_events_total{{topic="{app.settings.topic("usage")}",type="usage"}}'

    async def are() -> bool:
        return (await worker.metrics()).get(name, 0) >= events

    await eventually(are, f"{events} events are read")


async def counted(app: Application, events: int) -> None:
    """A worker of now finds every event once."""
    environment = {**app.environment, "SLACKWATER_FLUSH": "1s", "SLACKWATER_LAGGING_FLUSH_EVENTS": "50000"}
    app = replace(app, environment=environment)
    async with app.worker() as worker:
        await app.applied_until(START + events * MINUTE_MS, worker=worker, patience=90)
    assert sum(each.engagement.events_total for each in (await app.pictures()).values()) == events


async def test_a_broker_that_hangs_does_not_hold_up_the_end_and_what_is_not_committed_is_told_and_done_again(
    kafka_required: None, tmp_path: Path
) -> None:
    async with KafkaBroker() as broker:
        app = await application(broker, tmp_path, partitions="2", flush="30s")
        async with app.worker() as worker:
            await feed(app, 500)
            await read(worker, app, 500)
            broker.pause()
            status, output = await asked_to_end(worker.process)
        broker.resume()
        assert status == 1, output
        assert "not stopped in order within 8 s" in output
        told = output.splitlines()[-1]
        assert "not committed, and done again by the next owner: " in told, output
        assert app.settings.topic("usage") in told, output
        await counted(app, 500)


async def test_a_second_signal_ends_it_at_once(kafka_required: None, tmp_path: Path) -> None:
    async with KafkaBroker() as broker:
        app = await application(broker, tmp_path, partitions="2")
        async with app.worker() as worker:
            broker.pause()
            worker.process.signal(signal.SIGTERM)
            await asyncio.sleep(0.5)
            status, output = await asked_to_end(worker.process, within=4)
        assert status == 128 + signal.SIGTERM, output
        assert "a second signal (SIGTERM): ended" in output


async def test_amid_a_long_catch_up_it_commits_what_is_done_and_ends(kafka: KafkaBroker, tmp_path: Path) -> None:
    app = await application(kafka, tmp_path, partitions="2", lagging_flush_events="2000")
    events = 150_000
    await feed(app, events, accounts=500)
    async with app.worker() as worker:
        await app.applied_until(START, worker=worker)
        status, output = await asked_to_end(worker.process)
    assert status == 0, output
    assert "not committed" not in output, output
    assert await app.clock() < START + events * MINUTE_MS, "it was not amid anything"
    await counted(app, events)


async def test_amid_a_long_recovery_it_ends(kafka: KafkaBroker, tmp_path: Path) -> None:
    app = await application(kafka, tmp_path, partitions="2")
    log = topics.changelog(app.settings, topics.ENGAGEMENT)
    async with AIOKafkaProducer(bootstrap_servers=kafka.address, linger_ms=20, max_batch_size=1 << 19) as producer:
        for number in range(300_000):  # nobody comes to look at what the rows say
            await producer.send(log, b"x" * 500, key=b"acct-%d" % number, partition=number % 2)
    async with app.command("worker") as process:

        async def assigned() -> bool:
            assert process.exit_status is None, process.output_tail(30)
            return "assigned: " in process.output_tail(30)

        await eventually(assigned, "it recovers")
        status, output = await asked_to_end(process)
    assert status == 0, output
    assert "ready " not in output, "it was recovered already"


async def test_a_slack_that_hangs_does_not_hold_up_the_end(kafka: KafkaBroker, tmp_path: Path) -> None:
    slack = Slack()
    slack.status = HANG
    app = await application(kafka, tmp_path, partitions="2", clock="wall", slack_webhook_url=slack.url)
    async with slack, app.worker() as worker:
        now = int(time.time() * 1000)
        failed = {
            "account_id": "acct-1",
            "type": "payment.failed",
            "occurred_at": format_instant(now),
            "invoice_id": "in-1",
            "amount_minor": 4_900,
            "currency": "EUR",
            "attempt": 1,
            "next_attempt_at": format_instant(now + 86_400_000),
        }
        async with AIOKafkaProducer(bootstrap_servers=kafka.address) as producer:
            await producer.send_and_wait(app.settings.topic("billing"), json.dumps(failed).encode())

        async def hangs() -> bool:
            return bool(slack.asked)

        await eventually(hangs, "a message at Slack")
        status, output = await asked_to_end(worker.process)
    assert status == 0, output


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_while_the_broker_does_not_answer_a_start_is_ended_at_once(kafka_required: None, tmp_path: Path) -> None:
    async with KafkaBroker() as broker:
        app = await application(broker, tmp_path)
        broker.pause()
        async with starting(app) as process:
            await asyncio.sleep(0.5)
            status, output = await asked_to_end(process)
    assert status == 0, output
    assert "Traceback" not in output, output


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(
    "after", [0.6, 2.0, *(pytest.param(after, marks=pytest.mark.thorough) for after in (0.0, 0.3, 1.0, 1.5))]
)
async def test_a_start_is_ended_in_order_at_any_moment(kafka: KafkaBroker, tmp_path: Path, after: float) -> None:
    app = await application(kafka, tmp_path)  # its own topics are created at the start
    async with starting(app) as process:
        await asyncio.sleep(after)
        status, output = await asked_to_end(process)
    assert status == 0, output
    assert "Traceback" not in output, output
