"""`slackwater produce` and `slackwater simulate --send` from the command line to a broker."""

import asyncio
import json
import os
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from typer.testing import CliRunner, Result

from schemas.events import InputTopic
from schemas.instants import parse_instant
from streams.broker import Broker
from streams.cli import app
from streams.cli.reading import read_all
from streams.runtime.settings import Settings
from streams.simulator import NEW_SHARES, FleetPlan, simulate, truths
from streams.simulator.truth import Truth


@pytest.fixture
def settings(embedded: Broker, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.startswith("SLACKWATER_")]:
        monkeypatch.delenv(name)
    prefix = f"{uuid4().hex[:8]}."
    monkeypatch.setenv("SLACKWATER_BROKERS", embedded.address)
    monkeypatch.setenv("SLACKWATER_TOPIC_PREFIX", prefix)
    return Settings(brokers=embedded.address, topic_prefix=prefix)


async def create(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(**settings.kafka())
    await admin.start()
    await admin.create_topics([NewTopic(settings.topic(topic.value), 2, 1) for topic in InputTopic])
    await admin.close()


async def arrived(settings: Settings, topic: InputTopic) -> tuple[list[bytes], list[int]]:
    """Values of a topic's records, and the times of its markers."""
    values, markers = [], []
    async for record in read_all(settings, settings.topic(topic.value)):
        if record.key == b"slackwater-clock":
            markers.append(parse_instant(record.headers[0][1].decode()))
        else:
            values.append(record.value)
    return values, markers


def slackwater(*arguments: str) -> Result:
    result = CliRunner().invoke(app, [*arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_a_table_and_its_billing_file_arrive_with_markers(settings: Settings, tmp_path: Path) -> None:
    asyncio.run(create(settings))
    (tmp_path / "visits.csv").write_text("who,day\nb,2025-03-02\na,2025-03-01\n")
    paid = '{"account_id":"a","occurred_at":"2025-03-04T00:00:00Z","type":"invoice.voided","invoice_id":"i"}'
    (tmp_path / "billing.jsonl").write_text(paid)
    arguments = ["--account", "who", "--time", "day", "--billing", str(tmp_path / "billing.jsonl"), "--settle", "1"]
    told = json.loads(slackwater("produce", str(tmp_path / "visits.csv"), *arguments, "--json").stdout)
    assert told["records"] == {"usage": 2, "billing": 1}
    assert (told["first"], told["last"], told["sent"]) == ("2025-03-01T00:00:00Z", "2025-03-04T00:00:00Z", True)
    usage, markers = asyncio.run(arrived(settings, InputTopic.USAGE))
    assert sorted(orjson.loads(value)["account_id"] for value in usage) == ["a", "b"]
    days = [parse_instant(f"2025-03-0{day}T00:00:00Z") for day in (2, 3, 4, 5)]
    assert sorted(markers) == sorted(days * 2)
    assert asyncio.run(arrived(settings, InputTopic.BILLING))[0] == [paid.encode()]


def test_without_markers_only_records_arrive(settings: Settings, tmp_path: Path) -> None:
    asyncio.run(create(settings))
    (tmp_path / "visits.csv").write_text("account_id,occurred_at\nb,2025-03-02\na,2025-03-01\n")
    slackwater("produce", str(tmp_path / "visits.csv"), "--no-markers")
    assert [len(part) for part in asyncio.run(arrived(settings, InputTopic.USAGE))] == [2, 0]


def test_a_simulated_fleet_is_sent_as_it_is_and_its_truth_is_kept(settings: Settings, tmp_path: Path) -> None:
    asyncio.run(create(settings))
    truth = tmp_path / "truth.jsonl"
    slackwater("simulate", "--accounts", "15", "--days", "20", "--seed", "9", "--send", "--truth", str(truth))
    plan = FleetPlan(accounts=15, days=20, seed=9, new_shares=NEW_SHARES)
    for topic in (InputTopic.USAGE, InputTopic.BILLING, InputTopic.ACCOUNTS):
        values, _ = asyncio.run(arrived(settings, topic))
        assert sorted(values) == sorted(orjson.dumps(event.value) for event in simulate(plan) if event.topic is topic)
    lines = truth.read_bytes().splitlines()
    assert tuple(Truth.from_dict(orjson.loads(line)) for line in lines) == truths(plan)
