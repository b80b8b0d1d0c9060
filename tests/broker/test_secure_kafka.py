"""Settings for a secured Kafka (TLS and SCRAM) do connect, and refuse whom they should not trust."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they are documented there
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from schemas.errors import StartError
from streams.broker import Broker, KafkaBroker, SecureListener
from streams.runtime import topics
from streams.runtime.rights import needed, refuse_without_rights
from streams.runtime.settings import Settings, load_settings
from streams.runtime.writer import has_transactions

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _certificate(path: Path) -> Path:
    """A self-signed certificate for this machine, with its key: the broker's keystore and the client's CA in one."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=slackwater"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    certificate = path.with_suffix(".crt")
    subprocess.run([*command, *names, "-keyout", path, "-out", certificate], check=True, capture_output=True)
    path.write_text(path.read_text() + certificate.read_text())
    return path


@pytest.fixture(scope="module")
def keystore(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on the path")
    return _certificate(tmp_path_factory.mktemp("tls") / "broker.pem")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secured(keystore: Path, kafka_required: None) -> AsyncIterator[KafkaBroker]:
    async with KafkaBroker(SecureListener(keystore, "worker", "right-password")) as broker:
        yield broker


def _environ(broker: KafkaBroker, keystore: Path) -> dict[str, str]:
    return {
        "SLACKWATER_BROKERS": broker.secure_address,
        "SLACKWATER_SECURITY_PROTOCOL": "SASL_SSL",
        "SLACKWATER_SASL_MECHANISM": "SCRAM-SHA-512",
        "SLACKWATER_SASL_PLAIN_USERNAME": "worker",
        "SLACKWATER_SASL_PLAIN_PASSWORD": "right-password",
        "SLACKWATER_SSL_CAFILE": str(keystore.with_suffix(".crt")),
    }


async def _brokers_seen(environ: dict[str, str]) -> int:
    client = AIOKafkaAdminClient(**load_settings(environ).kafka(), request_timeout_ms=5_000)
    try:
        await client.start()
        return len((await client.describe_cluster())["brokers"])
    finally:
        await client.close()


async def test_the_right_password_and_the_right_ca_connect(secured: KafkaBroker, keystore: Path) -> None:
    assert await _brokers_seen(_environ(secured, keystore)) == 1


async def test_a_wrong_password_is_refused(secured: KafkaBroker, keystore: Path) -> None:
    with pytest.raises(KafkaError):
        await _brokers_seen(_environ(secured, keystore) | {"SLACKWATER_SASL_PLAIN_PASSWORD": "wrong-password"})


async def test_a_broker_whose_certificate_nobody_vouches_for_is_not_trusted(
    secured: KafkaBroker, keystore: Path, tmp_path: Path
) -> None:
    other = _certificate(tmp_path / "other.pem")
    with pytest.raises(KafkaError):
        await _brokers_seen(_environ(secured, keystore) | {"SLACKWATER_SSL_CAFILE": str(other)})


async def test_a_client_without_tls_gets_nowhere(secured: KafkaBroker) -> None:
    with pytest.raises(KafkaError):
        await _brokers_seen({"SLACKWATER_BROKERS": secured.secure_address})


async def test_a_user_who_may_write_has_transactions(secured: KafkaBroker, keystore: Path) -> None:
    assert await has_transactions(load_settings(_environ(secured, keystore)))


async def test_a_missing_acl_on_the_transactional_ids_is_told_and_not_taken_for_a_broker_without_transactions(
    keystore: Path, kafka_required: None
) -> None:
    async with KafkaBroker(SecureListener(keystore, "worker", "right-password", trusted=False)) as broker:
        with pytest.raises(StartError, match="give this user Describe and Write"):
            await has_transactions(load_settings(_environ(broker, keystore)))


async def test_what_a_user_may_not_do_is_told_at_the_start_with_what_gives_it(
    keystore: Path, kafka_required: None
) -> None:
    async with KafkaBroker(SecureListener(keystore, "worker", "right-password", trusted=False)) as broker:
        settings = load_settings(_environ(broker, keystore) | {"SLACKWATER_PARTITIONS": "1"})
        await topics.create(load_settings({"SLACKWATER_BROKERS": broker.address, "SLACKWATER_PARTITIONS": "1"}))
        with pytest.raises(StartError) as nothing:
            await refuse_without_rights(settings)
        told = str(nothing.value).splitlines()
        assert len(told) == len(topics.plan(settings)) + 1
        assert (
            "User:worker may not read topic 'product-usage'; kafka-acls --bootstrap-server "
            f"{settings.brokers} --add --allow-principal User:worker --operation Read --topic product-usage"
        ) in told
        assert told[-1].startswith("User:worker may not read group 'slackwater'; ")
        assert told[-1].endswith("--operation Read --group slackwater")

        for name, operations in needed(settings).items():
            for operation in operations:
                if (name, operation) != ("churn-alerts", "Write"):
                    _allow(broker, ResourceType.TOPIC, name, operation)
        _allow(broker, ResourceType.GROUP, "slackwater", "Read")
        lacking = await _lacking(settings, 1)
        assert lacking[0].startswith("User:worker may not write topic 'churn-alerts'; ")
        assert lacking[0].endswith("--operation Write --topic churn-alerts")

        _allow(broker, ResourceType.TOPIC, "churn-alerts", "Write")
        assert await _lacking(settings, 0) == []


async def _lacking(settings: Settings, count: int) -> list[str]:
    """What is told, once it is so much: an ACL takes a moment to reach the broker."""
    async with asyncio.timeout(20):
        while True:
            try:
                await refuse_without_rights(settings)
                told = []
            except StartError as error:
                told = str(error).splitlines()
            if len(told) == count:
                return told
            await asyncio.sleep(0.1)


async def test_a_user_who_may_do_all_is_not_refused(secured: KafkaBroker, keystore: Path) -> None:
    settings = load_settings(_environ(secured, keystore))
    await refuse_without_rights(settings)  # topics that are not there are created later
    await topics.create(settings)
    await refuse_without_rights(settings)


async def test_a_broker_that_does_not_say_what_is_allowed_is_not_held_up(embedded: Broker) -> None:
    settings = load_settings({"SLACKWATER_BROKERS": embedded.address, "SLACKWATER_APP_ID": "rights"})
    await refuse_without_rights(settings)


def _allow(broker: KafkaBroker, kind: ResourceType, name: str, operation: str) -> None:
    """As the broker's own user, who may do all."""
    allowed = AclOperation[operation.upper()]
    binding = AclBinding(kind, name, ResourcePatternType.LITERAL, "User:worker", "*", allowed, AclPermissionType.ALLOW)
    admin = AdminClient({"bootstrap.servers": broker.address})
    for made in admin.create_acls([binding]).values():
        made.result(timeout=20)
