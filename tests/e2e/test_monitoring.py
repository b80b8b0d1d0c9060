"""A real Prometheus beside a real worker that lives through a simulated fleet: every rule loads and gives data, and so
does every query of every dashboard."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from schemas.alerts import Severity
from schemas.events import InputTopic
from schemas.instants import format_instant
from streams.broker import EmbeddedBroker
from streams.produce.record import InputRecord
from streams.produce.sender import send
from streams.runtime.settings import Settings
from tests.e2e.harness import Application, application, eventually
from tests.e2e.prometheus import PROGRAM, Prometheus
from tests.e2e.slack import Slack
from tests.unit.monitoring import labels
from tests.unit.monitoring.files import dashboards, panels, rules

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ACCOUNTS, DAYS = 80, 120
END = 1_736_121_600_000 + DAYS * 86_400_000
"""After the last of the days, counted from 6 January 2025, that `simulate` makes up."""
LATER = END + 2 * 86_400_000
MARKER = "Free-Text-Of-A-Person"
BAD = [
    b"no JSON",
    orjson.dumps({"account_id": MARKER, "event": MARKER}),
    orjson.dumps({"account_id": "a", "event": "login", "occurred_at": MARKER}),
]
"""Three records that cannot be read, with text that must not get onto a label."""
MOST_SERIES = 1_500
"""Of one worker with four partitions, the times included at which counts began."""

FILES = ("recording.yml", "alerts.yml")


@dataclass(frozen=True)
class Run:
    """What is left of a run: Prometheus with its memory, the span in seconds, and the last page of metrics."""

    prometheus: Prometheus
    start: float
    end: float
    page: dict[str, float]
    settings: Settings


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def run(embedded: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Run]:
    """A fleet lived through, with records that cannot be read, messages to Slack, and an alert that somebody judged."""
    if PROGRAM is None:
        pytest.skip("needs prometheus (Debian and Ubuntu: apt-get install prometheus)")
    home = tmp_path_factory.mktemp("monitoring")
    async with Slack() as slack:
        app = await application(
            embedded, home, slack_webhook_url=slack.url, partitions="4", exclude_events="search_run"
        )
        async with app.worker() as worker, Prometheus(home, worker.address.removeprefix("http://")) as prometheus:

            async def scraped() -> bool:
                return prometheus.value_at("slackwater_ready", time.time()) == [1]

            await eventually(scraped, "Prometheus scrapes the worker")
            start = time.time()
            await _send_what_cannot_be_read(app.settings)
            fleet = ("--accounts", str(ACCOUNTS), "--days", str(DAYS))
            await app.slackwater("simulate", *fleet, "--send", "--settle", "1", patience=120)
            await app.applied_until(END, worker=worker, patience=120)
            await _judge_an_alert(app)

            async def told() -> bool:
                saved = prometheus.value_at("slackwater_mrr_saved_minor_total", time.time())
                return bool(saved) and len(slack.delivered) > 2

            await eventually(told, "messages arrive, and an account counts as saved")
            known = time.time()

            async def evaluated() -> bool:
                # Rules are evaluated every second, and `values` looks once a second: both have to come after that.
                return prometheus.evaluated_at() > known + 2

            await eventually(evaluated, "the rules are evaluated with what is known by then")
            yield Run(prometheus, start, time.time(), await worker.metrics(), app.settings)


async def _send_what_cannot_be_read(settings: Settings) -> None:
    async with AIOKafkaProducer(**settings.kafka()) as producer:
        for value in BAD:
            await producer.send_and_wait(settings.topic("usage"), value)


async def _judge_an_alert(app: Application) -> None:
    """Say of an account that pays that it was saved: a simulated fleet has nobody who does."""
    paying = [each for each in await app.transitions() if each.mrr_minor and each.severity is not Severity.WATCH]
    alert = max(paying, key=lambda each: each.at)
    command = {
        "command_id": "c-1",
        "command": "record_outcome",
        "account_id": alert.account_id,
        "alert_id": alert.alert_id,
        "by": "mara",
        "at": format_instant(LATER),
        "outcome": "saved",
    }
    record = InputRecord(LATER, InputTopic.COMMANDS, alert.account_id, orjson.dumps(command))
    await send([record], app.settings, settle_ms=3_600_000)


def test_all_rules_are_loaded_and_can_be_evaluated(run: Run) -> None:
    groups = run.prometheus.get("rules")["groups"]
    loaded = {rule["name"]: rule for group in groups for rule in group["rules"]}
    assert loaded.keys() == {rule.get("alert") or rule["record"] for file in FILES for rule in rules(file)}
    assert [name for name, rule in loaded.items() if rule["health"] != "ok"] == []
    assert "level=error" not in run.prometheus.log


def test_every_recording_rule_gives_data(run: Run) -> None:
    names = [rule["record"] for rule in rules("recording.yml")]
    assert [name for name in names if not run.prometheus.values(name, run.start, run.end)] == []


def test_no_alert_fires_of_a_fleet_that_is_well_and_that_there_are_no_transactions_comes_up(run: Run) -> None:
    states = {
        (each["alertname"], each["alertstate"])
        for each in run.prometheus.get("series", **{"match[]": "ALERTS", "start": run.start, "end": run.end})
    }
    assert ("SlackwaterAtLeastOnce", "pending") in states
    assert [name for name, state in states if state == "firing"] == []


def test_every_query_of_every_dashboard_gives_data(run: Run) -> None:
    nothing: dict[str, str] = {}
    for uid, board in dashboards().items():
        for panel in panels(board):
            for target in panel.get("targets", ()):
                query = in_full(target["expr"], round(run.end - run.start))
                if target.get("instant"):
                    found = run.prometheus.value_at(query, run.end)
                else:
                    found = run.prometheus.values(query, run.start, run.end)
                if not found:
                    nothing[f"{uid}/{panel['title']}/{target['refId']}"] = query
    assert nothing == {}


def in_full(expression: str, seconds: int) -> str:
    """A query as Grafana sends it, with everything chosen."""
    values = {"$job": ".+", "$instance": ".+", "$__rate_interval": "10s", "$__range": f"{seconds}s"}
    return re.sub(r"\$\w+", lambda found: values[found[0]], expression)


def test_no_label_holds_an_account_a_user_or_free_text(run: Run) -> None:
    found = run.prometheus.get("series", **{"match[]": '{job="slackwater"}', "start": run.start, "end": run.end})
    assert len(found) < MOST_SERIES
    own = [series for series in found if series["__name__"].startswith("slackwater_")]
    assert [why for series in own for why in labels.faults(series, run.settings)] == []
    assert len({series["source"] for series in own if "source" in series}) <= labels.MOST_SOURCES
    assert MARKER not in str(found)


def test_the_page_counts_what_could_not_be_read(run: Run) -> None:
    dead: dict[str, Any] = {name: value for name, value in run.page.items() if "dead_letters_total" in name and value}
    assert sum(dead.values()) == len(BAD)
