"""A press in Slack is a record on the commands topic, where the account's commands are."""

from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from aiokafka.partitioner import murmur2

from alerting.buttons import Button
from schemas.commands import COMMAND
from streams.broker import Broker
from streams.cli.reading import read_all
from streams.runtime import topics
from streams.runtime.metrics import Metrics
from streams.runtime.presses import Presses
from streams.runtime.settings import Settings
from tests.unit.alerting.test_buttons import pressed


def press(account: str, action_ts: str) -> dict[str, Any]:
    payload = pressed(Button.SNOOZE, account_id=account)
    (action,) = payload["actions"]
    return payload | {"response_url": None, "actions": [action | {"action_ts": action_ts}]}


async def test_commands_are_keyed_and_placed_by_account_and_the_same_whoever_took_them(broker: Broker) -> None:
    settings = Settings(brokers=broker.address, app_id=f"presses-{uuid4().hex[:8]}", topic_prefix=f"{uuid4().hex[:8]}.")
    await topics.create(settings)
    async with aiohttp.ClientSession() as session:
        workers = [Presses(settings, {"U012AB3CD": "ann"}, session, Metrics()) for _ in range(2)]
        accounts = ["acme", "株式会社", "x"]
        for worker in workers:
            for number, account in enumerate(accounts):
                await worker.take(press(account, f"1548426417.00000{number}"))
            await worker.stop()
    records = [record async for record in read_all(settings, settings.topic("commands"))]
    assert len(records) == 2 * len(accounts)
    commands = {record.key.decode(): COMMAND.validate_json(record.value) for record in records}
    assert [commands[account].account_id for account in accounts] == accounts
    assert len({record.value for record in records}) == len(accounts), "each twice, to the byte"
    for record in records:
        assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % settings.partitions


async def test_a_broker_that_is_away_ends_in_an_error_and_not_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.runtime.presses.WRITE_SECONDS", 0.3)
    metrics = Metrics()
    async with aiohttp.ClientSession() as session:
        presses = Presses(Settings(brokers="127.0.0.1:1"), {"U012AB3CD": "ann"}, session, metrics)
        await presses.take(pressed(Button.SNOOZE) | {"response_url": None})
        await presses.stop()
    labels = {"button": "snooze", "result": "failed"}
    assert metrics.registry.get_sample_value("slackwater_button_presses_total", labels) == 1
