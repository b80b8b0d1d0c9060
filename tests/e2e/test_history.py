"""History that there is before the first start: read from a mature topic, or loaded from a file."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from alerting.routing import Route, route
from schemas.alerts import PAST_HEADER, Change, Severity, Transition
from schemas.codec import decode
from schemas.errors import BrokerError, Rejected
from schemas.events import InputTopic
from schemas.instants import format_instant, parse_instant
from streams.backtest.identities import Identities
from streams.broker import Broker, KafkaBroker
from streams.cli import app as cli
from streams.cli.bootstrap import _learn
from streams.cli.bootstrap.carry_out import carry_out
from streams.cli.bootstrap.found import look
from streams.cli.demo.worker import Worker, WorkerError
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.replay import Replay
from streams.produce import Format, Source, read_in_time_order
from streams.runtime.parts_of_past import TOGETHER_SECONDS
from streams.runtime.writer import TransactionalWriter
from tests.e2e.harness import Application, application, eventually
from tests.e2e.slack import Slack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DAY_MS = 86_400_000
DAYS = 170
TODAY = int(time.time() * 1000) // DAY_MS * DAY_MS


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet's files, which end with the beginning of today."""

    folder = tmp_path_factory.mktemp("fleet")
    start = format_instant(TODAY - DAYS * DAY_MS)[:10]
    options = ["--accounts", "60", "--days", str(DAYS), "--seed", "3", "--start", start, "--out", str(folder)]
    made = CliRunner().invoke(cli, ["simulate", *options])
    assert made.exit_code == 0, made.output
    return folder


OTHERS = ("billing", "accounts", "feedback")
"""Topics besides that of usage."""


def produced(fleet: Path) -> list[str]:
    """What sends all of it, as live producers would have."""
    files = [part for name in OTHERS for part in (f"--{name}", str(fleet / f"{name}.jsonl"))]
    return ["produce", str(fleet / "product-usage.jsonl"), *files, "--no-markers"]


def caught_up(slack: Slack) -> list[dict[str, Any]]:
    """The messages about the past."""
    return [each for each in slack.delivered if "Caught up" in each["text"]]


async def past_of(app: Application) -> list[tuple[Transition, bool]]:
    """Every transition that somebody is told of, and whether it is marked as past."""
    found = [
        (Transition.model_validate_json(each.value), PAST_HEADER in dict(each.headers))
        for each in await app.records("alerts")
    ]
    return [(each, past) for each, past in found if route(each, [Route()])]


def still_open(transitions: list[Transition]) -> set[tuple[str, str]]:
    """Accounts and kinds whose last change is none that ends it."""
    last = {(each.account_id, each.kind.value): each for each in transitions}
    return {key for key, each in last.items() if each.change is not Change.RESOLVED}


def message_came(slack: Slack, worker: Worker) -> Callable[[], Coroutine[Any, Any, bool]]:
    """A message about the past came, and nothing waits to be sent."""

    async def came() -> bool:
        waiting = (await worker.metrics()).get('slackwater_notifications_pending{route="default"}', 0)
        return bool(caught_up(slack)) and not waiting

    return came


async def test_a_first_run_on_a_mature_topic_tells_what_it_found_in_one_message(
    broker: Broker, tmp_path: Path, fleet: Path
) -> None:
    async with Slack() as slack:
        app = await application(broker, tmp_path, clock="wall", slack_webhook_url=slack.url)
        await app.slackwater(*produced(fleet))
        async with app.worker() as worker:
            await eventually(message_came(slack, worker), "the message about the past", patience=120)
        # Exactly once: another one has nothing more to tell.
        async with app.worker() as worker:
            await app.applied_until(int(time.time() * 1000), worker=worker)
    (message,) = caught_up(slack)
    told = await past_of(app)
    past = [each for each, marked in told if marked]
    assert len(past) > 30
    raised: set[str] = set()
    opened = 0
    for each in past:
        opened += each.change is Change.OPENED or (each.change is Change.ESCALATED and each.alert_id not in raised)
        (raised.discard if each.change is Change.RESOLVED else raised.add)(each.alert_id)
    assert f"Caught up: {opened} alerts of the past" in message["text"]
    open_ = still_open([each for each, _ in told])
    assert f"{len(open_)} are still open, on {len({account for account, _ in open_})} accounts" in message["text"]
    assert message["text"].count("\n1. ") == 1
    live = [each for each, marked in told if not marked]
    assert all(each.severity is not Severity.WATCH for each in live)
    if isinstance(broker, KafkaBroker):
        assert len(slack.delivered) == 1 + len(live)
    assert len(slack.delivered) < 15


@pytest.mark.thorough
async def test_what_was_told_before_a_reset_is_no_news_of_the_past(
    kafka: KafkaBroker, tmp_path: Path, fleet: Path
) -> None:
    async with Slack() as slack:
        app = await application(kafka, tmp_path, clock="wall", slack_webhook_url=slack.url)
        await app.slackwater(*produced(fleet))
        async with app.worker() as worker:
            await eventually(message_came(slack, worker), "the message about the past", patience=120)
        told = len(await past_of(app))
        await app.slackwater("reset", "--yes")

        async def again() -> bool:
            return len(await past_of(app)) >= 2 * told

        async with app.worker() as worker:
            await eventually(again, "the same transitions once more", patience=120)
            await asyncio.sleep(TOGETHER_SECONDS + 5)
    assert len(caught_up(slack)) == 1


UNTIL = TODAY - 6 * DAY_MS
LIVE_FROM = UNTIL - 5 * DAY_MS
"""The topic has a week and a half: it overlaps with the file."""


def events_in(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def bootstrapped(fleet: Path, *more: str) -> list[str]:
    """The command that loads a fleet's history."""
    files = [part for name in OTHERS for part in (f"--{name}", str(fleet / f"{name}.jsonl"))]
    return ["bootstrap", str(fleet / "product-usage.jsonl"), *files, "--until", format_instant(UNTIL), *more]


@pytest.fixture(scope="module")
def topics_have(fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fleet's files without what the topics have no more."""
    folder = tmp_path_factory.mktemp("topics")
    for name in ("product-usage", "billing", "feedback"):
        lines = (fleet / f"{name}.jsonl").read_text().splitlines(keepends=True)
        recent = [line for line in lines if parse_instant(json.loads(line)["occurred_at"]) >= LIVE_FROM]
        assert len(recent) < len(lines)
        assert recent or name == "feedback"
        (folder / f"{name}.jsonl").write_text("".join(recent))
    (folder / "accounts.jsonl").write_text((fleet / "accounts.jsonl").read_text())
    return folder


def sources_of(fleet: Path) -> list[Source]:
    return [
        Source(fleet / "product-usage.jsonl", InputTopic.USAGE, Format.NATIVE),
        Source(fleet / "billing.jsonl", InputTopic.BILLING, Format.NATIVE),
        Source(fleet / "accounts.jsonl", InputTopic.ACCOUNTS, Format.NATIVE),
        Source(fleet / "feedback.jsonl", InputTopic.FEEDBACK, Format.NATIVE),
    ]


@pytest.fixture(scope="module")
def alone(fleet: Path) -> Replay:
    """What the pure engine makes of the history that is loaded."""
    run = Replay(Engine(DetectionConfig()))
    for record in read_in_time_order(sources_of(fleet)):
        if record.at < UNTIL:
            event = decode(record.topic, record.value)
            assert not isinstance(event, Rejected)
            run.take(record.topic, record.topic.value, event)
    run.end(UNTIL)
    return run


def by_account(transitions: Iterable[Transition]) -> dict[str, list[Transition]]:
    found: dict[str, list[Transition]] = defaultdict(list)
    for each in transitions:
        found[each.account_id].append(each)
    return dict(found)


async def test_workers_go_on_from_loaded_history_and_count_what_they_have_in_common_once(
    broker: Broker, tmp_path: Path, fleet: Path, topics_have: Path, alone: Replay
) -> None:
    async with Slack() as slack:
        app = await application(broker, tmp_path, clock="wall", slack_webhook_url=slack.url)
        await app.slackwater(*produced(topics_have))
        shown = await app.slackwater(*bootstrapped(fleet, "--plan"))
        assert "60 accounts, in 2 home partitions" in shown.output
        assert "rows are not before --until and are left out" in shown.output
        assert "alerts of the past" in shown.output
        assert await app.transitions() == []
        assert (await app.slackwater(*bootstrapped(fleet), check=False)).status == 2, "there is nobody to ask"
        await app.slackwater(*bootstrapped(fleet, "--yes"))

        written = await app.transitions()
        assert by_account(written) == by_account(alone.transitions)
        assert len(written) > 100

        async with app.worker() as worker:
            running = await app.slackwater(*bootstrapped(fleet, "--yes"), check=False)
            assert running.status == 1
            assert "workers are running" in running.output
            await eventually(message_came(slack, worker), "the message about the past", patience=120)
            await app.applied_until(TODAY + 1, worker=worker)
            await app.pictured(worker)
            passed_over = (await worker.metrics())["slackwater_events_known_total"]
        again = await app.slackwater(*bootstrapped(fleet, "--yes"), check=False)
        assert again.status == 1
        if isinstance(broker, KafkaBroker):  # the embedded one still counts a worker that has left
            assert "has state already" in again.output

    usage = events_in(fleet / "product-usage.jsonl")
    counted = Counter(each["account_id"] for each in usage)
    pictures = await app.pictures()
    assert {name: each.engagement.events_total for name, each in pictures.items() if name != "fleet"} == {
        name: counted[name] for name in pictures if name != "fleet"
    }
    assert set(counted) <= set(pictures)
    recent = [each for file in topics_have.iterdir() for each in events_in(file)]
    if isinstance(broker, KafkaBroker):
        times = [parse_instant(each.get("occurred_at") or each["updated_at"]) for each in recent]
        assert passed_over == sum(at < UNTIL for at in times) > 100
    judged = [each for each in pictures.values() if each.engagement.expected_28d]
    assert len(judged) > 30, "what is normal for them is known"

    (message,) = caught_up(slack)
    live = [each for each, marked in await past_of(app) if not marked]
    if isinstance(broker, KafkaBroker):
        assert len(slack.delivered) == 1 + len(live)
    assert all(each.at > UNTIL for each in live)
    assert "alerts of the past" in message["text"]


async def test_a_bootstrap_that_is_interrupted_holds_up_workers_and_is_finished_by_another(
    kafka: KafkaBroker, tmp_path: Path, fleet: Path, alone: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = await application(kafka, tmp_path, clock="wall")
    done = 0
    write = TransactionalWriter.write

    async def until_killed(self: Any, *what: Any) -> Any:
        nonlocal done
        if done == 3:  # of two marks and two histories
            raise ConnectionError("killed")
        done += 1
        return await write(self, *what)

    found = await look(app.settings)
    with monkeypatch.context() as patch:
        patch.setattr(TransactionalWriter, "write", until_killed)
        learnt, _ = _learn(app.settings, sources_of(fleet), Identities(), found, UNTIL)
        with pytest.raises(BrokerError, match=r"the bootstrap was interrupted \(killed\): run it again"):
            await carry_out(app.settings, found, learnt, exactly_once=True, say=print)
    before = len(await app.transitions())
    assert before > 0

    with pytest.raises(WorkerError, match="has not got its history yet: a bootstrap was interrupted"):
        async with app.worker():
            pass
    other = [
        each.replace(format_instant(UNTIL), format_instant(UNTIL - DAY_MS)) for each in bootstrapped(fleet, "--yes")
    ]
    for command in (
        other,
        [*bootstrapped(fleet, "--yes"), "--event-name", "x", "--billing", str(tmp_path / "none.jsonl")],
    ):
        (tmp_path / "none.jsonl").write_text((fleet / "billing.jsonl").read_text().splitlines()[0] + "\n")
        refused = await app.slackwater(*command, check=False)
        assert refused.status == 1
        assert "bootstrap" in refused.output
        assert "interrupted" in refused.output

    finished = await app.slackwater(*bootstrapped(fleet, "--yes"))
    assert "has its history already" in finished.output
    assert by_account(await app.transitions()) == by_account(alone.transitions)
    async with app.worker() as worker:
        await app.applied_until(TODAY, worker=worker)
        await app.pictured(worker)
    counted = Counter(
        each["account_id"]
        for each in events_in(fleet / "product-usage.jsonl")
        if parse_instant(each["occurred_at"]) < UNTIL
    )
    totals = {name: each.engagement.events_total for name, each in (await app.pictures()).items()}
    assert {name: totals[name] for name in counted} == counted
