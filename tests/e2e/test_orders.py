"""What people do about alerts at the command line, seen by a worker."""

from __future__ import annotations

import getpass
import json
import time
from pathlib import Path

from schemas.alerts import AlertState, Change
from schemas.events import InputTopic
from schemas.instants import format_instant
from streams.broker import Broker
from streams.produce.record import InputRecord
from streams.produce.sender import send
from tests.e2e.harness import Application, application, eventually


async def test_alerts_are_taken_on_snoozed_woken_and_judged_at_the_command_line(broker: Broker, tmp_path: Path) -> None:
    app = await application(broker, tmp_path, clock="wall")
    async with app.worker():
        await payment_fails(app, "acme")

        async def changes() -> list[Change]:
            return [each.change for each in await app.transitions()]

        async def became(*expected: Change) -> None:
            async def so() -> bool:
                return await changes() == [Change.OPENED, *expected]

            await eventually(so, f"the alert becomes {expected}")

        await became()
        (opened,) = await app.transitions()
        told = (await app.slackwater("alerts", "ack", opened.alert_id[:6], "--by", "mara", "--id", "c-1")).output
        assert f"sent acknowledge for alert {opened.alert_id}, as command c-1" in told
        await became(Change.ACKNOWLEDGED)
        # The same command again does nothing more, and one that is impossible is a dead letter.
        await app.slackwater("alerts", "ack", opened.alert_id, "--id", "c-1")
        await app.slackwater("alerts", "ack", opened.alert_id)
        await app.slackwater("alerts", "snooze", "--account", "acme", "--days", "3", "--note", "they are on holiday")
        await became(Change.ACKNOWLEDGED, Change.SNOOZED)
        sent = await app.slackwater("alerts", "unsnooze", opened.alert_id, "--json")
        assert json.loads(sent.output)["alert_id"] == opened.alert_id
        await became(Change.ACKNOWLEDGED, Change.SNOOZED, Change.WOKEN)
        action = ("alerts", "action", opened.alert_id, "call", "--result", "accepted", "--cost-minor", "1500")
        await app.slackwater(*action)
        await app.slackwater("alerts", "outcome", "-", "saved", "--account", "acme", "--kind", "payment_failed")

        async def judged() -> bool:
            lines = [entry.text for entry in (await app.pictures())["acme"].timeline]
            return any(line.startswith("call: accepted") for line in lines) and "Outcome: saved." in lines

        await eventually(judged, "action and outcome are in the timeline")
        (did,) = json.loads((await app.slackwater("score", "--json")).output)["actions"]
        assert did == {
            "action": "call",
            "kind": "payment_failed",
            "reason": "unknown",
            "outcomes": {"saved": 1},
            "cost_minor": {"": 1_500},
            "mrr_saved_minor": {"": 0},
        }
        (refused,) = await app.dead_letters()
        assert refused.detail.startswith("an alert that is acknowledged cannot be acknowledged;")
        _, acknowledged, snoozed, woken = await app.transitions()
        assert (acknowledged.by, acknowledged.state) == ("mara", AlertState.ACKNOWLEDGED)
        assert (snoozed.by, woken.by) == (getpass.getuser(), getpass.getuser())


async def payment_fails(app: Application, account: str) -> None:
    now = int(time.time() * 1000)
    failed = {
        "account_id": account,
        "occurred_at": format_instant(now),
        "type": "payment.failed",
        "invoice_id": "in-1",
        "amount_minor": 100,
        "currency": "EUR",
        "attempt": 1,
    }
    record = InputRecord(now, InputTopic.BILLING, account, json.dumps(failed).encode())
    await send([record], app.settings, markers=False)


async def test_what_is_wrong_is_said_before_anything_is_sent(broker: Broker, tmp_path: Path) -> None:
    app = await application(broker, tmp_path, clock="wall")
    for arguments, status, says in [
        (["ack", "abcdef"], 1, "there is no alert 'abcdef'"),
        (["ack"], 2, "name either an alert, or an account"),
        (["ack", "--account", "acme", "--kind", "usage_dorp"], 2, "kind"),
        (["snooze", "abcdef", "--until", "2020-01-01"], 2, "is past"),
        (["snooze", "abcdef", "--until", "soon"], 2, "--until"),
        (["outcome", "abcdef", "maybe"], 2, "maybe"),
    ]:
        result = await app.slackwater("alerts", *arguments, check=False)
        assert result.status == status, result.output
        assert says in result.output.replace("│", "").replace("\n", "")
    assert await app.ends(app.settings.topic("commands")) == dict.fromkeys(range(app.settings.partitions), 0)
