"""No command shows a secret, however wrong the settings are and wherever in them it stands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from streams.cli import app
from tests.secrecy import Secrets
from tests.unit.settings.test_secrets import ENVIRON, SASL, SECRETS, TABLES, URL

COMMANDS: Final = [
    "alerts list",
    "alerts show 00112233445566aa",
    "alerts ack acme --kind usage_drop",
    "alerts snooze acme --until 2026-01-01",
    "board",
    "check",
    "check --json",
    "check --routes --json",
    "check --slack",
    "dead-letters explain billing/0/17",
    "dead-letters list",
    "dead-letters replay --dry-run",
    "produce {home}/usage.jsonl --topic product-usage",
    "reset --plan",
    "score --json",
    "topics acls",
    "topics create --dry-run",
    "worker",
]
WRONG: Final = {
    "a value": f'partitions = "{URL}"\nslack_timeout = "{URL}"\n',
    "a key": f'"{URL}" = 1\n',
    "no TOML": f'x = "{URL}" "',
    "tables": TABLES.replace('name = "all"', f'name = "{URL}"').replace('url_env = "CS"', f'url_env = "{URL}"'),
}


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    for name in [name for name in os.environ if name.startswith("SLACKWATER_")]:
        monkeypatch.delenv(name)
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SLACKWATER_BROKERS", "127.0.0.1:1")
    (tmp_path / "usage.jsonl").write_text('{"account_id": "a"}\n')
    return CliRunner()


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_refuses_wrong_settings_shows_none(
    runner: CliRunner, tmp_path: Path, command: str, wrong: str
) -> None:
    (tmp_path / "own.toml").write_text(SASL + WRONG[wrong])
    ended = runner.invoke(app, ["--config", str(tmp_path / "own.toml"), *command.format(home=tmp_path).split()])
    assert ended.exit_code != 0
    assert SECRETS.found_in(ended.output, ended.stderr) == set()


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_the_routes_are_shown_without_what_they_are_reached_by(
    runner: CliRunner, tmp_path: Path, as_json: list[str]
) -> None:
    (tmp_path / "own.toml").write_text(SASL + TABLES)
    shown = runner.invoke(app, ["--config", str(tmp_path / "own.toml"), "check", "--routes", *as_json])
    assert "all" in shown.output
    assert "bot" in shown.output
    assert SECRETS.found_in(shown.output) == set()


def test_the_search_finds_what_it_looks_for() -> None:
    assert Secrets(url=URL).found_in(f"{WRONG}") == {"url"}
