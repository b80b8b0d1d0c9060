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

from streams.broker import EmbeddedBroker
from streams.runtime.settings import Settings
from tests.e2e.harness import application, eventually
from tests.e2e.prometheus import PROGRAM, Prometheus
from tests.e2e.slack import Slack
from tests.unit.monitoring import labels
from tests.unit.monitoring.files import dashboards, panels, rules

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ACCOUNTS, DAYS = 80, 120
START = 1_736_121_600_000
"""6 January 2025, the first day that `simulate` makes up."""
MARKER = "Free-Text-Of-A-Person"
BAD = [
    b"no JSON",
    orjson.dumps({"account_id": MARKER, "event": MARKER}),
    orjson.dumps({"account_id": "a", "event": "login", "occurred_at": MARKER}),
]
"""Three records that cannot be read, with text that must not get onto a label."""
MOST_SERIES = 1_500
"""Of one worker with four partitions, three of them for histograms' sake."""

NO_DATA: dict[str, str] = {}
"""Queries that may give nothing, by dashboard, panel and letter, and why."""


@dataclass(frozen=True)
class Run:
    """What is left of a run: Prometheus with its memory, the span in seconds, and the last page of metrics."""

    prometheus: Prometheus
    start: float
    end: float
    page: dict[str, float]
    settings: Settings


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def run(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Run]:
    """A fleet lived through, with records that cannot be read, and messages to Slack."""
    if PROGRAM is None:
        pytest.skip("needs prometheus (Debian and Ubuntu: apt-get install prometheus)")
    home = tmp_path_factory.mktemp("monitoring")
    async with EmbeddedBroker() as broker, Slack() as slack:
        app = await application(broker, home, slack_webhook_url=slack.url)
        async with app.worker() as worker:
            start = time.time()
            async with Prometheus(home, worker.address.removeprefix("http://")) as prometheus:
                await _send_what_cannot_be_read(app.settings)
                await app.slackwater(
                    "simulate",
                    "--accounts",
                    str(ACCOUNTS),
                    "--days",
                    str(DAYS),
                    "--send",
                    "--settle",
                    "1",
                    patience=120,
                )
                await app.applied_until(START + DAYS * 86_400_000, worker=worker, patience=120)

                async def told() -> bool:
                    return len(slack.delivered) > 2

                await eventually(told, "messages arrive")
                page, end = await worker.metrics(), time.time()
                yield Run(prometheus, start, end, page, app.settings)


async def _send_what_cannot_be_read(settings: Settings) -> None:
    async with AIOKafkaProducer(**settings.kafka()) as producer:
        for value in BAD:
            await producer.send_and_wait(settings.topic("usage"), value)


def test_all_rules_are_loaded_and_can_be_evaluated(run: Run) -> None:
    groups = run.prometheus.get("rules")["groups"]
    loaded = {rule["name"]: rule for group in groups for rule in group["rules"]}
    assert loaded.keys() == {rule.get("alert") or rule["record"] for file in FILES for rule in rules(file)}
    assert [name for name, rule in loaded.items() if rule["health"] != "ok"] == []
    assert run.prometheus.log == ""


FILES = ("recording.yml", "alerts.yml")


@pytest.mark.parametrize("name", [rule["record"] for rule in rules("recording.yml")])
def test_a_recording_rule_gives_data(run: Run, name: str) -> None:
    assert run.prometheus.values(name, run.start, run.end)


def test_of_the_alerts_only_the_one_on_the_embedded_broker_comes_up(run: Run) -> None:
    seen = run.prometheus.get("series", **{"match[]": "ALERTS", "start": run.start, "end": run.end})
    assert {each["alertname"] for each in seen} <= {"SlackwaterAtLeastOnce"}


QUERIES = {
    f"{uid}/{panel['title']}/{target['refId']}": target
    for uid, board in dashboards().items()
    for panel in panels(board)
    for target in panel.get("targets", ())
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_of_a_dashboard_gives_data(run: Run, name: str) -> None:
    target = QUERIES[name]
    query = in_full(target["expr"], round(run.end - run.start))
    if target.get("instant"):
        found = run.prometheus.value_at(query, run.end)
    else:
        found = run.prometheus.values(query, run.start, run.end)
    assert bool(found) is (name not in NO_DATA), query


def in_full(expression: str, seconds: int) -> str:
    """A query as Grafana sends it, with everything chosen."""
    values = {"$job": ".+", "$instance": ".+", "$__rate_interval": "10s", "$__range": f"{seconds}s"}
    return re.sub(r"\$\w+", lambda found: values[found[0]], expression)


def test_no_label_holds_an_account_a_user_or_free_text(run: Run) -> None:
    found = run.prometheus.get("series", **{"match[]": '{job="slackwater"}', "start": run.start, "end": run.end})
    assert len(found) < MOST_SERIES
    own = [series for series in found if series["__name__"].startswith("slackwater_")]
    assert [why for series in own for why in labels.faults(series, run.settings)] == []
    assert MARKER not in str(found)


def test_the_page_counts_what_could_not_be_read(run: Run) -> None:
    dead: dict[str, Any] = {name: value for name, value in run.page.items() if "dead_letters_total" in name and value}
    assert sum(dead.values()) == len(BAD)
