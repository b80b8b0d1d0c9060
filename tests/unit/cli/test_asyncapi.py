"""The AsyncAPI document names the topics as they are called and set up, and loses nothing of their schemas."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft7Validator
from typer.testing import CliRunner

from streams.cli import app
from streams.cli.asyncapi import asyncapi
from streams.runtime.settings import Settings
from tests.corpus import GOOD_RECORDS


def test_topics_have_their_own_names_and_settings() -> None:
    document = asyncapi(Settings(topic_prefix="eu.", partitions=8, app_id="watch", brokers="a:1,b:2"))
    alerts = document["channels"]["alerts"]
    assert alerts["address"] == "eu.churn-alerts"
    assert alerts["bindings"]["kafka"]["partitions"] == 8
    assert alerts["bindings"]["kafka"]["topicConfiguration"] == {
        "retention.ms": 90 * 86_400_000,
        "cleanup.policy": ["delete"],
    }
    assert "partitions" not in document["channels"]["usage"]["bindings"]["kafka"]
    assert document["servers"]["kafka"] == {"host": "a:1", "protocol": "kafka"}
    assert document["operations"]["receive-usage"]["bindings"]["kafka"]["groupId"]["const"] == "watch"
    assert [name for name in document["operations"] if name.startswith("send-")] == [
        "send-alerts",
        "send-health",
        "send-dead_letters",
    ]


def test_its_schemas_take_every_good_record() -> None:
    document = asyncapi(Settings())
    for record in GOOD_RECORDS:
        payload: dict[str, Any] = document["components"]["messages"][record.topic.value]["payload"]
        whole = payload | {"components": document["components"]}
        assert Draft7Validator(whole).is_valid(json.loads(record.raw)), record.name


def test_the_command_writes_it() -> None:
    written = CliRunner().invoke(app, ["schema", "asyncapi"], env={"SLACKWATER_APP_ID": "watch"})
    assert written.exit_code == 0
    assert json.loads(written.stdout) == asyncapi(Settings(app_id="watch"))
