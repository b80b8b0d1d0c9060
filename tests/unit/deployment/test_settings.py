"""Whatever starts a process of slackwater gives it settings that there are, and secrets that it finds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.errors import SettingsError
from streams.runtime.settings import SECRETS as SECRET_KEYS
from streams.runtime.settings import Settings, load_settings
from tests.unit.deployment.files import DEPLOY, SECRETS, Process, compose, containers, pods, processes, unit

PROCESSES = {each.place: each for each in processes()}
NAMES = {
    f"SLACKWATER_{key.upper()}" for key in (*Settings.model_fields, *(f"{key}_file" for key in SECRET_KEYS), "config")
}


def loaded(process: Process, home: Path) -> Settings:
    """Its settings; its secrets are here instead of where it has them."""
    environment = {}
    for name, value in process.environment.items():
        if name.endswith("_FILE"):
            secret = home / Path(value).name
            secret.write_text(SECRETS[secret.name] + "\n")
            environment[name] = str(secret)
        elif name.startswith("SLACKWATER_"):
            environment[name] = value
    config = home / "slackwater.toml"
    config.write_text(process.toml or "")
    environment["SLACKWATER_CONFIG"] = str(config)
    return load_settings(environment)


def test_workers_boards_and_what_creates_topics_are_among_them() -> None:
    commands = {(each.place.partition(":")[0], each.command) for each in PROCESSES.values()}
    assert {place for place, command in commands if command == ("worker",)} == {
        "compose.yaml",
        "kubernetes",
        "systemd",
    }
    assert {place for place, command in commands if command == ("board",)} == {"compose.yaml", "kubernetes", "systemd"}
    assert {place for place, command in commands if command == ("topics", "create")} == {"compose.yaml", "kubernetes"}


@pytest.mark.parametrize("place", PROCESSES)
def test_its_settings_are_ones_that_there_are_and_suit_its_command(place: str, tmp_path: Path) -> None:
    process = PROCESSES[place]
    settings = loaded(process, tmp_path)
    assert (settings.slack_webhook_url is not None) == (process.command == ("worker",))
    assert bool(settings.board_tokens) == (process.command == ("board",))
    in_container = not place.startswith("systemd")
    assert settings.web_host == settings.board_host == ("0.0.0.0" if in_container else "127.0.0.1")
    if not place.startswith("systemd"):  # there the reader names it
        assert settings.brokers != Settings().brokers


def limit(place: str) -> str:
    """The memory that a worker may have."""
    if place.startswith("compose"):
        return str(compose()["services"]["worker"]["deploy"]["resources"]["limits"]["memory"])
    if place.startswith("kubernetes"):
        return str(containers(pods()["slackwater-worker"])[-1]["resources"]["limits"]["memory"])
    return unit(place.removeprefix("systemd: "))["MemoryMax"][0]


@pytest.mark.parametrize("place", [place for place, each in PROCESSES.items() if each.command == ("worker",)])
def test_one_worker_has_memory_for_all_accounts_that_there_may_be(place: str, tmp_path: Path) -> None:
    settings = loaded(PROCESSES[place], tmp_path)
    accounts = settings.partitions * settings.max_partition_accounts
    needed = accounts * 3_400 + 1.3e9  # ARCHITECTURE.md, "Scale, on paper"
    assert needed < int(limit(place).lower().removesuffix("i").removesuffix("g")) << 30


def test_a_setting_that_there_is_not_would_be_seen(tmp_path: Path) -> None:
    process = next(iter(PROCESSES.values()))
    wrong = Process("", process.command, {**process.environment, "SLACKWATER_BROKER": "kafka:9092"}, process.toml)
    with pytest.raises(SettingsError, match="SLACKWATER_BROKER: there is no such setting"):
        loaded(wrong, tmp_path)


@pytest.mark.parametrize("file", [path for path in DEPLOY.rglob("*") if path.suffix in {".md", ".yaml", ".toml"}])
def test_what_a_text_calls_a_setting_is_one(file: Path) -> None:
    if "target" in file.parts:
        return
    text = file.read_text(encoding="utf-8")
    told = set(re.findall(r"\bSLACKWATER_[A-Z]+(?:_[A-Z]+)*\b", text)) - {"SLACKWATER_X", "SLACKWATER_X_FILE"}
    assert told <= NAMES
