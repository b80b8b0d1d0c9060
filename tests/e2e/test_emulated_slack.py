"""The bot's channel against a Slack that others wrote: `emulate`, which keeps channels, threads and metadata."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession
from pydantic import SecretStr

from alerting.delivery.answers import OK, Answer, judge
from alerting.delivery.bot import BotChannel
from alerting.delivery.slack_api import SlackApi
from alerting.letter import Letter
from alerting.message import Receipt
from schemas.alerts import Change
from streams.broker.child import ChildProcess
from streams.broker.ready import free_port
from tests import needs
from tests.e2e.harness import eventually
from tests.unit.alerting.samples import letter

EMULATE = "emulate@0.11.2"
CHANNEL = "C000000001"
OPENED = letter()
ACKNOWLEDGED = letter(revision=2, change=Change.ACKNOWLEDGED, by="ann")
RESOLVED = letter(revision=3, change=Change.RESOLVED)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[SlackApi]:
    needs.program("npx", "npm")
    port = free_port()
    command = ["npx", "-y", EMULATE, "start", "--service", "slack", "--port", str(port)]
    process = ChildProcess(command, output=tmp_path / "emulate.log")
    try:
        async with ClientSession() as session:

            async def listens() -> bool:
                if process.exit_status is not None:
                    pytest.skip(f"npm does not give {EMULATE}: {process.output_tail()}")
                try:
                    async with session.post(f"http://127.0.0.1:{port}/api/auth.test"):
                        return True
                except ClientError:
                    return False

            await eventually(listens, "emulate listens", patience=90)
            yield SlackApi(session, SecretStr("xoxb-1"), f"http://127.0.0.1:{port}/api/")
    finally:
        process.kill()


async def posted(api: SlackApi, thread: str | None = None) -> list[dict[str, Any]]:
    """What stands in the channel, or in a thread, oldest first."""
    method = "conversations.history" if thread is None else "conversations.replies"
    reply = await api.call(method, {"channel": CHANNEL} | ({"ts": thread} if thread else {}), form=True)
    return sorted(reply.body["messages"], key=lambda each: each["ts"])


async def test_an_alert_is_told_in_one_message_and_its_thread_and_nothing_twice(api: SlackApi) -> None:
    assert (await api.call("auth.test")).ok
    bot = BotChannel(api, CHANNEL)

    async def told(each: Letter, first: Receipt | None, *, doubtful: bool = False) -> Receipt:
        answer = await bot.send_letter(each, first, doubtful=doubtful)
        assert answer == Answer(OK.status, OK.body_code, receipt=answer.receipt), answer
        assert answer.receipt is not None
        return answer.receipt

    first = await told(OPENED, None)
    assert await told(OPENED, None, doubtful=True) == first
    assert await told(ACKNOWLEDGED, first) == first
    assert await told(ACKNOWLEDGED, first, doubtful=True) == first
    (message,) = await posted(api)
    assert (message["ts"], message["text"]) == (first.ts, ACKNOWLEDGED.first.text)
    assert message["blocks"] == list(ACKNOWLEDGED.first.blocks)
    assert [each["text"] for each in await posted(api, first.ts)] == [message["text"], ACKNOWLEDGED.reply.text]

    assert (await api.call("chat.delete", {"channel": CHANNEL, "ts": first.ts})).ok
    anew = await told(RESOLVED, first)
    (message,) = await posted(api)
    assert (message["ts"], message["text"]) == (anew.ts, RESOLVED.first.text)

    lost = BotChannel(api, "C404")
    answer = await asyncio.wait_for(lost.send_letter(OPENED, None, doubtful=False), 10)
    assert (answer.body_code, judge(answer)) == ("channel_not_found", "route_broken")
