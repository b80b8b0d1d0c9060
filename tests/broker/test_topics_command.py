"""`slackwater topics create` and `slackwater check` on a broker."""

import asyncio
import json
import os
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from streams.broker import Broker
from streams.cli import app
from streams.runtime.settings import Settings
from streams.runtime.topics import create, of_replays, plan


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
    assert "SLACKWATER_TOPIC_USAGE" in before.stdout
    assert slackwater("topics", "create").exit_code == 0
    after = slackwater("check", "--json")
    assert after.exit_code == 0
    told = json.loads(after.stdout)
    assert told["ok"]
    assert [each["check"] for each in told["findings"] if each["level"] != "ok"] == ["routes", "promise"]
    assert (told["usage"]["events"], told["usage"]["total"]) == ([], 0)


def test_a_check_shows_what_the_usage_topic_is_made_of_and_what_is_perhaps_no_usage(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert slackwater("topics", "create").exit_code == 0
    row = '{{"account_id":"a{account}","event":"{event}","occurred_at":"2025-03-{day:02}T{hour:02}:00:00Z"{user}}}\n'
    file = tmp_path / "usage.jsonl"
    beats = [row.format(account=each, event="beat", day=day, hour=hour, user="")
             for each in range(3) for day in range(1, 31) for hour in range(24)]  # fmt: skip
    views = [row.format(account=each, event="view", day=day, hour=9 + day * 7 % 5, user=',"user_id":"anna"')
             for each in range(3) for day in range(1, 31)]  # fmt: skip
    robot = [row.format(account=9, event="view", day=1 + number // 20, hour=number * 5 % 24, user=',"user_id":"sync"')
             for number in range(600)]  # fmt: skip
    file.write_text("".join(beats + views + robot))
    assert slackwater("produce", str(file)).exit_code == 0
    shown = slackwater("check").stdout
    assert "the last 2,850 events of" in shown
    assert "perhaps no usage: 'beat' comes at regular times" in shown
    assert "perhaps no usage: User 'sync' does as much at night as by day" in shown
    monkeypatch.setenv("SLACKWATER_EXCLUDE_EVENTS", "beat")
    monkeypatch.setenv("SLACKWATER_USER_HASH_KEY", "a key of sixteen bytes")
    usage = json.loads(slackwater("check", "--json").stdout)["usage"]
    by_name = {each["name"]: each for each in usage["events"]}
    assert by_name["beat"]["excluded"] == "exclude_events"
    assert (by_name["beat"]["count"], by_name["view"]["count"]) == (2_160, 690)
    assert usage["perhaps_programs"] == []
    bounded = json.loads(slackwater("check", "--sample", "400", "--json").stdout)["usage"]
    assert 0 < bounded["total"] <= 400
    assert json.loads(slackwater("check", "--sample", "0", "--json").stdout)["usage"] is None


def test_create_makes_what_the_dry_run_says_and_only_once(settings: Settings) -> None:
    names = [each.name for each in plan(settings)]
    shown = json.loads(slackwater("topics", "create", "--dry-run", "--json").stdout)
    assert [(each["name"], each["exists"]) for each in shown] == [(name, False) for name in names]
    assert "stays as it is" not in slackwater("topics", "create", "--dry-run").stdout
    assert json.loads(slackwater("topics", "create", "--json").stdout) == names
    assert json.loads(slackwater("topics", "create", "--json").stdout) == []
    assert slackwater("topics", "create", "--dry-run").stdout.count("is there, and stays as it is") == len(names)


def test_the_topic_of_replays_is_listed_where_it_is_there(settings: Settings) -> None:
    assert settings.replayed_topic not in slackwater("topics", "create", "--dry-run").stdout
    asyncio.run(create(settings, plans=[of_replays(settings)]))
    shown = slackwater("topics", "create", "--dry-run").stdout.splitlines()
    (line,) = [each for each in shown if each.startswith(settings.replayed_topic)]
    assert "1 partitions" in line
    assert "is there, and stays as it is" in line


def test_a_partition_count_that_disagrees_fails_the_check(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert slackwater("topics", "create").exit_code == 0
    monkeypatch.setenv("SLACKWATER_PARTITIONS", "7")
    result = slackwater("check", "--json")
    assert result.exit_code == 1
    failures = [each for each in json.loads(result.stdout)["findings"] if each["level"] == "failure"]
    assert settings.shuffle_topic in {each["subject"] for each in failures}
    assert all(each["remedy"] for each in failures)
