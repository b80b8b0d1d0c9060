"""The whole path with a bot: an alert's message, the buttons under it, and what they lead to, while workers die."""

import json
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
from aiokafka import AIOKafkaProducer

from schemas.alerts import Change
from schemas.errors import Reason
from schemas.instants import format_instant
from streams.broker import KafkaBroker
from streams.cli.reading import read_all
from tests.e2e.harness import Application, application, eventually
from tests.slack_workspace import APP_TOKEN, BOT_TOKEN, CHANNEL, SECRETS, Posted, Workspace

PEOPLE = '[people]\n"ann@vendor.example" = "U0000000001"\n'


async def tell_of(app: Application, kind: str, **fields: Any) -> None:
    """A payment of acme's fails, or succeeds."""
    event = {
        "account_id": "acme",
        "type": kind,
        "occurred_at": format_instant(int(time.time() * 1000)),
        "invoice_id": "in-1",
        "amount_minor": 4_900,
        "currency": "EUR",
        **fields,
    }
    async with AIOKafkaProducer(bootstrap_servers=app.settings.brokers) as producer:
        await producer.send_and_wait(app.settings.topic("billing"), json.dumps(event).encode())


async def _whispered(slack: Workspace, user: str) -> bool:
    return [each["user"] for each in slack.whispered] == [user]


async def until_it_says(slack: Workspace, words: str) -> Posted:
    """The one message in the channel, once it says this."""

    async def says() -> bool:
        return bool(slack.channel) and words in slack.channel[0].text

    await eventually(says, f"a message that says {words!r}")
    (message,) = slack.channel
    return message


async def test_buttons_lead_to_commands_once_whichever_worker_hears_of_them(kafka: KafkaBroker, tmp_path: Path) -> None:
    slack = Workspace()
    (tmp_path / "slackwater.toml").write_text(PEOPLE)
    app = await application(
        kafka,
        tmp_path,
        clock="wall",
        slack_bot_token=BOT_TOKEN,
        slack_channel=CHANNEL,
        slack_app_token=APP_TOKEN,
        slack_api_url=slack.url,
        log_level="DEBUG",
    )

    async def connected(workers: int) -> None:
        async def all_of_them() -> bool:
            return len(slack.sockets) == workers

        await eventually(all_of_them, f"{workers} connections")

    async with slack, app.worker() as staying:
        async with app.worker() as leaving:
            await connected(2)
            await tell_of(app, "payment.failed", attempt=1)
            message = await until_it_says(slack, "Payment failed")
            assert list(message.buttons) == ["Acknowledge", "Snooze 7 days", "Not a risk", "Saved", "Lost"]
            as_it_was = replace(message)

            await slack.press(message, "Acknowledge", "U0000000404")
            pressed_at = f"{time.time():.6f}"
            # The same press comes over both connections, and over one of them again.
            envelopes = [await slack.press(message, "Acknowledge", at=pressed_at) for _ in range(3)]
            await until_it_says(slack, "Acknowledged by ann@vendor.example.")
            assert "Acknowledge" not in message.buttons
            await eventually(lambda: _all_in(envelopes, slack.acknowledged), "answers to the envelopes")
            assert max(slack.acknowledged.values()) < 3
            assert [each["text"][:31] for each in slack.told] == ["slackwater does not know who yo"]
            leaving.process.kill()
        await connected(1)

        await slack.press(message, "Saved")
        await eventually(lambda: _all_in(["Noted: saved, by ann@vendor.example."], _texts(slack)), "a word about it")
        await tell_of(app, "payment.succeeded")
        await until_it_says(slack, "Resolved after")
        assert list(message.buttons) == ["Not a risk", "Saved", "Lost"]
        await eventually(lambda: _in_thread(slack, message, "👀✅"), "both changes in the thread")
        await slack.press(as_it_was, "Acknowledge")  # by somebody who has not seen that it changed
        await eventually(lambda: _whispered(slack, "U0000000001"), "a word that it could not be done")
        assert [each["text"] for each in slack.whispered] == [
            "Nothing was done about acme: the alert is already resolved."
        ]
        async with aiohttp.ClientSession() as session, session.get(f"{staying.address}/metrics") as page:
            metrics = await page.text()
        staying.process.signal(signal.SIGTERM)
        assert await staying.process.wait(patience=10) == 0, staying.process.output_tail(20)
        assert slack.sockets == []

    changes = [each.change for each in await app.transitions()]
    assert changes == [Change.OPENED, Change.ACKNOWLEDGED, Change.RESOLVED]
    assert [each.reason for each in await app.dead_letters()] == [Reason.IMPOSSIBLE_COMMAND]
    timeline = (await app.pictures())["acme"].timeline
    assert [each.by for each in timeline if "saved" in each.text] == ["ann@vendor.example"]
    assert "slackwater_button_presses_total" in metrics
    assert "slackwater_slack_connections 1.0" in metrics
    log = app.log.read_text(errors="replace")
    assert "DEBUG" in log
    undelivered = [str(each) async for each in read_all(app.settings, app.settings.undelivered_topic)]
    for secret in SECRETS:
        assert secret not in log
        assert secret not in metrics
        assert not any(secret in each for each in undelivered)


async def _all_in(some: list[str], those: object) -> bool:
    assert isinstance(those, dict | set)
    return set(some) <= set(those)


async def _in_thread(slack: Workspace, message: Posted, icons: str) -> bool:
    return "".join(each.text[0] for each in slack.thread(message)) == icons


def _texts(slack: Workspace) -> set[str]:
    return {each["text"] for each in slack.told}
