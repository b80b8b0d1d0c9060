"""Every command of every guide is run, in the order in which it stands there, against a real broker; what a guide shows
of the answer is what comes. The guide that a new user begins with has a test of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from aiokafka import AIOKafkaProducer

from streams.broker import Broker, EmbeddedBroker
from streams.broker.ready import free_port
from tests.e2e.harness import eventually
from tests.guides.existing import accounts
from tests.guides.markdown import Block, blocks
from tests.guides.said import agrees
from tests.guides.shell import Shell
from tests.slack_workspace import APP_TOKEN, BOT_TOKEN, CHANNEL, Workspace

ROOT: Final = Path(__file__).parents[2]
GUIDES: Final = [ROOT / "README.md", *sorted((ROOT / "deploy/guide").glob("*.md"))]
RUN_APART: Final = {"start.md": "test_start.py, on Apache Kafka"}
NOT_RUN: Final = {
    ("README.md", "$ make demo\n"): "tests/e2e/test_demo.py runs it",
    ("README.md", "$ make test\n"): "it runs this",
}
"""Blocks of `console`, whose commands have a `$`, and why they are not run here."""
PAGES: Final = [*GUIDES, *(ROOT / "deploy" / f"{name}.md" for name in ("README", "RUNBOOK", "SECURITY"))]
"""Whose links have to lead somewhere. `tests/unit/deployment` looks at the commands of the last three."""
_ALERT: Final = "3fa1b2c4"
"""Stands for the id of an alert that there is."""
_WITH_ALERTS: Final = {"alerts.md"}
_WITH_A_BAD_RECORD: Final = {"operations.md"}
_SECRET: Final = "whsec_" + "c2VjcmV0" * 5


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("guide", [each for each in GUIDES if each.name not in RUN_APART], ids=lambda each: each.name)
async def test_the_commands_of_a_guide_do_what_it_says(guide: Path, tmp_path: Path) -> None:
    if not any(each.language in {"sh", "toml"} for each in blocks(guide)):
        return
    async with EmbeddedBroker() as broker, Workspace() as slack, _reader(tmp_path, broker, slack) as shell:
        await shell.run("slackwater topics create")
        if guide.name in _WITH_ALERTS:
            await _let_there_be_alerts(shell)
        if guide.name in _WITH_A_BAD_RECORD:
            await _write_a_bad_record(broker)
        for block in blocks(guide):
            if block.language == "toml":
                with (tmp_path / "slackwater.toml").open("a") as file:
                    file.write(_stood_in_for(block.text, shell.environment))
            elif block.language == "sh":
                await _run(shell, block, f"{guide.name}:{block.line}")


def test_what_cannot_be_run_is_marked_and_listed() -> None:
    found = {(guide.name, block.text) for guide in GUIDES for block in blocks(guide) if block.language == "console"}
    assert found == set(NOT_RUN)
    run = [block for guide in GUIDES for block in blocks(guide) if block.language == "sh"]
    assert not any(line.startswith("$ ") for block in run for line in block.text.splitlines())
    assert {block.language for guide in GUIDES for block in blocks(guide)} <= {
        "sh",
        "console",
        "text",
        "toml",
        "yaml",
        "",
    }


@pytest.mark.parametrize("guide", PAGES, ids=lambda each: str(each.relative_to(ROOT)))
def test_links_lead_somewhere(guide: Path) -> None:
    for target in re.findall(r"\]\(([^)#]*)(?:#[^)]*)?\)", guide.read_text(encoding="utf-8")):
        if target and "://" not in target:
            assert (guide.parent / target).exists(), target


@pytest.mark.parametrize("guide", PAGES, ids=lambda each: str(each.relative_to(ROOT)))
def test_places_within_guides_are_there(guide: Path) -> None:
    for target, place in re.findall(r"\]\(([^):#]*)#([^)]*)\)", guide.read_text(encoding="utf-8")):
        text = (guide.parent / target if target else guide).read_text(encoding="utf-8")
        headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        assert place in {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}, place


@asynccontextmanager
async def _reader(home: Path, broker: Broker, slack: Workspace) -> AsyncIterator[Shell]:
    """A terminal in a directory that has what the guides take to be there."""
    (home / "deploy").symlink_to(ROOT / "deploy")
    (home / "etc/prometheus").mkdir(parents=True)
    (home / "etc/grafana/provisioning").mkdir(parents=True)
    files = {
        "accounts.csv": accounts(),
        "usage.csv": _usage(),
        "board.tokens": "mara=a-secret-that-is-long",
        "slack.url": "http://127.0.0.1:9/services/T000/B000/XXXX",
        "bot.token": BOT_TOKEN,
        "app.token": APP_TOKEN,
        "cs": "http://127.0.0.1:9/services/T000/B000/YYYY",
    }
    for name, text in files.items():
        (home / name).write_text(text)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SLACKWATER_")}
    environment = inherited | {
        "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
        "COLUMNS": "200",
        "CRM_URL": "http://127.0.0.1:9/crm",
        "CRM_SECRET": _SECRET,
        "SLACKWATER_BROKERS": broker.address,
        "SLACKWATER_SLACK_API_URL": slack.url,
        "SLACKWATER_SESSION_TIMEOUT": "3s",
        "SLACKWATER_HEARTBEAT_INTERVAL": "500ms",
        "SLACKWATER_WEB_PORT": str(free_port()),
        "SLACKWATER_BOARD_PORT": str(free_port()),
    }
    async with Shell(home, environment) as shell:
        yield shell


def _stood_in_for(commands: str, environment: Mapping[str, str]) -> str:
    """The commands with what is elsewhere in place of what a reader has."""
    stands_in = {
        "pip install .": "true",
        "kafka:9092": environment["SLACKWATER_BROKERS"],
        "127.0.0.1:6066": f"127.0.0.1:{environment['SLACKWATER_WEB_PORT']}",
        "C0123456789": CHANNEL,
        "/run/secrets/": "",
        " /etc/": " etc/",
        " /var/": " var/",
    }
    for each, other in stands_in.items():
        commands = commands.replace(each, other)
    return commands


async def _run(shell: Shell, block: Block, where: str) -> None:
    commands = _stood_in_for(block.text, shell.environment)
    if _ALERT in commands:
        commands = commands.replace(_ALERT, await _an_alert(shell))
    said = await shell.run(commands)
    assert block.shown is None or agrees(block.shown, said), f"{where} says:\n{said}"
    if "slackwater worker" in commands or "slackwater produce" in commands:
        await _until_read(shell)


async def _an_alert(shell: Shell) -> str:
    """The id of one; it may take a while until the days are lived through in which it opens."""
    listed: list[str] = []

    async def there() -> bool:
        listed[:] = (await shell.run("slackwater alerts list --json")).splitlines()
        return bool(listed)

    await eventually(there, "an alert", patience=120)
    alert: str = json.loads(listed[0])["alert_id"]
    return alert


async def _let_there_be_alerts(shell: Shell) -> None:
    await shell.run("export SLACKWATER_CLOCK=events\nslackwater worker")
    columns = "--account company --time created_at --event action --user person"
    await shell.run(f"slackwater produce usage.csv {columns} --settle 2")
    await _until_read(shell)


async def _until_read(shell: Shell) -> None:
    """Until no record waits, of those of now, and what was read is written."""
    page = f"http://127.0.0.1:{shell.environment['SLACKWATER_WEB_PORT']}/metrics"

    async def read() -> bool:
        async with aiohttp.ClientSession() as session, session.get(page) as answer:
            lags = re.findall(r"^slackwater_consumer_lag_records\{.*\} (.*)$", await answer.text(), re.MULTILINE)
        return bool(lags) and not any(float(each) for each in lags)

    for _ in range(3):  # what was read is written to topics that are read again
        await eventually(read, "everything is read", patience=120)
        await asyncio.sleep(1.5)


async def _write_a_bad_record(broker: Broker) -> None:
    paid = {"account_id": "acct-1", "type": "payment.succeeded", "occurred_at": "2026-11-20T09:00:00Z"}
    complete = paid | {"invoice_id": "in_9", "amount_minor": 4_900, "currency": "EUR"}
    producer = AIOKafkaProducer(bootstrap_servers=broker.address)
    await producer.start()
    for number, value in enumerate([complete] * 17 + [paid]):
        line = json.dumps(value | {"event_id": f"e-{number}"}).encode()
        await producer.send_and_wait("billing", line, partition=0)
    await producer.stop()


def _usage() -> str:
    """Four months of eight companies, of which the last stops: the columns that the guides name."""
    began = datetime(2026, 7, 1, 9, tzinfo=UTC)
    rows = [
        f"company-{number},{(began + timedelta(days=day, hours=hour)).isoformat()},report.viewed,u-{hour}"
        for number in range(8)
        for day in range(110 if number == 7 else 130)
        for hour in range(1 + (number + day) % 4)
    ]
    return "\n".join(["company,created_at,action,person", *rows]) + "\n"
