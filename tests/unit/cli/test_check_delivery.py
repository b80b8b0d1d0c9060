"""`slackwater check` and the channels: whether they can be reached, and a test message; secrets stay secret."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from streams.cli.checks import delivery
from streams.cli.checks.finding import Finding, Level
from streams.runtime.settings import Settings
from streams.runtime.settings_channels import ChannelSetting, ChannelType
from tests.local_server import LocalServer
from tests.slack_workspace import BOT_TOKEN, CHANNEL, Workspace, says

SECRET = "x0SecretPathOfTheWebhook"


class Webhook(LocalServer):
    """Takes what is posted to it, and answers as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[dict[str, Any]] = []
        self.answer = (200, "ok")

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/{path:.*}", self._take)]

    async def _take(self, request: web.Request) -> web.Response:
        self.taken.append(await request.json())
        status, text = self.answer
        return web.Response(status=status, text=text)


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    async with Webhook() as server:
        yield server


def to(webhook: Webhook, **fields: Any) -> Settings:
    return Settings.model_validate({"slack_webhook_url": f"http://{webhook.address}/services/{SECRET}", **fields})


def told(findings: list[Finding]) -> list[tuple[str, str, str]]:
    assert SECRET not in str(findings)
    return [(each.subject, each.level.value, each.text) for each in findings]


async def test_a_host_that_can_be_reached_is_sent_nothing(webhook: Webhook) -> None:
    assert told(await delivery.reach(to(webhook), 2.0)) == [("slack", "ok", "its host can be reached")]
    await webhook.leave()
    ((_, level, text),) = told(await delivery.reach(to(webhook), 2.0))
    assert (level, text) == ("warning", "its host does not take the connection (ConnectionRefusedError)")
    nowhere = Settings.model_validate({"slack_webhook_url": f"https://no-such-host.invalid/{SECRET}"})
    assert told(await delivery.reach(nowhere, 2.0)) == [("slack", "warning", "the name of its host is not known here")]
    assert webhook.taken == []


async def test_a_host_that_says_nothing_is_not_waited_for() -> None:
    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = Settings.model_validate({"slack_webhook_url": f"https://127.0.0.1:{port}/{SECRET}"})
    assert told(await delivery.reach(settings, 0.2)) == [("slack", "warning", "its host does not answer within 0.2 s")]
    server.close()


async def test_a_test_message_is_sent_once_to_each_channel_that_a_route_has(webhook: Webhook) -> None:
    assert told(await delivery.send_test_message(to(webhook))) == [("slack", "ok", "took a test message")]
    assert len(webhook.taken) == 1
    assert "A test message" in webhook.taken[0]["text"]
    shadow = to(webhook, shadow=True)
    assert [each.level for each in await delivery.send_test_message(shadow)] == [Level.OK]
    webhook.answer = (404, "no_service")
    ((_, level, text),) = told(await delivery.send_test_message(to(webhook)))
    assert (level, text) == ("failure", "took no test message: no_service (route_broken)")


async def test_a_signed_webhook_gets_a_note_and_a_bot_a_message(webhook: Webhook) -> None:
    crm = ChannelSetting(
        name="crm",
        type=ChannelType.WEBHOOK,
        url=SecretStr(f"http://{webhook.address}/{SECRET}"),
        secret=SecretStr("whsec_" + "c2VjcmV0" * 4),
    )
    route = {"name": "default", "channel": "crm"}
    async with Workspace() as slack:
        bot = {"slack_bot_token": BOT_TOKEN, "slack_channel": CHANNEL, "slack_api_url": slack.url}
        assert [each.level for each in await delivery.send_test_message(Settings.model_validate(bot))] == [Level.OK]
        assert [name for name, _ in slack.calls] == ["chat.postMessage"]
        slack.moods["chat.postMessage"] = [says("channel_not_found")]
        ((_, level, text),) = told(await delivery.send_test_message(Settings.model_validate(bot)))
        assert (level, text) == ("failure", "took no test message: channel_not_found (route_broken)")
    both = Settings.model_validate({"channels": [crm], "routes": [route]})
    assert told(await delivery.send_test_message(both)) == [("crm", "ok", "took a test message")]
    assert webhook.taken[0]["type"] == "notice"


def test_routes_that_are_hardly_meant_are_warnings() -> None:
    none = list(delivery.routes(Settings()))
    assert [each.level for each in none] == [Level.WARNING]
    shadow = list(delivery.routes(Settings(shadow=True)))
    assert [each.level for each in shadow] == [Level.OK]


async def test_without_a_channel_a_test_message_is_a_failure() -> None:
    (failure,) = await delivery.send_test_message(Settings())
    assert failure.level is Level.FAILURE
