"""A new user with the guide alone: from topics that are there to alerts in Slack; `make test-thorough` has them install
it into an empty virtual environment, too, which takes minutes."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path

import pytest

from streams.broker import KafkaBroker
from streams.broker.ready import free_port
from tests.e2e.harness import eventually
from tests.e2e.slack import Slack
from tests.guides import existing
from tests.guides.markdown import blocks
from tests.guides.said import agrees
from tests.guides.shell import Shell

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "deploy/guide/start.md"
BROKER, WEBHOOK = "kafka:9092", "https://hooks.slack.com/services/T000/B000/XXXX"
INSTALL = "pip install ./slackwater"
MINUTES = 15


@pytest.mark.slow
@pytest.mark.timeout(MINUTES * 60)
@pytest.mark.parametrize("installed", [True, pytest.param(False, marks=pytest.mark.thorough)])
async def test_the_guide_leads_to_the_first_alert_in_slack(
    kafka_required: None, tmp_path: Path, installed: bool
) -> None:
    (tmp_path / "slackwater").symlink_to(ROOT)
    (tmp_path / "accounts.csv").write_text(existing.accounts())
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLACKWATER_")}
    environment |= {"SLACKWATER_WEB_PORT": str(free_port()), "COLUMNS": "200"}
    if installed:
        assert sum(INSTALL in block.text for block in blocks(GUIDE)) == 1
        environment["PATH"] = f"{ROOT / '.venv/bin'}:{environment['PATH']}"
    async with KafkaBroker() as broker, Slack() as slack:
        await existing.fill(broker.address)
        began = time.monotonic()
        async with Shell(tmp_path, environment) as shell:
            for block in (each for each in blocks(GUIDE) if not (installed and INSTALL in each.text)):
                where = f"{GUIDE.name}:{block.line}"
                if block.language == "sh":
                    commands = block.text.replace(BROKER, broker.address).replace(WEBHOOK, slack.url)
                    said = await shell.run(commands)
                    assert block.shown is None or agrees(block.shown, said), f"{where} says:\n{said}"
                elif block.language == "text":
                    await eventually(partial(_told, slack, block.text), f"{where} in Slack", patience=300)
        print(f"to the end of the guide in {time.monotonic() - began:.0f} s")
        assert slack.url not in shell.log("worker")


async def _told(slack: Slack, message: str) -> bool:
    """Whether Slack has a message that reads so."""
    return any(agrees(message, each["text"]) for each in slack.delivered)
