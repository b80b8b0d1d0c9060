"""`slackwater topics create` and `slackwater check` on a broker."""

import json
import os
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from streams.broker import Broker
from streams.cli import app
from streams.runtime.settings import Settings
from streams.runtime.topics import plan


@pytest.fixture
def settings(embedded: Broker, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.startswith("SLACKWATER_")]:
        monkeypatch.delenv(name)
    own = uuid4().hex[:8]
    monkeypatch.setenv("SLACKWATER_BROKERS", embedded.address)
    monkeypatch.setenv("SLACKWATER_TOPIC_PREFIX", f"{own}.")
    monkeypatch.setenv("SLACKWATER_APP_ID", f"app-{own}")
    return Settings(brokers=embedded.address, topic_prefix=f"{own}.", app_id=f"app-{own}")


def slackwater(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments], catch_exceptions=False)


def test_a_check_fails_until_the_topics_are_there_and_names_the_remedy(settings: Settings) -> None:
    before = slackwater("check")
    assert before.exit_code == 1
    assert settings.topic("usage") in before.stdout
    assert "slackwater topics create" in before.stdout
    assert slackwater("topics", "create").exit_code == 0
    after = slackwater("check", "--json")
    assert after.exit_code == 0
    assert json.loads(after.stdout) == {"ok": True, "broker": None, "topics": [], "exactly_once": False}


def test_create_makes_what_the_dry_run_says_and_only_once(settings: Settings) -> None:
    names = [each.name for each in plan(settings)]
    shown = json.loads(slackwater("topics", "create", "--dry-run", "--json").stdout)
    assert [each["name"] for each in shown] == names
    assert json.loads(slackwater("topics", "create", "--json").stdout) == names
    assert json.loads(slackwater("topics", "create", "--json").stdout) == []


def test_a_partition_count_that_disagrees_fails_the_check(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert slackwater("topics", "create").exit_code == 0
    monkeypatch.setenv("SLACKWATER_PARTITIONS", "7")
    result = slackwater("check", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert settings.shuffle_topic in {each["topic"] for each in told["topics"]}
    assert all(each["remedy"] for each in told["topics"])
