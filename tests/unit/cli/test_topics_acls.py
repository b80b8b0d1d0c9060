"""`slackwater topics acls`: what is printed is the list that workers hold themselves against."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from streams.cli import app
from streams.cli.topics import Who
from streams.runtime import topics
from streams.runtime.acls import Acl, Role, acls_of
from streams.runtime.settings import Settings

SETTINGS = Settings(app_id="churn", topic_prefix="eu.", brokers="kafka:9093")


def shown(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    for name, value in {"APP_ID": "churn", "TOPIC_PREFIX": "eu.", "BROKERS": "kafka:9093"}.items():
        monkeypatch.setenv(f"SLACKWATER_{name}", value)
    return CliRunner().invoke(app, ["topics", "acls", *arguments], catch_exceptions=False).stdout


def test_the_command_knows_every_role() -> None:
    assert [each.value for each in Who] == [each.value for each in Role]


def test_it_prints_a_command_for_each_resource_with_the_names_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    command = "kafka-acls --bootstrap-server kafka:9093 --add --allow-principal User:cs --operation"
    assert shown(monkeypatch, "board", "--principal", "User:cs").splitlines() == [
        f"{command} Read --topic eu.account-health",
        f"{command} Write --topic eu.alert-commands",
    ]
    last = shown(monkeypatch, "worker").splitlines()[-1]
    assert last.endswith(
        "--allow-principal User:slackwater-worker --operation Write --transactional-id churn- "
        "--resource-pattern-type prefixed"
    )


@pytest.mark.parametrize("role", Role)
def test_what_a_program_reads_is_the_same_list(role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.loads(shown(monkeypatch, role.value, "--json"))
    acls = acls_of(SETTINGS, role)
    assert [Acl(**each) for each in told] == acls
    assert len(set(acls)) == len(acls)


def test_a_worker_may_touch_every_topic_of_its_own_and_create_or_delete_none() -> None:
    acls = acls_of(SETTINGS, Role.WORKER)
    assert {each.name for each in acls if each.resource == "topic"} == {each.name for each in topics.plan(SETTINGS)}
    assert {each.operation for each in acls} == {"Read", "Write"}
    inputs = topics.input_names(SETTINGS)
    assert {each.operation for each in acls if each.name in inputs} == {"Read"}
