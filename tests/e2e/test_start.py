"""Starting and stopping: `slackwater worker` and `faust -A streams.app worker` are the same worker."""

import asyncio
import re
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from streams.broker import KafkaBroker
from streams.broker.child import ChildProcess
from streams.broker.ready import free_port
from streams.cli.demo.worker import inherited
from tests.e2e.harness import Application, application, eventually

COMMANDS = {
    "slackwater": (sys.executable, "-m", "streams", "worker"),
    "faust": (sys.executable, "-m", "faust", "-A", "streams.app", "worker"),
}
EITHER = pytest.mark.parametrize(
    "command", [pytest.param(each, marks=() if each == "slackwater" else pytest.mark.thorough) for each in COMMANDS]
)
PROMISED = {
    "events_total": {"topic", "type"},
    "events_rejected_total": {"topic", "reason"},
    "events_duplicate_total": {"topic"},
    "events_late_total": {"topic"},
    "event_age_seconds": set(),
    "batch_seconds": {"stage"},
    "batch_records": {"stage"},
    "consumer_lag_records": {"topic", "partition"},
    "due_queue_accounts": {"partition"},
    "parked_records": {"topic"},
    "accounts": {"phase"},
    "alerts_open": {"kind", "severity"},
    "mrr_active_minor": {"currency"},
    "mrr_at_risk_minor": {"currency", "kind"},
    "payments_total": {"result"},
    "accounts_lost_total": {"voluntary", "reason", "influenceable"},
    "state_bytes": set(),
    "events_rekeyed_total": {"topic"},
    "alerts_total": {"kind", "severity", "change"},
    "notifications_total": {"route", "result"},
    "notification_seconds": {"route"},
    "notifications_pending": {"route"},
    "notification_oldest_seconds": {"route"},
    "notification_route_broken": {"route"},
    "notifications_undelivered_total": {"route", "reason"},
    "dead_letters_total": {"topic", "reason"},
    "records_lost_total": {"topic"},
    "topic_incarnations_total": {"topic"},
    "recovery_seconds": set(),
    "flush_seconds": {"stage"},
    "dedup_overflow_total": set(),
    "ready": set(),
    "assignment_timestamp_seconds": set(),
    "task_failures_total": {"stage"},
    "exactly_once": set(),
    "wall_clock": set(),
    "build_info": {"version"},
}
"""The metrics that there are so far, with their labels; no other may have a label that is not among these."""


@asynccontextmanager
async def started(app: Application, command: str, **changed: str) -> AsyncIterator[tuple[ChildProcess, str]]:
    """A worker's process, started in one way or the other, and the address of its pages. It may not be ready."""
    port = str(free_port())
    more = {f"SLACKWATER_{key.upper()}": value for key, value in ({"web_port": port} | changed).items()}
    environment: Mapping[str, str] = {**inherited(), **app.environment, **more}
    process = ChildProcess(COMMANDS[command], output=app.home / f"{command}.log", environment=environment)
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()


async def refusal(app: Application, command: str, **changed: str) -> str:
    """What a worker that cannot start says; fails unless it ends by itself, with exit status 1."""
    async with started(app, command, **changed) as (process, _):
        status = await process.wait(patience=60)
        output = process.output_tail(60)
    assert status == 1, f"{command} ended with {status}:\n{output}"
    assert "Traceback" not in output, output
    assert "\nslackwater: " in f"\n{output}", output
    return output


def has_words(output: str, *words: str) -> bool:
    """Whether all of them are there, however the log's lines were broken."""
    flat = re.sub(r"\W+", "", output)
    return all(re.sub(r"\W+", "", each) in flat for each in words)


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_missing_input_topic_is_a_start_error(kafka: KafkaBroker, tmp_path: Path, command: str) -> None:
    app = await application(kafka, tmp_path)
    missing = f"{app.settings.topic_prefix}nowhere"
    output = await refusal(app, command, topic_billing="nowhere")
    assert has_words(output, missing, "there is no such topic", "slackwater topics create"), output


@EITHER
async def test_an_input_topic_that_loses_events_is_a_start_error(
    kafka: KafkaBroker, tmp_path: Path, command: str
) -> None:
    app = await application(kafka, tmp_path)
    name = f"{app.settings.topic_prefix}compacted"
    await create(kafka, NewTopic(name, 4, 1, topic_configs={"cleanup.policy": "compact"}))
    output = await refusal(app, command, topic_usage="compacted")
    assert has_words(output, name, "has cleanup.policy=compact, which would lose events"), output
    assert has_words(output, "use cleanup.policy=delete"), output


@EITHER
async def test_another_number_of_partitions_than_the_state_has_is_a_start_error(
    kafka: KafkaBroker, tmp_path: Path, command: str
) -> None:
    app = await application(kafka, tmp_path, partitions="4")
    output = await refusal(app, command, partitions="3")
    assert has_words(output, f"{app.settings.app_id}-engagement-changelog", "has 4 partitions"), output
    assert has_words(output, "SLACKWATER_PARTITIONS=4"), output


@EITHER
async def test_a_session_that_the_broker_does_not_take_is_a_start_error(
    kafka: KafkaBroker, tmp_path: Path, command: str
) -> None:
    app = await application(kafka, tmp_path)
    output = await refusal(app, command, session_timeout="500ms", heartbeat_interval="100ms")
    assert has_words(output, "does not take SLACKWATER_SESSION_TIMEOUT=0.5s"), output
    assert has_words(output, "group.min.session.timeout.ms"), output


async def test_a_session_may_be_longer_than_clients_otherwise_wait_for_an_answer(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    app = await application(kafka, tmp_path, session_timeout="2m")
    async with started(app, "slackwater") as (process, address), aiohttp.ClientSession() as session:
        await until_ready(session, address, process)


@EITHER
async def test_a_port_that_is_taken_is_a_start_error(kafka: KafkaBroker, tmp_path: Path, command: str) -> None:
    app = await application(kafka, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        output = await refusal(app, command, web_port=port)
        assert has_words(output, f"SLACKWATER_WEB_PORT={port}", "address already in use"), output


@pytest.mark.parametrize("command", COMMANDS)
async def test_it_becomes_ready_shows_its_metrics_and_ends_in_order_when_asked_to(
    kafka: KafkaBroker, tmp_path: Path, command: str
) -> None:
    app = await application(kafka, tmp_path, clock="wall")
    async with started(app, command) as (process, address), aiohttp.ClientSession() as session:
        began = time.monotonic()
        before = await until_ready(session, address, process)
        assert before <= {503}, "readiness was told before, and wrongly"
        ready_after = time.monotonic() - began
        assert await status(session, f"{address}/healthz") == 200

        async with session.get(f"{address}/metrics") as page:
            check_metrics(list(text_string_to_metric_families(await page.text())))
        accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
        async with session.get(f"{address}/metrics", headers=accept) as page:
            assert page.content_type == "application/openmetrics-text"
            families = openmetrics.text_string_to_metric_families(await page.text())  # type: ignore[no-untyped-call]
            check_metrics(list(families))

        asked_at = time.monotonic()
        process.signal(signal.SIGTERM)
        ended = await process.wait(patience=10)
        print(f"{command}: ready after {ready_after:.1f} s, ended after {time.monotonic() - asked_at:.1f} s")
        assert ended == 0, process.output_tail(40)
        check_log(process.output_tail(1_000))


async def test_a_broker_that_goes_away_is_told_in_a_few_lines_and_does_not_keep_the_worker_from_ending(
    kafka_required: None, tmp_path: Path
) -> None:
    async with KafkaBroker() as broker:
        app = await application(broker, tmp_path)
        async with app.worker() as worker:
            await asyncio.sleep(2)  # each of sixteen producers that is amid its first transaction would say so
            broker.kill()
            await asyncio.sleep(5)
            worker.process.signal(signal.SIGTERM)
            ended = await worker.process.wait(patience=10)
            output = worker.process.output_tail(10_000)
            assert ended in {0, 1}, output  # in order, or at the bound when the machine is busy
            assert "aiokafka: Unable connect to node" in output, output
            # A producer amid a transaction ends with the client's own traceback; what must not come is a flood.
            said = [line for line in output.splitlines() if re.match(r"\d{4}-\d\d-\d\dT", line)]
            assert len(said) < 60, output


def check_log(output: str) -> None:
    """A worker in good health tells when it is ready and when it stops, and alarms nobody."""
    said = [line.split(maxsplit=3) for line in output.splitlines() if re.match(r"\d{4}-\d\d-\d\dT\S+Z ", line)]
    alarms = [text for _, level, _, text in said if level != "INFO"]
    assert len(alarms) == 1, output
    assert alarms[0].startswith("no route: "), output
    assert [logger for _, _, logger, _ in said if not logger.startswith("streams.")] == []
    words = [text.split()[0].rstrip(":") for _, level, _, text in said if level == "INFO"]
    assert words == ["application", "metrics", "assigned", "ready", "stopping", "let"], output


def check_metrics(families: list[Metric]) -> None:
    """The promised names are there, with their labels and no others."""
    labels: dict[str, set[str]] = {}
    for family in families:
        if family.name.startswith("process_"):
            continue
        name = family.name.removeprefix("slackwater_")
        assert name != family.name, f"{family.name} is not slackwater's"
        if name.endswith("_created"):  # so the older format tells when a counter began, with the counter's labels
            continue
        full = name + {"counter": "_total", "info": "_info"}.get(family.type, "")
        labels[full] = {label for sample in family.samples for label in sample.labels} - {"le"}
    # In the older format the info is a gauge whose name already has its suffix.
    assert PROMISED.keys() <= labels.keys()
    for name, found in labels.items():
        allowed = PROMISED.get(name, {"partition"})
        assert found <= allowed, f"{name} has the labels {found}"


async def until_ready(session: aiohttp.ClientSession, address: str, process: ChildProcess) -> set[int]:
    """Wait for it; gives what else `/readyz` answered before."""
    before: set[int] = set()
    deadline = time.monotonic() + 60
    while True:
        assert process.exit_status is None, process.output_tail(40)
        assert time.monotonic() < deadline, process.output_tail(40)
        answer = await status(session, f"{address}/readyz")
        if answer == 200:
            return before
        before |= {answer} if answer else set()
        await asyncio.sleep(0.1)


async def status(session: aiohttp.ClientSession, address: str) -> int | None:
    """The status of a page; None while nobody listens."""
    try:
        async with session.get(address, timeout=aiohttp.ClientTimeout(total=5)) as page:
            return page.status
    except aiohttp.ClientConnectorError:
        return None


async def create(kafka: KafkaBroker, topic: NewTopic) -> None:
    """A topic of its own making, which the broker knows: its controller has it a little earlier."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    try:
        answer = await admin.create_topics([topic])
        assert [code for _, code, *_ in answer.topic_errors] == [0], answer

        async def known() -> bool:
            return topic.name in [each["topic"] for each in await admin.describe_topics()]

        await eventually(known, f"the broker knows {topic.name}")
    finally:
        await admin.close()
