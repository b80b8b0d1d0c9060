"""Buttons are heard over a real websocket, whatever becomes of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from alerting.delivery.slack_api import SlackApi
from alerting.policy import DeliveryPolicy
from streams.runtime import socket_mode
from streams.runtime.socket_mode import SocketMode
from tests.slack_workspace import APP_TOKEN, SECRETS, Workspace, says, text
from tests.unit.runtime.fake_broker import until

HURRY = DeliveryPolicy(first_wait=20, longest_wait=20, limited_wait=20, first_probe=200, longest_probe=200)


class Listener:
    """What hears of buttons, and how it does."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.connections = 0
        self.most = 0
        self.task: asyncio.Task[None] | None = None
        self.do: Callable[[object], Awaitable[None]] | None = None

    async def take(self, payload: object) -> None:
        if self.do is not None:
            await self.do(payload)
        self.taken.append(payload)

    def connected(self, change: int) -> None:
        self.connections += change
        self.most = max(self.most, self.connections)


@asynccontextmanager
async def listening(
    slack: Workspace, policy: DeliveryPolicy = HURRY, token: str = APP_TOKEN
) -> AsyncIterator[Listener]:
    listener = Listener()
    async with aiohttp.ClientSession() as session:
        api = SlackApi(session, SecretStr(token), slack.url)
        mode = SocketMode(api, session, listener.take, listener.connected, lambda: 1.0, policy)
        listener.task = asyncio.create_task(mode.run())
        yield listener
        listener.task.cancel()
        with suppress(asyncio.CancelledError):
            await listener.task
        assert listener.connections == 0, "nothing is left open"


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with Workspace() as slack:
        yield slack


async def said(slack: Workspace, word: str) -> str:
    """An interaction with this for a payload; its envelope's id."""
    return await slack.send({"type": "interactive", "payload": {"word": word}})


def words(listener: Listener) -> list[str]:
    return [each["word"] for each in listener.taken]


async def test_an_interaction_is_taken_and_acknowledged(slack: Workspace) -> None:
    async with listening(slack) as listener:
        await until(lambda: len(slack.sockets) == 1)
        envelope = await said(slack, "a")
        await until(lambda: envelope in slack.acknowledged)
        assert words(listener) == ["a"]
        assert listener.connections == 1


async def test_what_takes_long_is_acknowledged_in_time_and_done_all_the_same(
    slack: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert socket_mode.ANSWER_SECONDS < 3, "so long Slack waits"
    monkeypatch.setattr(socket_mode, "ANSWER_SECONDS", 0.1)
    written = asyncio.Event()

    async def slow(_: object) -> None:
        await written.wait()

    async with listening(slack) as listener:
        await until(lambda: len(slack.sockets) == 1)
        listener.do = slow
        envelope = await said(slack, "a")
        await until(lambda: envelope in slack.acknowledged)
        assert listener.taken == []
        written.set()
        await until(lambda: words(listener) == ["a"])


async def test_what_cannot_be_taken_harms_nobody(slack: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    async def breaks(payload: Any) -> None:
        if payload["word"] == "b":
            raise RuntimeError("Acme Corp")

    async with listening(slack) as listener:
        await until(lambda: len(slack.sockets) == 1)
        listener.do = breaks
        await slack.sockets[0].send_str("no json")
        await slack.sockets[0].send_str("[1]")
        await slack.sockets[0].send_str('{"type": {}, "reason": [], "envelope_id": 7}')
        others = [await slack.send({"type": "events_api", "payload": {}}), await slack.send({"type": "interactive"})]
        envelopes = [await said(slack, word) for word in "abc"]
        await until(lambda: {*envelopes, *others} <= set(slack.acknowledged))
        await until(lambda: words(listener) == ["a", "c"])
    assert "RuntimeError" in caplog.text
    assert "Acme" not in caplog.text


async def test_the_next_connection_is_there_before_the_last_one_ends(slack: Workspace) -> None:
    async with listening(slack) as listener:
        await until(lambda: len(slack.sockets) == 1)
        old = slack.sockets[0]
        await slack.disconnect("refresh_requested")
        await until(lambda: len(slack.sockets) == 2)
        await old.send_json({"type": "interactive", "envelope_id": "over-the-old", "payload": {"word": "a"}})
        slack._sent["over-the-old"] = 0.0
        await until(lambda: words(listener) == ["a"])
        await old.close()
        await until(lambda: len(slack.sockets) == 1 and listener.connections == 1)
        await said(slack, "b")
        await until(lambda: words(listener) == ["a", "b"])
        assert listener.most == 2


async def test_a_connection_that_slack_does_not_end_is_left_after_a_while(
    slack: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_mode, "LEAVE_SECONDS", 0.1)
    async with listening(slack):
        await until(lambda: len(slack.sockets) == 1)
        old = slack.sockets[0]
        await slack.disconnect("warning")
        await until(lambda: old.closed and len(slack.sockets) == 1)


async def test_a_connection_that_breaks_is_made_anew_with_another_ticket(slack: Workspace) -> None:
    async with listening(slack) as listener:
        for number in range(1, 4):
            await until(lambda: len(slack.sockets) == 1)
            await said(slack, str(number))
            await until(lambda number=number: len(listener.taken) == number)  # type: ignore[misc]
            slack.drop()
            await until(lambda: not slack.sockets)
        await until(lambda: len(slack.sockets) == 1)
    assert len(slack.called("apps.connections.open")) == 4


async def test_a_ticket_that_does_not_work_is_not_tried_again(slack: Workspace) -> None:
    async def used(workspace: Workspace, arguments: dict[str, Any]) -> aiohttp.web.StreamResponse:
        return aiohttp.web.json_response({"ok": True, "url": f"ws://{slack.address}/link?ticket=SecretTicketUsed"})

    slack.moods["apps.connections.open"] = [used, used, text("<html>", 502), says("ratelimited", 429, Retry_After="0")]
    async with listening(slack):
        await until(lambda: len(slack.sockets) == 1)
    assert len(slack.called("apps.connections.open")) == 5


async def test_slack_may_be_away_and_come_back(slack: Workspace) -> None:
    await slack.leave()
    async with listening(slack) as listener:
        await asyncio.sleep(0.1)
        await slack.come_back()
        await until(lambda: listener.connections == 1)
        await slack.leave()
        await until(lambda: listener.connections == 0)
        await slack.come_back()
        await until(lambda: listener.connections == 1)


@pytest.mark.parametrize("reason", ["too_many_websockets", "link_disabled"])
async def test_who_is_one_too_many_tries_again_now_and_then(slack: Workspace, reason: str) -> None:
    async with listening(slack) as listener:
        await until(lambda: len(slack.sockets) == 1)
        await slack.disconnect(reason)
        await until(lambda: listener.connections == 0)
        await asyncio.sleep(0.1)
        assert len(slack.called("apps.connections.open")) == 1
        await until(lambda: listener.connections == 1)


async def test_a_token_that_was_revoked_is_tried_now_and_then_and_nothing_secret_is_said(
    slack: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    slack.moods["apps.connections.open"] = [says("token_revoked")]
    async with listening(slack) as listener:
        await asyncio.sleep(0.1)
        assert len(slack.called("apps.connections.open")) == 1
        await until(lambda: listener.connections == 1)
        slack.drop()
        await until(lambda: len(slack.called("apps.connections.open")) == 3)
    assert "token_revoked" in caplog.text
    assert not any(secret in caplog.text for secret in SECRETS)


async def test_what_is_being_taken_when_the_worker_ends_may_be_done(
    slack: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(_: object) -> None:
        await asyncio.sleep(0.1)

    async with listening(slack) as listener:
        await until(lambda: len(slack.sockets) == 1)
        listener.do = slow
        envelope = await said(slack, "a")
        await asyncio.sleep(0.03)
    assert words(listener) == ["a"]
    assert envelope in slack.acknowledged


async def test_an_end_is_not_held_up_by_what_hangs(slack: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_mode, "LAST_SECONDS", 0.1)
    begun = asyncio.Event()

    async def hangs(_: object) -> None:
        begun.set()
        await asyncio.sleep(60)

    async with asyncio.timeout(5), listening(slack) as listener:
        await until(lambda: len(slack.sockets) == 1)
        listener.do = hangs
        await said(slack, "a")
        await begun.wait()
    assert listener.taken == []
