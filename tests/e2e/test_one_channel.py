"""Several routes, one webhook, two workers: Slack counts by webhook, so that all routes wait when one has to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from alerting.policy import DeliveryPolicy
from streams.broker import KafkaBroker
from streams.cli.demo.worker import Worker
from streams.runtime.ingest import home_of
from tests.e2e.harness import Application, application
from tests.e2e.payments import Payments, now_ms, until
from tests.e2e.slack import RESET, Slack

TEAMS = ("amer", "apac", "emea", "latam", "nordics")
RETRY_AFTER = 12
"""Seconds. Longer than it takes until the partition has another owner, who has to keep the rest of it."""
JITTER_SECONDS = 0.25
"""By which a request may seem early: it was later at its sender than the one before was at its receiver."""


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_the_routes_of_a_webhook_share_its_pace_and_its_waits_whichever_worker_sends_them(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    assert len({home_of(team, 4) for team in TEAMS}) > 2, "by their names they would be in several partitions"
    slack = Slack(retry_after=RETRY_AFTER)
    app = await _application(kafka, tmp_path, slack)
    async with slack, AIOKafkaProducer(bootstrap_servers=app.settings.brokers) as producer:
        feed = Payments(app, producer)
        async with app.worker() as one, app.worker() as other:
            for team in TEAMS:
                await feed.belongs(f"acct-{team}", team)
            await app.applied_until(now_ms())
            slack.next = [503, 429]
            for team in TEAMS:
                await feed.fails(f"acct-{team}")
            await until(lambda: len(slack.delivered) == len(TEAMS), "all are told after the wait", 60)

            slack.next = [RESET, 429]
            for team in TEAMS:
                await feed.succeeds(f"acct-{team}")
            await until(lambda: slack.asked[-1].status == 429, "Slack asks for a wait", 30)
            await asyncio.sleep(1)  # what it asked for is stored
            senders = [each for each in (one, other) if _answers(await each.metrics())]
            assert len(senders) == 1, "one worker sends for all routes"
            senders[0].process.kill()
            survivor = other if senders == [one] else one
            await until(lambda: len(slack.delivered) == 2 * len(TEAMS), "all are told, by the other worker", 90)
            await _check(survivor, slack)


def _answers(metrics: Mapping[str, float]) -> float:
    return sum(value for name, value in metrics.items() if name.startswith("slackwater_notifications_total{"))


async def _check(survivor: Worker, slack: Slack) -> None:
    """Each message arrived once, none too soon, and no more at a time than Slack takes."""
    said = [each["text"] for each in slack.delivered]
    for team in TEAMS:
        about = [text for text in said if f"acct-{team}" in text]
        assert ["Resolved" in text for text in about] == [False, True], team
    assert _answers(await survivor.metrics()) >= 1
    asked, bucket = slack.asked, DeliveryPolicy().bucket
    limited = [each.answered_at for each in asked if each.status == 429]
    assert len(limited) == 2
    for at in limited:
        assert at is not None
        early = [each.at - at for each in asked if 0 < each.at - at < RETRY_AFTER]
        assert early == [], "another route did not wait"
    times = [each.at for each in asked]
    for first, start in enumerate(times):
        for last in range(first, len(times)):
            allowed = bucket.burst + (times[last] - start + JITTER_SECONDS) * 1000 / bucket.interval_ms
            assert last - first + 1 <= allowed, times[first : last + 1]


async def _application(broker: KafkaBroker, home: Path, slack: Slack) -> Application:
    (home / "slack").write_text(slack.url)
    routes = "".join(f'[[routes]]\nname = "{team}"\nchannel = "cs"\nteams = ["{team}"]\n' for team in TEAMS)
    channel = f'[channels.cs]\ntype = "slack_webhook"\nurl_file = "{home}/slack"\n'
    (home / "slackwater.toml").write_text(f'{channel}{routes}[[routes]]\nname = "default"\nchannel = "cs"\n')
    return await application(broker, home, partitions="4", clock="wall", slack_timeout="2s")
