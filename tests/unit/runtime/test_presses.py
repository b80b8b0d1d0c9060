"""Who may press, and what they are told. What is written, and where, tests/broker has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from alerting.buttons import Button
from schemas.commands import Command
from streams.runtime.acls import Role, acls_of, operations_by_topic
from streams.runtime.channels import people_of
from streams.runtime.metrics import Metrics
from streams.runtime.presses import Presses
from streams.runtime.settings import Settings
from tests.slack_workspace import Workspace
from tests.unit.alerting.test_buttons import pressed

ANN = {"ann@vendor.example": "U012AB3CD", "ann": "U012AB3CD", "bob@vendor.example": "U99"}


class Desk(Presses):
    """Keeps the commands, or cannot write them."""

    def __init__(self, session: aiohttp.ClientSession, **settings: Any) -> None:
        made = Settings(people=ANN, **settings)
        self.metrics = Metrics()
        super().__init__(made, people_of(made), session, self.metrics)
        self.written: list[Command] = []
        self.away = False

    async def _write(self, command: Command) -> None:
        if self.away:
            raise ConnectionError("the broker at kafka:9092")
        self.written.append(command)

    def counted(self, button: str, result: str) -> float | None:
        labels = {"button": button, "result": result}
        return self.metrics.registry.get_sample_value("slackwater_button_presses_total", labels)


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with Workspace() as slack:
        yield slack


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def by(slack: Workspace, button: Button, user: str = "U012AB3CD", name: str = "ann") -> dict[str, Any]:
    """A press by somebody, who can be answered."""
    where = f"http://{slack.address}/actions/SecretResponse"
    return pressed(button) | {"user": {"id": user, "username": name}, "response_url": where}


async def test_who_is_known_presses_by_the_first_of_their_names(
    slack: Workspace, session: aiohttp.ClientSession
) -> None:
    desk = Desk(session)
    await desk.take(by(slack, Button.ACKNOWLEDGE))
    (command,) = desk.written
    assert (command.command, command.by) == ("acknowledge", "ann@vendor.example")
    assert slack.told == [], "the alert's message will tell"
    await desk.take(by(slack, Button.FALSE_ALARM, "U99"))
    assert [each["text"] for each in slack.told] == ["Noted: false alarm, by bob@vendor.example."]
    assert desk.counted("acknowledge", "taken") == desk.counted("false_alarm", "taken") == 1


async def test_who_is_not_known_is_told_so_alone_and_nothing_is_done(
    slack: Workspace, session: aiohttp.ClientSession
) -> None:
    desk = Desk(session)
    await desk.take(by(slack, Button.LOST, "U404"))
    assert desk.written == []
    (told,) = slack.told
    assert (told["response_type"], told["replace_original"]) == ("ephemeral", False)
    assert "U404" in told["text"]
    assert "[people]" in told["text"]
    assert desk.counted("lost", "refused") == 1


@pytest.mark.parametrize(
    ("user", "name", "expected"),
    [
        ("U404", "carl", "carl (U404)"),
        ("U404", "", "U404"),
        ("U404", "a\nb\u202e" + "x" * 300, None),
        ("U99", "x", "bob@vendor.example"),
    ],
)
async def test_anybody_may_press_where_settings_say_so_under_a_name_that_nobody_else_has(
    slack: Workspace, session: aiohttp.ClientSession, user: str, name: str, expected: str | None
) -> None:
    desk = Desk(session, slack_users="any")
    await desk.take(by(slack, Button.SNOOZE, user, name))
    (command,) = desk.written
    assert expected in (None, command.by)
    assert len(command.by) <= 256
    assert "\n" not in command.by


async def test_the_same_press_is_taken_and_answered_once(slack: Workspace, session: aiohttp.ClientSession) -> None:
    desk = Desk(session)
    for _ in range(3):
        await desk.take(by(slack, Button.SAVED))
        await desk.take(by(slack, Button.SAVED, "U404"))
    assert (len(desk.written), len(slack.told)) == (1, 2)
    assert desk.counted("saved", "repeated") == 4


async def test_a_command_that_cannot_be_written_is_said_and_may_be_given_again(
    slack: Workspace, session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(session)
    desk.away = True
    await desk.take(by(slack, Button.ACKNOWLEDGE))
    assert "press again" in slack.told[0]["text"]
    assert desk.counted("acknowledge", "failed") == 1
    desk.away = False
    await desk.take(by(slack, Button.ACKNOWLEDGE))
    assert len(desk.written) == 1


@pytest.mark.parametrize("where", ["http://127.0.0.1:1/SecretResponse", "no address SecretResponse", None])
async def test_who_cannot_be_answered_is_none_of_anybodys_trouble(
    session: aiohttp.ClientSession, where: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(session)
    await desk.take(pressed(Button.SAVED) | {"response_url": where})
    assert len(desk.written) == 1
    assert "SecretResponse" not in caplog.text


async def test_what_is_no_button_of_ours_is_counted_and_left(session: aiohttp.ClientSession) -> None:
    desk = Desk(session)
    await desk.take({"type": "view_submission"})
    assert desk.written == []
    assert desk.counted("other", "foreign") == 1


def test_who_hears_of_buttons_needs_the_right_to_write_commands() -> None:
    bot = {"slack_bot_token": "xoxb-1", "slack_channel": "C0123456789"}
    for app_token, expected in ((None, ("Read",)), ("xapp-1", ("Read", "Write"))):
        settings = Settings.model_validate({**bot, "slack_app_token": app_token})
        needed = operations_by_topic(acls_of(settings, Role.WORKER))
        assert needed["alert-commands"] == expected
        assert needed["billing"] == ("Read",)
