"""Hours, holidays, digests, reminders and a route that is mended, through a broker and workers that die, to a Slack
that is a real HTTP server. Days go by on a clock that is moved."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from streams.broker import KafkaBroker
from streams.cli.demo.worker import Worker
from tests.e2e.harness import Application, application, eventually
from tests.e2e.moved_clock import MovedClock
from tests.e2e.payments import Payments, until
from tests.unit.alerting.slack_server import SlackServer, ok, says

DAY = (datetime.now(UTC) - timedelta(days=5)).replace(hour=0, minute=0, second=0, microsecond=0)
NEXT_ATTEMPT = (datetime.now(UTC) + timedelta(days=30)).isoformat()
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOSED = (DAY + timedelta(days=1)).weekday()
TEAMS = ("office", "digest", "watch", "broken")
OWN = {
    "office": f"""
hours = "09:00-17:00"
days = [{", ".join(f'"{each}"' for number, each in enumerate(WEEKDAYS) if number != CLOSED)}]
holidays_file = "{{home}}/holidays"
""",
    "digest": 'digest_at = "08:00"\n',
    "watch": 'reminder = "4h"\n',
    "broken": "",
}


def moment(days: int, hour: int, minute: int = 0) -> int:
    """A time so many days after the first one, in ms."""
    return int((DAY + timedelta(days=days, hours=hour, minutes=minute)).timestamp() * 1_000)


@dataclass
class City:
    """An application, its Slack, and what goes on."""

    app: Application
    clock: MovedClock
    slack: dict[str, SlackServer]
    feed: Payments

    def heard(self) -> dict[str, int]:
        """How many requests each route's Slack was sent."""
        return {name: len(each.received) for name, each in self.slack.items()}

    def said(self, route: str, number: int = -1) -> str:
        """The text of one of them."""
        text: str = self.slack[route].received[number]["text"]
        return text

    async def caught_up(self, worker: Worker) -> None:
        """Until the worker has come to what its clock says."""
        await self.app.applied_until(self.clock.now(), worker=worker)

    async def first_evening(self, worker: Worker) -> None:
        """After hours: payments fail, and one route is broken."""
        for team in TEAMS:
            for number in (1, 2):
                await self.feed.belongs(f"{team}-{number}", team, mrr_minor=number * 100_000, currency="EUR")
        await self.caught_up(worker)
        for account in ("office-1", "digest-1", "digest-2"):
            await self.feed.fails(account, next_attempt_at=NEXT_ATTEMPT)
        for account in ("watch-1", "broken-1"):  # no attempt is left: critical
            await self.feed.fails(account)
        await until(lambda: self.heard() == {"office": 0, "digest": 0, "watch": 1, "broken": 1, "default": 2})
        assert "no message of the route broken" in self.said("default", 0)
        assert "meant for the route broken" in self.said("default", 1)
        await _until_held(worker, "office", 1)
        await _until_held(worker, "digest", 2)

    async def night(self, worker: Worker) -> None:
        """A reminder is due, and the broken route is mended."""
        await until(lambda: self.heard()["watch"] == 2, "a reminder")
        assert "watch-1" in self.said("watch")
        assert "Reminder 1" in self.said("watch")
        await self.feed.succeeds("broken-1")
        await until(
            lambda: (self.heard()["broken"], self.heard()["default"]) == (2, 3), "the end where it was heard of"
        )
        assert "Resolved" in self.said("broken")
        assert "Resolved" in self.said("default")
        await self.feed.fails("office-2", next_attempt_at=NEXT_ATTEMPT)
        await _until_held(worker, "office", 2)

    async def morning(self, worker: Worker) -> None:
        """The time of the digest, on a day on which the office is closed."""
        self.clock.set(moment(1, 8))
        await until(lambda: (self.heard()["digest"], self.heard()["watch"]) == (1, 3), "a digest, the next reminder")
        digest = self.said("digest")
        assert "Digest: 2 accounts" in digest
        assert 0 < digest.index("1. digest-2") < digest.index("2. digest-1"), "the most money first"
        await self.feed.acknowledges("watch-1")
        await self.caught_up(worker)
        self.clock.set(moment(1, 10))
        await self.caught_up(worker)
        assert self.heard()["office"] == 0


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.thorough
async def test_what_waits_for_its_hour_is_told_then_whoever_died_meanwhile(kafka: KafkaBroker, tmp_path: Path) -> None:
    clock = MovedClock(tmp_path, moment(0, 17, 30))
    async with AsyncExitStack() as stack:
        slack = {name: await stack.enter_async_context(SlackServer()) for name in (*TEAMS, "default")}
        slack["broken"].mood = says(404, "no_service")
        app = await _application(kafka, tmp_path, slack)
        producer = await stack.enter_async_context(AIOKafkaProducer(bootstrap_servers=app.settings.brokers))
        city = City(app, clock, slack, Payments(app, producer, clock.now))

        async with app.worker(clock.environment) as worker:
            await city.first_evening(worker)
            worker.process.kill()

        clock.set(moment(0, 21, 35))
        slack["broken"].mood = ok
        async with app.worker(clock.environment) as worker:
            await city.night(worker)
            await city.morning(worker)
            worker.process.kill()

        clock.set(moment(2, 12))  # a holiday
        async with app.worker(clock.environment) as worker:
            await city.caught_up(worker)
            await _until_held(worker, "office", 2)
            assert city.heard()["office"] == 0
            clock.set(moment(3, 9))
            await until(lambda: city.heard()["office"] == 2, "what waited for the opening")
            await city.caught_up(worker)
        assert "office-1" in city.said("office", 0)
        assert "office-2" in city.said("office", 1)
        assert city.heard() == {"office": 2, "digest": 1, "watch": 3, "broken": 2, "default": 3}


async def _application(broker: KafkaBroker, home: Path, slack: dict[str, SlackServer]) -> Application:
    (home / "holidays").write_text(f"{(DAY + timedelta(days=2)).date()}  # a holiday\n")
    tables = ""
    for team in TEAMS:
        (home / team).write_text(slack[team].url)
        tables += f'[channels.{team}]\ntype = "slack_webhook"\nurl_file = "{home}/{team}"\n'
    for team in TEAMS:
        own = OWN[team].format(home=home)
        tables += f'[[routes]]\nname = "{team}"\nchannel = "{team}"\nteams = ["{team}"]\n{own}'
    (home / "slackwater.toml").write_text(tables)
    return await application(broker, home, partitions="4", clock="wall", slack_webhook_url=slack["default"].url)


async def _until_held(worker: Worker, route: str, alerts: int) -> None:
    """Until so many alerts are held back, and that is stored: a killed worker's successor is to know of them."""
    sample = f'slackwater_notifications_held{{route="{route}"}}'

    async def held() -> bool:
        return (await worker.metrics()).get(sample) == alerts

    await eventually(held, f"{alerts} alerts are held by {route}")
    await asyncio.sleep(1)
