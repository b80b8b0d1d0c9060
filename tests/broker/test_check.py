"""`slackwater check` on a real broker: each thing that can be wrong, in turn, is told with what to do; and it ends also
where nobody answers."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.structs import OffsetAndMetadata
from confluent_kafka import Producer
from typer.testing import CliRunner

from schemas.formats.options import Format
from schemas.shuffle import VERSION as SHUFFLE_VERSION
from streams.broker import Broker, KafkaBroker
from streams.cli import app
from streams.cli.checks import sample, state
from streams.cli.checks.finding import Finding, Level
from streams.cli.checks.survey import Survey
from streams.detection.merge import VERSION, Progress
from streams.runtime import topics
from streams.runtime.engagement import BOOTSTRAP, PROGRESS
from streams.runtime.settings import Settings
from tests.unit.formats.making import segment

DAY = 86_400_000
pytestmark = pytest.mark.kafka


@pytest.fixture
def settings(kafka: Broker) -> Settings:
    name = f"check-{uuid4().hex[:8]}"
    return Settings(brokers=kafka.address, app_id=name, topic_prefix=f"{name}.", partitions=2)


async def survey(settings: Settings, *, sample: int = 1_000) -> Survey:
    done = Survey(settings)
    await done.look(sample=sample)
    return done


async def found(settings: Settings, check: str, level: Level | None = Level.FAILURE) -> list[Finding]:
    """What a check says of this level."""
    return [each for each in (await survey(settings)).findings if each.check == check and each.level is level]


async def write(settings: Settings, topic: str, *values: Any, key: bytes | None = None, at: int | None = None) -> None:
    """Records to partition 0 of a topic, by its full name."""
    async with producer(settings) as sender:
        for value in values:
            raw = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
            await sender.send_and_wait(topic, raw, key, partition=0, timestamp_ms=at)


@asynccontextmanager
async def producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    sender = AIOKafkaProducer(bootstrap_servers=settings.brokers)
    await sender.start()
    try:
        yield sender
    finally:
        await sender.stop()


async def make(settings: Settings, **configs: dict[str, str]) -> None:
    """Topics with a configuration of their own, by their name in the settings or an attribute; and all others."""
    named = {"changelog": topics.changelog(settings, topics.ENGAGEMENT)}
    for each in ("shuffle_topic", "fleet_topic", "alias_topic"):
        named[each] = getattr(settings, each)
    plans = {each.name: each for each in topics.plan(settings)}
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers)
    await admin.start()
    new = []
    for name, own in configs.items():
        full = named.get(name) or settings.topic(name)
        new.append(NewTopic(full, plans[full].partitions, 1, topic_configs={**plans[full].configs, **own}))
    if new:
        await admin.create_topics(new)
    await admin.close()
    await topics.create(settings)


def usage(number: int, *, at: int) -> dict[str, Any]:
    return {"account_id": f"a-{number % 3}", "event": "view", "occurred_at": instant(at), "user_id": "u"}


def instant(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at / 1000))


def now() -> int:
    return int(time.time() * 1000)


def ids(findings: Sequence[Finding]) -> list[str]:
    return [each.subject.rpartition(".")[2] for each in findings]


async def test_a_fresh_installation_is_fine_and_says_what_a_worker_will_find(settings: Settings) -> None:
    await make(settings)
    await write(settings, settings.topic("usage"), *(usage(number, at=now() - 5_000) for number in range(30)))
    done = await survey(settings)
    by_check = {(each.check, each.subject): each for each in done.findings}
    assert {each.level for each in done.findings if each.check != "routes"} == {Level.OK}, done.findings
    assert by_check["broker", settings.brokers].text == "answers"
    assert by_check["promise", ""].text == "exactly once"
    assert by_check["topics", settings.topic("usage")].values["partitions"] == 2
    assert by_check["records", settings.topic("usage")].values["read"] == 30
    assert by_check["records", settings.topic("billing")].text == "no records yet"
    assert by_check["state", ""].text.startswith("there is none yet")
    assert by_check["clocks", settings.topic("usage")].values["median_age_ms"] < 60_000
    assert done.usage is not None
    assert [(each.name, each.count) for each in done.usage.events] == [("view", 30)]


async def test_topics_that_keep_too_little_or_take_too_little_are_told(settings: Settings) -> None:
    await make(
        settings,
        usage={"retention.ms": str(DAY)},
        accounts={"cleanup.policy": "delete", "retention.ms": str(30 * DAY)},
        fleet_topic={"retention.ms": str(7 * DAY)},
        alias_topic={"retention.bytes": "1000000"},
        shuffle_topic={"retention.ms": str(DAY), "max.message.bytes": "1000000"},
        changelog={"message.timestamp.type": "CreateTime"},
        alerts={"min.insync.replicas": "2"},
    )
    told = (await survey(settings)).findings
    failures = {each.subject: each for each in told if each.check == "topics" and each.level is Level.FAILURE}
    assert set(failures) == {settings.fleet_topic, settings.alias_topic, settings.topic("alerts")}
    assert failures[settings.fleet_topic].text.startswith(
        "keeps records for 7 days only, and all of it has to be there"
    )
    assert "retention.bytes=-1" in failures[settings.alias_topic].remedy
    assert "1 of 1 replicas are in sync, and min.insync.replicas is 2" in failures[settings.topic("alerts")].text
    warnings = [(each.subject, each.remedy) for each in told if each.check == "topics" and each.level is Level.WARNING]
    changelog = topics.changelog(settings, topics.ENGAGEMENT)
    assert sorted(warnings) == sorted(
        [
            (settings.topic("usage"), f"set retention.ms={7 * DAY} for it, or more"),
            (settings.topic("accounts"), "use cleanup.policy=compact for it, with the account's id as the key"),
            (settings.shuffle_topic, f"set retention.ms={7 * DAY} for it"),
            (settings.shuffle_topic, f"set max.message.bytes={16 << 20} for it"),
            (changelog, "set message.timestamp.type=LogAppendTime for it"),
        ]
    )


async def test_a_missing_topic_and_a_count_that_disagrees_fail(settings: Settings) -> None:
    assert sorted(ids(await found(settings, "topics"))) == sorted(
        name.rpartition(".")[2] for name in topics.input_names(settings)
    )
    await make(settings)
    other = settings.model_copy(update={"partitions": 5})
    assert all("SLACKWATER_PARTITIONS=2" in each.remedy for each in await found(other, "topics"))
    assert settings.shuffle_topic in {each.subject for each in await found(other, "topics")}


async def test_records_of_another_format_are_told_with_the_setting_that_reads_them(settings: Settings) -> None:
    await make(settings)
    name = settings.topic("usage")
    await write(settings, name, *(segment(event="Login", messageId=f"m-{each}") for each in range(4)))
    (failure,) = await found(settings, "records")
    assert failure.text.startswith("4 of the last 4 records cannot be read as native: 4 missing_field (such as ")
    assert failure.remedy == "SLACKWATER_FORMAT_USAGE=segment would read 4 of them"
    await write(settings, name, usage(1, at=now()))
    (warning,) = await found(settings, "records", Level.WARNING)
    assert warning.remedy == "SLACKWATER_FORMAT_USAGE=auto would read 4 of them, as segment"
    auto = settings.model_copy(update={"format_usage": Format.AUTO})
    assert await found(auto, "records", Level.WARNING) == []


async def test_what_cannot_be_read_is_counted_by_reason_and_shows_nothing_of_what_it_holds(settings: Settings) -> None:
    await make(settings)
    name = settings.topic("billing")
    bad = [b"xoxb-1-SecretBot no json", {"account_id": 7, "comment": "SecretComment"}, b'{"type": "SecretType"}', None]
    paid = {"account_id": "a", "type": "invoice.voided", "occurred_at": instant(now()), "invoice_id": "in_1"}
    await write(settings, name, *bad, paid, key=b"k")
    done = await survey(settings)
    (warning,) = [each for each in done.findings if each.check == "records" and each.level is Level.WARNING]
    assert sum(warning.values["rejected"].values()) == 4
    assert warning.values["rejected"]["not_json"] == 1
    assert warning.values["examples"]["not_json"]["place"] == f"{name}/0/0"
    assert "slackwater schema json billing" in warning.remedy
    assert "Secret" not in str(done.findings)


async def test_records_are_read_however_their_producer_compresses_them(settings: Settings) -> None:
    await make(settings)
    raw = json.dumps(usage(1, at=now()))
    codecs = ("none", "gzip", "snappy", "lz4", "zstd")
    for codec in codecs:
        sender = Producer({"bootstrap.servers": settings.brokers, "compression.type": codec})
        for _ in range(20):  # one alone is not compressed, as it would be longer
            sender.produce(settings.topic("usage"), raw, partition=0)
        assert sender.flush(60) == 0
    (fine,) = [each for each in await found(settings, "records", Level.OK) if each.values["records"]]
    assert fine.values["read"] == 20 * len(codecs)


async def test_an_accounts_topic_with_other_keys_is_told(settings: Settings) -> None:
    await make(settings)
    update = {"account_id": "acct-1", "updated_at": instant(now()), "name": "Evergreen"}
    await write(settings, settings.topic("accounts"), update, key=b"acct-1")
    assert await found(settings, "records", Level.WARNING) == []
    await write(settings, settings.topic("accounts"), update, key=b"crm-9")
    (warning,) = await found(settings, "records", Level.WARNING)
    assert "the key of 1 of the last updates is not the account's id" in warning.text


async def test_clocks_that_disagree_are_told(settings: Settings) -> None:
    await make(settings)
    ahead, name = now() + 120_000, settings.topic("usage")
    await write(settings, name, usage(1, at=ahead), at=ahead)
    (warning,) = await found(settings, "clocks", Level.WARNING)
    assert warning.subject == name
    assert 100_000 < warning.values["ahead_ms"] <= 120_000
    old = settings.topic("feedback")
    score = {"event_id": "f", "account_id": "a", "type": "nps", "score": 9, "occurred_at": instant(now() - 9 * DAY)}
    await write(settings, old, score)
    (warning,) = [each for each in await found(settings, "clocks", Level.WARNING) if each.subject == old]
    assert "half of its events are 9 days older than their records: they are counted, and not judged" in warning.text
    future = {**score, "occurred_at": instant(now() + 3_600_000)}
    await write(settings, old, future)
    (warning,) = await found(settings, "records", Level.WARNING)
    assert warning.values["rejected"] == {"time_in_future": 1}


async def test_the_group_says_what_waits_and_what_was_removed_before_it_was_read(settings: Settings) -> None:
    await make(settings)
    name = settings.topic("usage")
    await write(settings, name, *(usage(number, at=now()) for number in range(10)))
    part = TopicPartition(name, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.brokers, group_id=settings.app_id, enable_auto_commit=False)
    await consumer.start()
    consumer.assign([part])
    await consumer.commit({part: OffsetAndMetadata(4, "")})
    (nobody,) = await found(settings, "group", Level.WARNING)
    assert (nobody.text, nobody.remedy) == ("no worker runs, and 6 records wait", "start one")
    told = [each for each in (await survey(settings)).findings if each.check == "group"]
    assert {"lag": {f"{name}/0": 6}} in [dict(each.values) for each in told]
    assert f"{name}/1" in {each.subject for each in told}  # it was never read

    admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers)
    await admin.start()
    await admin.delete_records({part: RecordsToDelete(before_offset=9)})
    (removed,) = [each for each in await found(settings, "group", Level.WARNING) if each.subject == f"{name}/0"]
    assert removed.values["removed"] == 5
    await consumer.commit({part: OffsetAndMetadata(100, "")})
    (anew,) = [each for each in await found(settings, "group", Level.WARNING) if each.subject == f"{name}/0"]
    assert "it was created anew" in anew.text
    await consumer.stop()
    await admin.close()


@pytest.mark.parametrize("seconds", [0.5, 3_600])
async def test_a_session_that_the_broker_does_not_take_is_told_and_disturbs_no_group(
    seconds: float, settings: Settings
) -> None:
    await make(settings)
    consumer = AIOKafkaConsumer(
        settings.topic("usage"), bootstrap_servers=settings.brokers, group_id=settings.app_id, client_id="a-worker"
    )
    await consumer.start()
    generation = consumer._coordinator.generation
    wrong = settings.model_copy(update={"session_timeout": int(seconds * 1_000)})
    (failure,) = await found(wrong, "session")
    assert f"SLACKWATER_SESSION_TIMEOUT={seconds:g}s" in failure.text
    assert "group.min.session.timeout.ms" in failure.remedy
    (fine,) = await found(settings, "session", Level.OK)
    assert "10 s" in fine.text
    (who,) = [each for each in await found(settings, "group", Level.OK) if "members" in each.values]
    assert [each.partition(" ")[0] for each in who.values["members"]] == ["a-worker"]
    await consumer.getmany(timeout_ms=200)
    assert consumer._coordinator.generation == generation
    await consumer.stop()


async def test_members_of_the_group_are_named(settings: Settings) -> None:
    await make(settings)
    consumer = AIOKafkaConsumer(
        settings.topic("usage"), bootstrap_servers=settings.brokers, group_id=settings.app_id, client_id="worker-7"
    )
    await consumer.start()
    told = await found(settings, "group", Level.OK)
    assert "1 worker: worker-7 at 127.0.0.1" in {each.text for each in told}
    await consumer.stop()


async def test_records_that_do_not_come_in_time_are_not_taken_for_none(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(settings)
    usage, changelog = settings.topic("usage"), topics.changelog(settings, topics.ENGAGEMENT)
    await write(settings, usage, b"{}")
    await write(settings, changelog, Progress(0, 0, None, {}).encode(), key=PROGRESS)
    for module in (sample, state):
        monkeypatch.setattr(module, "SECONDS", 0.0)
    (late,) = await found(settings, "records", Level.WARNING)
    assert (late.subject, late.values["unread"]) == (usage, [0])
    assert "none came within" in late.text
    assert "quota" in late.remedy
    none = await found(settings, "records", Level.OK)
    assert {each.text for each in none} == {"no records yet"}
    (of_state,) = await found(settings, "state", Level.WARNING)
    assert of_state.subject == changelog


async def test_state_that_a_newer_version_wrote_and_a_bootstrap_half_done_fail(settings: Settings) -> None:
    await make(settings)
    changelog = topics.changelog(settings, topics.ENGAGEMENT)
    await write(settings, changelog, Progress(0, 0, None, {}).encode(), key=PROGRESS)
    assert await found(settings, "state") == []
    newer = json.dumps([VERSION + 1, 0, 0, None, {}]).encode()
    await write(settings, changelog, newer, key=PROGRESS)
    await write(settings, changelog, b"[99,null,", key=b"acct-1")
    await write(settings, changelog, b"1", key=BOOTSTRAP)
    await write(settings, settings.shuffle_topic, bytes([0xC1, SHUFFLE_VERSION + 1, 0]), b"noise")
    failures = await found(settings, "state")
    assert [each.subject.split("/")[0] for each in failures][:3] == [changelog] * 3
    assert f"of version {VERSION + 1}" in failures[0].text
    assert "of version 99" in failures[1].text
    assert "run the same bootstrap again" in failures[2].remedy
    await write(settings, changelog, None, key=BOOTSTRAP)
    assert not [each for each in await found(settings, "state") if "bootstrap" in each.text]


@pytest.mark.parametrize("wrong", ["nothing_listens", "no_such_name", "silent"])
async def test_it_ends_soon_and_says_why_where_no_broker_answers(wrong: str, settings: Settings) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        address = {
            "nothing_listens": "127.0.0.1:1",
            "no_such_name": "no-such-broker.invalid:9092",
            "silent": f"127.0.0.1:{listening.getsockname()[1]}",
        }[wrong]
        done = Survey(settings.model_copy(update={"brokers": address}), patience=1.0)
        async with asyncio.timeout(10):
            await done.look(sample=1_000)
        (failure,) = [each for each in done.findings if each.level is Level.FAILURE]
        assert (failure.check, failure.subject) == ("broker", address)
        words = {
            "nothing_listens": "has nobody who listens",
            "no_such_name": "is not to be found",
            "silent": "does not answer in time",
        }
        assert words[wrong] in failure.text
        assert failure.remedy
        both = settings.model_copy(update={"brokers": f"{address},{settings.brokers}"})
        warned = Survey(both, patience=1.0)
        await warned.look(sample=0)
        assert [each.subject for each in warned.findings if each.check == "broker"] == [settings.brokers, address]
        assert not [each for each in warned.findings if each.check == "broker" and each.level is Level.FAILURE]


async def test_a_broker_that_falls_silent_on_the_way_ends_it(kafka_required: None) -> None:
    async with KafkaBroker() as broker:
        settings = Settings(brokers=broker.address, app_id="silent", partitions=1)
        await topics.create(settings)
        done = Survey(settings, patience=1.0)
        ask, asked = done._ask, 0

        async def then_silent(question: Any) -> None:
            nonlocal asked
            asked += 1
            if asked == 2:
                broker.pause()
            await ask(question)

        done._ask = then_silent  # type: ignore[method-assign]
        async with asyncio.timeout(20):
            await done.look(sample=10)
        broker.resume()
        assert (done.findings[-1].check, done.findings[-1].level) == ("topics", Level.FAILURE)
        assert "nothing more was asked" in done.findings[-1].text


def test_the_command_says_it_for_people_and_for_programs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("SLACKWATER_")]:
        monkeypatch.delenv(name)
    key = tmp_path / "hash.key"
    key.write_text("a key of sixteen bytes")
    key.chmod(0o644)
    monkeypatch.setenv("SLACKWATER_BROKERS", settings.brokers)
    monkeypatch.setenv("SLACKWATER_TOPIC_PREFIX", settings.topic_prefix)
    monkeypatch.setenv("SLACKWATER_APP_ID", settings.app_id)
    monkeypatch.setenv("SLACKWATER_PARTITIONS", "2")
    monkeypatch.setenv("SLACKWATER_USER_HASH_KEY_FILE", str(key))
    people = CliRunner().invoke(app, ["check"])
    assert people.exit_code == 1
    assert f"FAILURE topics:    {settings.topic('usage')}: there is no such topic" in people.stdout
    assert "-> run: slackwater topics create" in people.stdout
    assert (
        f"WARNING secrets:   SLACKWATER_USER_HASH_KEY_FILE: every user of this machine can read {key}" in people.stdout
    )
    assert people.stdout.splitlines()[-1].startswith("not as it has to be: 5 failures, ")
    assert CliRunner().invoke(app, ["topics", "create"]).exit_code == 0
    key.chmod(0o600)
    programs = CliRunner().invoke(app, ["check", "--json"])
    assert programs.exit_code == 0, programs.stdout
    told = json.loads(programs.stdout)
    assert told["ok"]
    assert {each["level"] for each in told["findings"] if each["check"] != "routes"} == {"ok"}
    assert set(told["findings"][0]) == {"check", "subject", "level", "text", "remedy", "values"}
