"""The whole path to Slack, which is a real HTTP server that is well, hurried, broken and away.

OUTAGE_SECONDS=120 makes the outage two minutes long, as it is in earnest; by default it is shorter.
"""

import asyncio
import json
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiohttp
import pytest
from aiokafka import AIOKafkaProducer

from alerting.notification import Notification
from alerting.policy import DeliveryPolicy
from alerting.render import render
from schemas.alerts import Change, Transition
from schemas.instants import format_instant
from streams.broker import KafkaBroker
from streams.cli.reading import committed, read_all
from tests.e2e.harness import Application, application, eventually
from tests.e2e.slack import HANG, SECRETS, Slack

OUTAGE_SECONDS = float(os.environ.get("OUTAGE_SECONDS", "10"))
PAUSE_SECONDS = max(1.2, OUTAGE_SECONDS / 60)
"""Between two failed payments."""
PROMPT_SECONDS = 5.0
"""In which a transition must be on the alerts topic, whatever Slack does."""
JITTER_SECONDS = 0.25
"""By which a request may seem early: it was later at its sender than the one before was at its receiver."""


@dataclass
class Feed:
    """Failed payments, and when each one's transition was seen by a stranger."""

    app: Application
    producer: AIOKafkaProducer
    sent_at: dict[tuple[str, int], float] = field(default_factory=dict)
    seen: list[tuple[float, Transition]] = field(default_factory=list)

    async def fail(self, account: str, attempt: int) -> None:
        """An account's payment fails: its alert opens, and escalates with each further attempt."""
        event = {
            "account_id": account,
            "type": "payment.failed",
            "occurred_at": format_instant(int(time.time() * 1000)),
            "invoice_id": f"in-{account}",
            "amount_minor": 4_900,
            "currency": "EUR",
            "attempt": attempt,
            "next_attempt_at": format_instant(int(time.time() * 1000) + 3 * 86_400_000),
        }
        self.sent_at[account, attempt] = time.monotonic()
        await self.producer.send_and_wait(self.app.settings.topic("billing"), json.dumps(event).encode())

    async def run(self) -> None:
        """A failure every now and then: each account's second attempt comes three accounts after its first."""
        for number in count():
            await self.fail(f"acct-{number:03}", 1)
            await asyncio.sleep(PAUSE_SECONDS)
            if number % 3 == 2:
                await self.fail(f"acct-{number - 2:03}", 2)
                await asyncio.sleep(PAUSE_SECONDS)

    async def watch(self) -> None:
        """See transitions come, as a read-committed stranger."""
        async with committed(self.app.settings, self.app.settings.topic("alerts")) as consumer:
            async for record in consumer:
                self.seen.append((time.monotonic(), Transition.model_validate_json(record.value)))

    def latencies(self) -> dict[tuple[str, int], float]:
        """Seconds from each failure to its transition; infinite where none came."""
        result = dict.fromkeys(self.sent_at, float("inf"))
        for at, transition in self.seen:
            key = (transition.account_id, transition.revision)
            result[key] = min(result[key], at - self.sent_at[key])
        return result


@asynccontextmanager
async def feeding(app: Application) -> AsyncIterator[Feed]:
    """Failures all the time, until the end."""
    async with AIOKafkaProducer(bootstrap_servers=app.settings.brokers) as producer:
        feed = Feed(app, producer)
        tasks = [asyncio.create_task(feed.run()), asyncio.create_task(feed.watch())]
        try:
            yield feed
            tasks[0].cancel()
            await eventually(lambda: _all(feed), "every failure's transition", patience=PROMPT_SECONDS)
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [end for end in ends if not isinstance(end, asyncio.CancelledError)] == []


@pytest.mark.slow
@pytest.mark.timeout(300 + 3 * OUTAGE_SECONDS)
async def test_slack_may_be_hurried_broken_or_away_and_every_message_arrives_once_and_in_order(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    slack = Slack(retry_after=3)
    app = await application(
        kafka, tmp_path, clock="wall", slack_webhook_url=slack.url, slack_timeout="2s", log_level="DEBUG"
    )
    async with slack, app.worker() as worker:
        async with feeding(app) as feed:
            await feed.producer.send_and_wait(app.settings.topic("commands"), b'{"by": "nobody"}')
            await _until_delivered(slack, 2)
            for status in (429, 500):
                slack.next = [status]
                await _until_asked(slack, status)
                await _until_delivered(slack, len(slack.delivered) + 1)

            away_from = time.monotonic()
            at_first = len(slack.delivered)
            slack.status = HANG
            await asyncio.sleep(OUTAGE_SECONDS / 2)
            await _until_asked(slack, HANG)
            await slack.leave()
            await asyncio.sleep(OUTAGE_SECONDS / 2)
            assert len(slack.delivered) == at_first
        slack.status = 200
        await slack.come_back()
        back_at = time.monotonic()
        # The longest wait that the back-off may have come to is about as long as the outage.
        await _until_delivered(slack, at_first + 1, patience=30 + 2 * OUTAGE_SECONDS)
        heard_at = time.monotonic()
        told = [each for _, each in feed.seen]
        await _until_delivered(slack, len(told), patience=30 + 2 * len(told))
        drained_at = time.monotonic()
        await asyncio.sleep(1.5)  # time for one too many

        latencies = feed.latencies()
        meanwhile = [latencies[key] for key, at in feed.sent_at.items() if away_from < at < back_at]
        report = (
            f"away {back_at - away_from:.1f} s: {len(meanwhile)} transitions meanwhile, the slowest after "
            f"{max(meanwhile):.2f} s; first message {heard_at - back_at:.1f} s after its return, all {len(told)} "
            f"after {drained_at - back_at:.1f} s; {len(slack.asked)} requests"
        )
        print(report)
        async with aiohttp.ClientSession() as session, session.get(f"{worker.address}/metrics") as page:
            metrics = await page.text()
        delivered = await worker.metrics()

    assert len(meanwhile) >= 5, report
    assert max(latencies.values()) < PROMPT_SECONDS, latencies
    await _check_messages(app, slack, told)
    _check_pace(slack)
    assert delivered['slackwater_notifications_total{result="delivered",route="default"}'] == len(told)
    assert delivered['slackwater_notifications_pending{route="default"}'] == 0
    for result in ("rate_limited", "server_error", "timeout", "connection_error"):
        assert delivered[f'slackwater_notifications_total{{result="{result}",route="default"}}'] >= 1
    await _check_no_secret(app, slack, metrics)


async def _check_messages(app: Application, slack: Slack, told: list[Transition]) -> None:
    """Every transition once, as it is rendered, in the order of the route, and so of each alert."""
    topic = app.settings.notifications_topic
    notes = [Notification.decode(record.value) async for record in read_all(app.settings, topic)]
    assert slack.delivered == [render(note).payload() for note in notes]
    sent = [(note.transition.alert_id, note.transition.revision) for note in notes]
    assert sorted(sent) == sorted((each.alert_id, each.revision) for each in told)
    revisions: dict[str, list[int]] = defaultdict(list)
    for alert, revision in sent:
        revisions[alert].append(revision)
    assert all(each == list(range(1, len(each) + 1)) for each in revisions.values())
    assert {each.change for each in told} == {Change.OPENED, Change.ESCALATED}


def _check_pace(slack: Slack) -> None:
    """Never more than the bucket allows in any span, and nothing while asked to wait."""
    bucket = DeliveryPolicy().bucket
    times = [each.at for each in slack.asked]
    for first, start in enumerate(times):
        for last in range(first, len(times)):
            allowed = bucket.burst + (times[last] - start + JITTER_SECONDS) * 1000 / bucket.interval_ms
            assert last - first + 1 <= allowed, [at - start for at in times[first : last + 1]]
    for each, following in zip(slack.asked, slack.asked[1:], strict=False):
        if each.status == 429:
            assert each.answered_at is not None
            assert following.at - each.answered_at >= slack.retry_after
            assert following.payload == each.payload


async def _check_no_secret(app: Application, slack: Slack, metrics: str) -> None:
    """The webhook's address is neither in the log, nor on the metrics page, nor in what is given up."""
    log = app.log.read_text(errors="replace")
    assert "DEBUG" in log
    letters = [str(record) for record in await app.records("dead_letters")]
    assert letters
    undelivered = [str(each) async for each in read_all(app.settings, app.settings.undelivered_topic)]
    for secret in (*SECRETS, slack.address):
        assert secret not in log
        assert secret not in metrics
        assert not any(secret in each for each in letters + undelivered)


async def _until_asked(slack: Slack, status: int) -> None:
    """Until a request got this answer."""

    async def asked() -> bool:
        return any(each.status == status for each in slack.asked)

    await eventually(asked, f"a request answered {status}")


async def _until_delivered(slack: Slack, messages: int, patience: float = 30.0) -> None:
    """Until so many messages have arrived."""

    async def delivered() -> bool:
        return len(slack.delivered) >= messages

    await eventually(delivered, f"{messages} messages at Slack", patience=patience)


async def _all(feed: Feed) -> bool:
    return max(feed.latencies().values()) < float("inf")
