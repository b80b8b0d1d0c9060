"""A Kafka that asks who is there: who may come in does, and who may not is told which setting to look at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient

from schemas.errors import BrokerError, SettingsError, StartError
from streams.broker import Broker
from streams.produce.existing import partition_counts
from streams.runtime import topics
from streams.runtime.acls import Role, acls_of
from streams.runtime.rights import refuse_without_rights
from streams.runtime.settings import Settings, load_settings
from streams.runtime.writer import has_transactions
from tests.e2e.harness import eventually
from tests.secrecy import Secrets, crash_report
from tests.secured import MECHANISMS, Certificates, SecuredKafka

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD = "right-password-of-the-worker"
WRONG = "wrong-password-of-the-worker"
SECRETS = Secrets(password=PASSWORD, wrong=WRONG)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory, kafka_required: None) -> AsyncIterator[SecuredKafka]:
    certificates = Certificates(tmp_path_factory.mktemp("tls"))
    async with SecuredKafka(certificates, {"worker": PASSWORD}) as broker:
        yield broker


async def refused(environ: dict[str, str]) -> str:
    """What a worker, and whoever sends, are told. It is the same, and holds no secret."""
    settings = load_settings(environ)
    with pytest.raises(BrokerError) as at_the_start:
        await refuse_without_rights(settings)
    with pytest.raises(BrokerError) as sending:
        await partition_counts(settings, [settings.topic("usage")])
    assert str(sending.value) == str(at_the_start.value)
    assert SECRETS.found_in(str(sending.value), crash_report(sending.value, of="streams/")) == set()
    return str(sending.value)


@pytest.mark.parametrize("mechanism", [*MECHANISMS, "SSL"])
async def test_whoever_has_the_right_password_or_certificate_comes_in(secured: SecuredKafka, mechanism: str) -> None:
    settings = load_settings(secured.environment("worker", mechanism))
    await refuse_without_rights(settings)
    assert await has_transactions(settings)


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_a_wrong_password_is_refused(secured: SecuredKafka, mechanism: str) -> None:
    told = await refused(secured.environment("worker", mechanism) | {"SLACKWATER_SASL_PLAIN_PASSWORD": WRONG})
    assert "does not take the user 'worker' with this password: see SLACKWATER_SASL_PLAIN_USERNAME and" in told
    assert f"by SLACKWATER_SASL_MECHANISM={mechanism}" in told


async def test_a_broker_whose_certificate_nobody_vouches_for_is_not_trusted(
    secured: SecuredKafka, tmp_path: Path
) -> None:
    other = Certificates(tmp_path).ca
    environ = secured.environment("worker")
    told = await refused(environ | {"SLACKWATER_SSL_CAFILE": str(other)})
    assert f"SLACKWATER_SSL_CAFILE ({other}) has to hold the authority that signed it" in told
    del environ["SLACKWATER_SSL_CAFILE"]
    assert "SLACKWATER_SSL_CAFILE (not set, which means this machine's authorities)" in await refused(environ)


async def test_a_certificate_for_another_name_is_not_trusted(secured: SecuredKafka) -> None:
    told = await refused(
        secured.environment("worker") | {"SLACKWATER_BROKERS": f"localhost:{secured.ports['SASL_SSL']}"}
    )
    assert "has a certificate for other names than 'localhost': use one of those in SLACKWATER_BROKERS" in told


async def test_a_client_that_speaks_no_tls_is_told_so(secured: SecuredKafka) -> None:
    for port in secured.ports.values():
        told = await refused({"SLACKWATER_BROKERS": f"127.0.0.1:{port}"})
        assert "speaks TLS: set SLACKWATER_SECURITY_PROTOCOL to SSL, or to SASL_SSL, instead of PLAINTEXT" in told


async def test_a_client_that_names_no_user_is_told_so(secured: SecuredKafka) -> None:
    environ = secured.environment("worker")
    names = ("BROKERS", "SSL_CAFILE")
    told = await refused(
        {f"SLACKWATER_{name}": environ[f"SLACKWATER_{name}"] for name in names}
        | {"SLACKWATER_SECURITY_PROTOCOL": "SSL"}
    )
    assert "asks for a user: set SLACKWATER_SECURITY_PROTOCOL to SASL_SSL" in told


async def test_a_client_that_names_a_user_where_none_is_asked_for_is_told_so(secured: SecuredKafka) -> None:
    environ = secured.environment("worker") | {"SLACKWATER_BROKERS": secured.address}
    assert "ends the connection when TLS begins" in await refused(environ)
    del environ["SLACKWATER_SSL_CAFILE"]
    told = await refused(environ | {"SLACKWATER_SECURITY_PROTOCOL": "SASL_PLAINTEXT"})
    assert "asks for no password: set SLACKWATER_SECURITY_PROTOCOL=PLAINTEXT, not SASL_PLAINTEXT" in told


async def test_a_client_without_a_certificate_or_with_one_that_does_not_count_is_refused(
    secured: SecuredKafka, tmp_path: Path
) -> None:
    environ = secured.environment("worker", "SSL")
    names = ("BROKERS", "SSL_CAFILE", "SECURITY_PROTOCOL")
    told = await refused({f"SLACKWATER_{name}": environ[f"SLACKWATER_{name}"] for name in names})
    assert "asks for a client's certificate: set SLACKWATER_SSL_CERTFILE and SLACKWATER_SSL_KEYFILE" in told
    for certificate, key in (secured.certificates.issue("late", days=-1), Certificates(tmp_path).issue("worker")):
        told = await refused(
            environ | {"SLACKWATER_SSL_CERTFILE": str(certificate), "SLACKWATER_SSL_KEYFILE": str(key)}
        )
        assert f"refuses the certificate of SLACKWATER_SSL_CERTFILE ({certificate}): it has expired, or is" in told


async def test_a_key_that_is_encrypted_is_an_error_and_no_question_at_a_terminal(secured: SecuredKafka) -> None:
    environ = secured.environment("worker", "SSL")
    environ["SLACKWATER_SSL_KEYFILE"] = str(secured.certificates.encrypted("worker"))
    with pytest.raises(SettingsError, match=r"ssl_keyfile='.*' cannot be used: the key is encrypted"):
        load_settings(environ).kafka()


async def test_an_address_where_nobody_is_is_told_with_the_reason() -> None:
    told = await refused({"SLACKWATER_BROKERS": "127.0.0.1:1,no-such-host.invalid:9092"})
    assert "127.0.0.1:1 has nobody who listens" in told
    assert "no-such-host.invalid:9092 is not to be found" in told


@pytest.mark.timeout(240)
async def test_every_right_that_a_worker_has_is_needed_and_what_is_missing_is_told_with_what_gives_it(
    secured: SecuredKafka, tmp_path: Path, kafka_required: None
) -> None:
    async with SecuredKafka(Certificates(tmp_path), {"worker": PASSWORD}, trusting=False) as broker:
        settings = load_settings(broker.environment("worker") | {"SLACKWATER_PARTITIONS": "1"})
        await topics.create(load_settings({"SLACKWATER_BROKERS": broker.address, "SLACKWATER_PARTITIONS": "1"}))
        told = await _told(settings)
        assert len(told) == len(topics.plan(settings)) + 1
        assert (
            "User:worker may not read topic 'product-usage'; kafka-acls --bootstrap-server "
            f"{settings.brokers} --add --allow-principal User:worker --operation Read --topic product-usage"
        ) in told
        acls = acls_of(settings, Role.WORKER)
        broker.allow("worker", acls)
        await _until_told(settings, "")
        for acl in acls:
            broker.disallow("worker", acl)
            option = f"--operation {acl.operation} --{acl.resource} {acl.name}"
            await _until_told(settings, option + (" --resource-pattern-type prefixed" if acl.prefixed else ""))
            broker.allow("worker", [acl])
        await _until_told(settings, "")


async def _told(settings: Settings) -> list[str]:
    try:
        await refuse_without_rights(settings)
        await has_transactions(settings)
    except StartError as error:
        return str(error).splitlines()
    return []


async def _until_told(settings: Settings, ending: str) -> None:
    """Return when just one thing is told, that ends so; with nothing given, when nothing is. An ACL takes a moment."""

    async def so() -> bool:
        told = await _told(settings)
        return [line.endswith(ending) for line in told] == ([True] if ending else [])

    await eventually(so, ending or "nothing is lacking")


async def test_a_user_who_may_do_all_is_not_refused(secured: SecuredKafka) -> None:
    settings = load_settings(secured.environment("worker"))
    await refuse_without_rights(settings)  # topics that are not there are created later
    await topics.create(settings)
    await refuse_without_rights(settings)
    admin = AIOKafkaAdminClient(**settings.kafka())
    await admin.start()
    await admin.delete_topics([each.name for each in topics.plan(settings)])
    await admin.close()


async def test_a_broker_that_does_not_say_what_is_allowed_is_not_held_up(embedded: Broker) -> None:
    settings = load_settings({"SLACKWATER_BROKERS": embedded.address, "SLACKWATER_APP_ID": "rights"})
    await refuse_without_rights(settings)
