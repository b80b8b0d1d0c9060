"""`slackwater alerts` on real brokers: it sees what was committed, and nothing else."""

import asyncio
import json
import os
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from typer.testing import CliRunner, Result

from schemas.alerts import AlertReason, AlertState, Change, Kind, Severity, Transition
from streams.broker import Broker
from streams.cli import app
from streams.runtime.settings import Settings

DAY = 86_400_000
AT = 20_000 * DAY


@pytest.fixture
def settings(kafka: Broker, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.startswith("SLACKWATER_")]:
        monkeypatch.delenv(name)
    prefix = f"{uuid4().hex[:8]}."
    monkeypatch.setenv("SLACKWATER_BROKERS", kafka.address)
    monkeypatch.setenv("SLACKWATER_TOPIC_PREFIX", prefix)
    monkeypatch.setenv("COLUMNS", "300")
    return Settings(brokers=kafka.address, topic_prefix=prefix)


def transition(number: int, revision: int = 1, **fields: object) -> Transition:
    values: dict[str, object] = {
        "alert_id": f"{number:016x}",
        "revision": revision,
        "account_id": f"acct-{number}",
        "kind": Kind.USAGE_DROP,
        "change": Change.OPENED,
        "state": AlertState.FIRING,
        "severity": Severity.WARNING,
        "at": AT + revision * DAY,
        "opened_at": AT,
        "since": AT - 3 * DAY,
        "headline": f"Activity of [bold]{number}[/bold] fell.",
        "health": 40,
        "priority": float(number),
        **fields,
    }
    return Transition(**values)  # type: ignore[arg-type]


async def write(settings: Settings, transitions: list[Transition], *, commit: bool = True) -> None:
    producer = AIOKafkaProducer(**settings.kafka(), transactional_id=f"t-{uuid4().hex}")
    await producer.start()
    await producer.begin_transaction()
    for each in transitions:
        await producer.send(settings.topic("alerts"), each.model_dump_json().encode(), each.account_id.encode())
    await producer.flush()
    await (producer.commit_transaction() if commit else producer.abort_transaction())
    await producer.stop()


async def create(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(**settings.kafka())
    await admin.start()
    await admin.create_topics([NewTopic(settings.topic("alerts"), 3, 1)])
    await admin.close()


def slackwater(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments], catch_exceptions=False)


def listed(*arguments: str) -> list[tuple[str, int]]:
    result = slackwater("alerts", "list", "--json", *arguments)
    assert result.exit_code == 0
    return [(each["account_id"], each["revision"]) for each in map(json.loads, result.stdout.splitlines())]


def test_the_list_shows_open_alerts_as_they_stand_with_most_at_risk_first(settings: Settings) -> None:
    async def prepare() -> None:
        await create(settings)
        await write(settings, [transition(1), transition(2), transition(3)])
        await write(settings, [transition(4), transition(1, 2, severity=Severity.CRITICAL)], commit=False)
        await write(
            settings,
            [
                transition(3, 2, change=Change.RESOLVED, state=AlertState.RESOLVED),
                transition(2, 2, change=Change.ESCALATED, severity=Severity.CRITICAL),
                transition(5, kind=Kind.PAYMENT_FAILED, severity=Severity.WATCH),
            ],
        )

    asyncio.run(prepare())
    assert listed() == [("acct-5", 1), ("acct-2", 2), ("acct-1", 1)]
    assert listed("--all") == [("acct-5", 1), ("acct-3", 2), ("acct-2", 2), ("acct-1", 1)]
    assert listed("--severity", "warning") == [("acct-2", 2), ("acct-1", 1)]
    assert listed("--kind", "payment_failed") == [("acct-5", 1)]
    assert listed("--account", "acct-1") == [("acct-1", 1)]
    assert listed("--limit", "1") == [("acct-5", 1)]
    table = slackwater("alerts", "list").stdout
    assert "Activity of [bold]2[/bold] fell." in table
    assert "acct-3" not in table
    wrong = slackwater("alerts", "list", "--kind", "nonsense")
    assert wrong.exit_code == 2


def test_somebody_elses_record_on_the_topic_is_told_of_and_left_out(settings: Settings) -> None:
    async def prepare() -> None:
        await create(settings)
        await write(settings, [transition(1)])
        async with AIOKafkaProducer(**settings.kafka()) as producer:
            await producer.send_and_wait(settings.topic("alerts"), b"{}", partition=2)

    asyncio.run(prepare())
    result = slackwater("alerts", "list", "--json")
    assert [json.loads(line)["account_id"] for line in result.stdout.splitlines()] == ["acct-1"]
    assert "partition 2, offset" in result.stderr
    assert "is no alert transition" in result.stderr


def test_one_alert_is_shown_from_its_opening_on(settings: Settings) -> None:
    reason = AlertReason(code="drop", text="15 events where 123 were expected")

    async def prepare() -> None:
        await create(settings)
        await write(settings, [transition(0xABC1, reasons=(reason,), evidence={"observed": 15, "daily": (6, 12, 0)})])
        await write(settings, [transition(0xABC1, 2, change=Change.RESOLVED, state=AlertState.RESOLVED)])
        await write(settings, [transition(0xABC2)])

    asyncio.run(prepare())
    shown = slackwater("alerts", "show", "000000000000abc1").stdout
    assert shown.index("1. ") < shown.index("15 events where 123 were expected") < shown.index("2. ")
    assert "observed 15\n   daily ▅█▁, highest 12\n" in shown
    assert len(slackwater("alerts", "show", "000000000000ABC1", "--json").stdout.splitlines()) == 2
    several = slackwater("alerts", "show", "000000000000abc")
    assert several.exit_code == 1
    assert "2 alerts begin with" in several.stderr
    none = slackwater("alerts", "show", "ffff")
    assert (none.exit_code, none.stdout) == (1, "")


def test_an_empty_topic_is_an_empty_list_even_when_all_it_held_was_aborted(settings: Settings) -> None:
    async def prepare() -> None:
        await create(settings)
        await write(settings, [transition(1)], commit=False)

    asyncio.run(prepare())
    assert listed() == []
