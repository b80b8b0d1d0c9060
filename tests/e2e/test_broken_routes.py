"""Permanent refusals and servers that are slow or gone, to a running worker: who takes over, and what says so."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from aiokafka import AIOKafkaProducer

from streams.broker import EmbeddedBroker
from streams.cli.reading import read_all
from tests.e2e.harness import Application, application
from tests.e2e.payments import Payments, now_ms, until
from tests.secrecy import Secrets
from tests.unit.alerting.slack_server import (
    PATH,
    Mood,
    SlackServer,
    hangs,
    is_slow_but_sure,
    ok,
    resets,
    resets_in_the_body,
    says,
    stops_in_the_body,
)

BROKEN: Mapping[str, tuple[int, str]] = {
    "prohibited": (403, "action_prohibited"),
    "unknown": (404, "channel_not_found"),
    "archived": (410, "channel_is_archived"),
    "elsewhere": (301, ""),
}
"""What the servers of these routes answer to everything."""
PASSING: Mapping[str, tuple[list[Mood], set[str]]] = {
    "slow": ([is_slow_but_sure], set()),
    "gone": ([resets, resets_in_the_body], {"connection_error"}),
    "silent": ([hangs, stops_in_the_body], {"timeout"}),
}
"""What those of these answer at first, and what the metrics make of it; then they are well."""
SECRETS = Secrets(path=PATH.rpartition("/")[2])


@pytest.mark.timeout(240)
async def test_a_route_that_takes_nothing_any_more_is_taken_over_and_one_that_is_only_ill_is_not(
    embedded: EmbeddedBroker, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        slack = {name: await stack.enter_async_context(SlackServer()) for name in (*BROKEN, *PASSING, "default")}
        for name, (status, code) in BROKEN.items():
            slack[name].mood = says(status, code, Location=slack["default"].url)
        for name, (moods, _) in PASSING.items():
            slack[name].moods, slack[name].mood = list(moods), ok
        app = await _application(embedded, tmp_path, slack)
        producer = await stack.enter_async_context(AIOKafkaProducer(bootstrap_servers=app.settings.brokers))
        feed = Payments(app, producer)
        async with app.worker() as worker:
            for name in (*BROKEN, *PASSING):
                await feed.belongs(f"acct-{name}", name)
            await app.applied_until(now_ms(), worker=worker)
            for name in (*BROKEN, *PASSING):
                await feed.fails(f"acct-{name}")

            def said(name: str) -> list[str]:
                return [each["text"] for each in slack[name].received]

            await until(lambda: len(said("default")) == 2 * len(BROKEN), "what broken routes were to tell", 60)
            tries = {name: 1 + len(moods) * bool(results) for name, (moods, results) in PASSING.items()}
            await until(
                lambda: {name: len(said(name)) for name in PASSING} == tries, "messages at routes that were ill"
            )
            metrics = await worker.metrics()
            async with aiohttp.ClientSession() as session, session.get(f"{worker.address}/metrics") as response:
                page = await response.text()

        _check_who_took_over({name: said(name) for name in slack}, metrics)
    log = app.log.read_text(errors="replace")
    for name in BROKEN:
        assert f"the route {name} takes no message, until somebody mends it: {_answer(name)}" in log
    for topic in (app.settings.notifications_topic, f"{app.settings.app_id}-deliveries-changelog"):
        assert SECRETS.found_in(log, page, *[each.value async for each in read_all(app.settings, topic)]) == set()


def _check_who_took_over(said: Mapping[str, list[str]], metrics: Mapping[str, float]) -> None:
    for name in BROKEN:
        assert len(said[name]) == 1, "it is left alone"
        notice, passed_on = (each for each in said["default"] if f"route {name}" in each)
        assert f"takes no message of the route {name}: {_answer(name)}." in notice
        assert f"acct-{name}" in passed_on
        assert f"meant for the route {name}, which is broken" in passed_on
        assert metrics[f'slackwater_notifications_total{{result="route_broken",route="{name}"}}'] == 1
        assert metrics[f'slackwater_notification_route_broken{{route="{name}"}}'] == 1
    for name, (_, results) in PASSING.items():
        assert len(set(said[name])) == 1, "the same until it is taken"
        assert metrics[f'slackwater_notification_route_broken{{route="{name}"}}'] == 0
        assert metrics[f'slackwater_notifications_total{{result="delivered",route="{name}"}}'] == 1
        for result in results:
            assert metrics[f'slackwater_notifications_total{{result="{result}",route="{name}"}}'] == 2


def _answer(route: str) -> str:
    status, code = BROKEN[route]
    return f"route_broken {status} {code}".strip()


async def _application(broker: EmbeddedBroker, home: Path, slack: Mapping[str, SlackServer]) -> Application:
    channels = routes = ""
    for name, server in slack.items():
        (home / name).write_text(server.url)
        channels += f'[channels.{name}]\ntype = "slack_webhook"\nurl_file = "{home}/{name}"\n'
        teams = "" if name == "default" else f'teams = ["{name}"]\n'
        routes += f'[[routes]]\nname = "{name}"\nchannel = "{name}"\n{teams}'
    (home / "slackwater.toml").write_text(channels + routes)
    return await application(broker, home, clock="wall", slack_timeout="2s", log_level="DEBUG")
