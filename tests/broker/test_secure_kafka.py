"""Settings for a secured Kafka (TLS and SCRAM) do connect, and refuse whom they should not trust."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.errors import StartError
from streams.broker import KafkaBroker, SecureListener
from streams.runtime.settings import load_settings
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
