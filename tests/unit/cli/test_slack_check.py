"""`slackwater check --slack` says whether Slack knows the tokens, and posts nothing."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from streams.cli.slack_check import ask
from streams.runtime.settings import Settings
from tests.slack_workspace import APP_TOKEN, BOT_TOKEN, CHANNEL, SECRETS, Workspace, says, text


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with Workspace() as slack:
        yield slack


def settings_for(slack: Workspace, **fields: Any) -> Settings:
    bot = {"slack_bot_token": BOT_TOKEN, "slack_channel": CHANNEL, "slack_app_token": APP_TOKEN}
    return Settings.model_validate({**bot, "slack_api_url": slack.url, **fields})


async def told(slack: Workspace, **fields: Any) -> list[tuple[str, bool, str]]:
    found = await ask(settings_for(slack, **fields))
    return [(each["what"], each["ok"], each["text"]) for each in found]


async def test_tokens_that_work_are_fine_and_nothing_is_posted(slack: Workspace) -> None:
    assert await told(slack) == [
        ("bot token of channel slack", True, f"fine (slackwater in Acme); messages go to {CHANNEL}"),
        ("app token", True, "fine (Socket Mode is on)"),
    ]
    assert {name for name, _ in slack.calls} == {"auth.test", "apps.connections.open"}
    assert slack.sockets == []


async def test_tokens_that_do_not_work_are_named_with_slacks_own_reason(slack: Workspace) -> None:
    slack.moods["auth.test"] = [says("token_revoked")]
    slack.moods["apps.connections.open"] = [text("<html>", 502)]
    assert await told(slack) == [
        ("bot token of channel slack", False, "Slack says token_revoked"),
        ("app token", False, "Slack says status 502"),
    ]


async def test_a_slack_that_is_away_is_said(slack: Workspace) -> None:
    await slack.leave()
    assert await told(slack, slack_app_token=None) == [
        ("bot token of channel slack", False, "Slack says nothing: ClientConnectorError"),
    ]


async def test_a_webhook_cannot_be_asked() -> None:
    (found,) = await ask(Settings.model_validate({"slack_webhook_url": "https://hooks.slack.com/services/T/B/x"}))
    assert (found["ok"], found["text"]) == (True, "not asked: a webhook can only be tried by a message")


@pytest.mark.slow
async def test_the_command_asks_slack_only_when_it_is_told_to_and_shows_no_secret(
    slack: Workspace, tmp_path: Path
) -> None:
    slack.moods["auth.test"] = [says("invalid_auth")]
    (tmp_path / "token").write_text(f"{BOT_TOKEN}\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLACKWATER_")} | {
        "SLACKWATER_BROKERS": "127.0.0.1:1",
        "SLACKWATER_SLACK_BOT_TOKEN_FILE": str(tmp_path / "token"),
        "SLACKWATER_SLACK_CHANNEL": CHANNEL,
        "SLACKWATER_SLACK_API_URL": slack.url,
    }

    async def check(*options: str) -> tuple[int | None, str]:
        pipe = asyncio.subprocess.PIPE
        command = [sys.executable, "-m", "streams", "check", *options]
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=pipe, stderr=pipe)
        output, errors = await process.communicate()
        assert not any(secret in (output + errors).decode() for secret in SECRETS)
        return process.returncode, output.decode()

    assert "slack" not in {each["check"] for each in json.loads((await check("--json"))[1])["findings"]}
    assert slack.calls == []
    status, output = await check("--slack")
    assert status == 1
    assert "FAILURE slack:     bot token of channel slack: Slack says invalid_auth" in output
