"""A worker that cannot start says why in a few words, whichever command line it was started by."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from streams.cli.demo.worker import inherited
from streams.runtime.application import create_app
from streams.runtime.settings import Settings
from streams.runtime.worker import Worker

pytestmark = pytest.mark.slow

COMMANDS = {
    "slackwater": ("-m", "streams", "worker"),
    "faust": ("-m", "faust", "-A", "streams.app", "worker"),
}
EITHER = [pytest.param(each, marks=() if each == "slackwater" else pytest.mark.thorough) for each in COMMANDS]
SECRET = "not-for-the-log"
NOBODY = "127.0.0.1:1"


class Ended(NamedTuple):
    """A command that has ended."""

    status: int | None
    output: str
    complaints: str
    """What it wrote to stderr."""


async def ended(home: Path, command: str, **settings: str) -> Ended:
    """Run a worker that cannot start to its end, with these settings and no others."""
    (home / "slackwater.toml").touch()
    named = {f"SLACKWATER_{key.upper()}": value for key, value in settings.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *COMMANDS[command],
        env=inherited() | {"SLACKWATER_CONFIG": str(home / "slackwater.toml")} | named,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            output, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return Ended(process.returncode, (output + complaints).decode(), complaints.decode())


@pytest.mark.parametrize("command", COMMANDS)
async def test_wrong_settings_are_told_a_line_each(tmp_path: Path, command: str) -> None:
    worker = await ended(
        tmp_path,
        command,
        partitions="0",
        slack_webhook_url=f"ftp://hooks.example/{SECRET}",
        sasl_plain_password=SECRET,
        ssl_keyfile="client.key",
    )
    assert worker.status == 2
    assert worker.complaints.startswith("slackwater: SLACKWATER_")
    assert "SLACKWATER_PARTITIONS='0': should be greater than or equal to 1\n" in worker.complaints
    assert "SLACKWATER_SLACK_WEBHOOK_URL: " in worker.complaints
    assert len(worker.complaints.splitlines()) == 2
    assert SECRET not in worker.output


@pytest.mark.parametrize("command", EITHER)
async def test_a_certificate_that_is_not_there_is_a_wrong_setting(tmp_path: Path, command: str) -> None:
    worker = await ended(tmp_path, command, security_protocol="SSL", ssl_cafile="nowhere.pem")
    assert worker.status == 2
    assert worker.complaints.startswith("slackwater: ssl_cafile='nowhere.pem' cannot be used: ")
    assert len(worker.complaints.splitlines()) == 1


@pytest.mark.parametrize("command", EITHER)
async def test_a_broker_that_is_not_there_is_told_where_it_was_looked_for(tmp_path: Path, command: str) -> None:
    worker = await ended(
        tmp_path,
        command,
        brokers=NOBODY,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_plain_username="slackwater",
        sasl_plain_password=SECRET,
        slack_webhook_url=f"https://hooks.example/{SECRET}",
    )
    assert worker.status == 1
    assert worker.complaints.splitlines()[-1].startswith(f"slackwater: no Kafka broker can be used at {NOBODY}: ")
    assert "Traceback" not in worker.output
    assert SECRET not in worker.output


@pytest.mark.parametrize(
    ("setting", "option", "level"),
    [
        ("WARNING", None, "WARNING"),  # `slackwater worker`
        ("INFO", "WARN", "INFO"),  # Faust's command line without an option
        ("INFO", "DEBUG", "DEBUG"),
        ("INFO", "CRIT", "CRITICAL"),
    ],
)
def test_the_level_is_the_settings_unless_fausts_option_says_another(
    setting: str, option: str | None, level: str
) -> None:
    app = create_app(Settings.model_validate({"log_level": setting, "brokers": NOBODY}))
    worker = Worker(app, loglevel=option)
    assert worker.loglevel == level
    assert worker.logging_config is not None
    assert worker.logging_config["loggers"]["streams"]["level"] == level


def test_fausts_own_pages_are_not_served() -> None:
    app = create_app(Settings(brokers=NOBODY))
    app.conf.web_enabled = True  # as Faust's command line has it
    Worker(app)
    assert not app.conf.web_enabled
