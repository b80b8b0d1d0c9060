"""Whoever pressed a button in vain is told so, alone, and only as long as they may wait for it."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from alerting.buttons import Button, command_of, press_of
from schemas.commands import COMMAND, Command
from streams.runtime.channels import apis_of
from streams.runtime.refusals import AT_MOST, FRESH_MS, Refusals
from streams.runtime.settings import Settings
from tests.slack_workspace import BOT_TOKEN, CHANNEL, SECRETS, Workspace, hangs, says
from tests.unit.alerting.test_buttons import pressed

WHY = "an alert that is <acknowledged> cannot be acknowledged"


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with Workspace() as slack:
        yield slack


@pytest.fixture
async def refusals(slack: Workspace) -> AsyncIterator[Refusals]:
    settings = Settings(
        slack_bot_token=BOT_TOKEN, slack_channel=CHANNEL, slack_api_url=slack.url, slack_timeout="500ms"
    )
    async with aiohttp.ClientSession() as session:
        yield Refusals(apis_of(settings, session))


def command(channel: str = CHANNEL) -> Command:
    """Of a press in a channel."""
    press = press_of(pressed(Button.ACKNOWLEDGE, account_id="a&b") | {"container": {"channel_id": channel}})
    assert press is not None
    return command_of(press, "ann")


async def test_who_pressed_is_told_why_nothing_was_done(slack: Workspace, refusals: Refusals) -> None:
    given = command()
    refusals.tell(given, WHY, given.at + 1_000)
    await refusals.stop()
    (said,) = slack.whispered
    assert (said["channel"], f"-{said['user']}-" in given.command_id) == (CHANNEL, True)
    assert said["text"] == (
        "Nothing was done about a&amp;b: an alert that is &lt;acknowledged&gt; cannot be acknowledged."
    )


async def test_nobody_is_told_who_does_not_wait_or_pressed_nothing_here(slack: Workspace, refusals: Refusals) -> None:
    given, elsewhere = command(), command("C0000000404")
    by_hand = COMMAND.validate_python(given.model_dump() | {"command_id": "by hand", "at": given.at})
    for each, now in ((given, given.at + FRESH_MS), (given, given.at - 1), (elsewhere, given.at), (by_hand, given.at)):
        refusals.tell(each, WHY, now)
    await refusals.stop()
    assert slack.calls == []


async def test_an_answer_that_cannot_be_given_is_logged_without_a_secret_and_holds_up_nobody(
    slack: Workspace, refusals: Refusals, caplog: pytest.LogCaptureFixture
) -> None:
    given = command()
    slack.moods["chat.postEphemeral"] = [says("user_not_in_channel")]
    refusals.tell(given, WHY, given.at)
    await refusals.stop()
    assert "an answer could not be given in Slack: user_not_in_channel" in caplog.text
    slack.moods["chat.postEphemeral"] = [hangs] * (AT_MOST + 1)
    for _ in range(AT_MOST + 1):
        refusals.tell(given, WHY, given.at)
    assert "not all are answered" in caplog.text
    async with asyncio.timeout(5):
        await refusals.stop()
    assert caplog.text.count("TimeoutError") == AT_MOST
    assert not any(secret in caplog.text for secret in SECRETS)
