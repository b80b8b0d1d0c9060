"""History that there is before the first start: read from a mature topic."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from alerting.routing import Route, route
from schemas.alerts import PAST_HEADER, Change, Severity, Transition
from schemas.instants import format_instant
from streams.broker import Broker, KafkaBroker
from streams.cli.demo.worker import Worker
from streams.runtime.deliver import TOGETHER_SECONDS
from tests.e2e.harness import Application, application, eventually
from tests.e2e.slack import Slack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DAY_MS = 86_400_000
DAYS = 170
TODAY = int(time.time() * 1000) // DAY_MS * DAY_MS


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet's files, which end with the beginning of today."""
    from typer.testing import CliRunner

    from streams.cli import app

    folder = tmp_path_factory.mktemp("fleet")
    start = format_instant(TODAY - DAYS * DAY_MS)[:10]
    options = ["--accounts", "60", "--days", str(DAYS), "--seed", "3", "--start", start, "--out", str(folder)]
    made = CliRunner().invoke(app, ["simulate", *options])
    assert made.exit_code == 0, made.output
    return folder


def produced(fleet: Path) -> list[str]:
    """What sends all of it, as live producers would have."""
    files = ("--billing", str(fleet / "billing.jsonl"), "--accounts", str(fleet / "accounts.jsonl"))
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


async def test_what_was_told_before_a_reset_is_no_news_of_the_past(
    kafka: KafkaBroker, tmp_path: Path, fleet: Path
) -> None:
    async with Slack() as slack:
        app = await application(kafka, tmp_path, clock="wall", slack_webhook_url=slack.url, partitions="2")
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
