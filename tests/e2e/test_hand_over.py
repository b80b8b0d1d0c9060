"""What an older version left in the partitions of its routes is sent by the one partition that sends now, on a real
Kafka, whichever worker dies meanwhile."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from alerting.notification import Notification
from alerting.outbox import Outbox
from alerting.routing import DEFAULT, Route
from streams.broker import KafkaBroker
from streams.cli.demo.worker import Worker
from streams.runtime import topics
from streams.runtime.hand_over import moved_by
from streams.runtime.ingest import home_of
from streams.runtime.placing import POSITION, sender_of
from tests.e2e.harness import Application, application, eventually
from tests.e2e.payments import now_ms, until
from tests.e2e.slack import Slack
from tests.unit.alerting.samples import notification

TEAMS = ("apac", "emea", "nordics")
READ, UNREAD = 2, 2
"""Of each route: messages that the older version had taken in and not sent, and those that it had not read."""
EACH = READ + UNREAD


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_what_waits_where_an_older_version_left_it_is_sent_once_and_in_order_though_workers_die(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    slack = Slack()
    app = await _application(kafka, tmp_path, slack)
    sender = sender_of(app.settings)
    assert {home_of(team, 4) for team in TEAMS} == {0, 1, 2, 3} - {sender}
    await _older_version(app)
    async with slack:
        slack.status = 503  # nothing arrives before the first worker is gone
        async with app.worker() as first:
            await eventually(lambda: _is_handing_over(app), "something is handed over")
            first.process.kill()
        slack.status = 200
        async with app.worker() as one, app.worker() as other:
            await until(lambda: len(slack.delivered) >= EACH, "the first messages have arrived", 60)
            senders = [each for each in (one, other) if await _sends(each)]
            assert len(senders) == 1
            senders[0].process.kill()
            await until(lambda: len(_told(slack)) == EACH * (len(TEAMS) + 1), "all have arrived", 60)
    # The worker that was killed as it sent may have repeated what was on its way: one message of each route.
    times = Counter(each["text"] for each in slack.delivered)
    again = Counter(_route_of(text) for text, count in times.items() if count > 1)
    assert set(times.values()) <= {1, 2}
    assert set(again.values()) <= {1}
    for route, texts in groupby(sorted(_told(slack), key=_route_of), key=_route_of):
        assert [_number_of(text) for text in texts] == list(range(EACH)), route
    assert await app.dead_letters() == []


async def _application(broker: KafkaBroker, home: Path, slack: Slack) -> Application:
    (home / "slack").write_text(slack.url)
    routes = "".join(f'[[routes]]\nname = "{name}"\nchannel = "cs"\n' for name in (*TEAMS, DEFAULT))
    (home / "slackwater.toml").write_text(f'[channels.cs]\ntype = "slack_webhook"\nurl_file = "{home}/slack"\n{routes}')
    return await application(broker, home, partitions="4", clock="wall")


async def _older_version(app: Application) -> None:
    """Write what one had on the topics that gave each route a partition by its name: messages, rows of those that it
    had taken in, how far it had read, and no row of who has handed over."""
    changelog = topics.changelog(app.settings, topics.DELIVERIES)
    async with AIOKafkaProducer(bootstrap_servers=app.settings.brokers) as producer:
        for route in (*TEAMS, DEFAULT):
            partition = home_of(route, app.settings.partitions)
            notes = [_note(route, number) for number in range(EACH)]
            for each in notes:
                await producer.send_and_wait(
                    app.settings.notifications_topic, each.encode(), key=route.encode(), partition=partition
                )
            outbox = Outbox([Route(route)], draw=lambda: 0.5)
            for number, each in enumerate(notes[:READ]):
                outbox.add(number, each, now_ms())
            rows = [(key.encode(), value) for key, value in outbox.changed().rows]
            for key, value in (*rows, (POSITION, str(READ).encode())):
                await producer.send_and_wait(changelog, value, key=key, partition=partition)


def _note(route: str, number: int) -> Notification:
    account = f"{route}/{number}"
    alert_id = f"{(*TEAMS, DEFAULT).index(route):08x}{number:08x}"
    return notification(route, alert_id=alert_id, account_id=account, account_name=account)


async def _is_handing_over(app: Application) -> bool:
    records = await app.records_of(app.settings.notifications_topic)
    return any(moved_by(each) is not None for each in records)


async def _sends(worker: Worker) -> bool:
    metrics = await worker.metrics()
    return any(value for name, value in metrics.items() if name.startswith("slackwater_notifications_total{"))


def _told(slack: Slack) -> list[str]:
    """What arrived, each message once, in the order in which it first did."""
    return list(dict.fromkeys(each["text"] for each in slack.delivered))


def _account_of(text: str) -> tuple[str, str]:
    route, _, number = text.splitlines()[0].rpartition(": ")[2].partition("/")
    return route, number


def _route_of(text: str) -> str:
    return _account_of(text)[0]


def _number_of(text: str) -> int:
    return int(_account_of(text)[1])
