"""What settings must not contradict, and what is derived from them."""

from __future__ import annotations

import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.errors import SettingsError
from streams.runtime import topics
from streams.runtime.settings import Settings, load_settings
from tests import needs

SASL = {
    "SLACKWATER_SECURITY_PROTOCOL": "SASL_SSL",
    "SLACKWATER_SASL_MECHANISM": "SCRAM-SHA-512",
    "SLACKWATER_SASL_PLAIN_USERNAME": "worker",
    "SLACKWATER_SASL_PLAIN_PASSWORD": "hunter2",
}
BOT = {"SLACKWATER_SLACK_BOT_TOKEN": "xoxb-hunter2", "SLACKWATER_SLACK_CHANNEL": "C0123456789"}


def without(environ: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in environ.items() if key != name}


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"SLACKWATER_HEARTBEAT_INTERVAL": "10s"}, "SLACKWATER_HEARTBEAT_INTERVAL"),
        ({"SLACKWATER_FALSE_ALARMS_PER_ACCOUNT_YEAR": "2"}, "SLACKWATER_FALSE_ALARMS_PER_ACCOUNT_YEAR"),
        ({"SLACKWATER_TOPIC_BILLING": "accounts"}, "SLACKWATER_TOPIC_BILLING"),
        ({"SLACKWATER_TOPIC_USAGE": "slackwater-aliases"}, "SLACKWATER_TOPIC_USAGE"),
        ({"SLACKWATER_TOPIC_ALERTS": "mine-replayed", "SLACKWATER_APP_ID": "mine"}, "SLACKWATER_APP_ID"),
        (without(SASL, "SLACKWATER_SASL_MECHANISM"), "SLACKWATER_SASL_MECHANISM (not set)"),
        (without(SASL, "SLACKWATER_SASL_PLAIN_PASSWORD"), "SLACKWATER_SASL_PLAIN_PASSWORD (not set)"),
        (without(SASL, "SLACKWATER_SECURITY_PROTOCOL"), "SLACKWATER_SASL_MECHANISM"),
        ({"SLACKWATER_SSL_CAFILE": "ca.pem"}, "SLACKWATER_SSL_CAFILE"),
        ({"SLACKWATER_INCLUDE_EVENTS": "a,b", "SLACKWATER_EXCLUDE_EVENTS": "b"}, "SLACKWATER_INCLUDE_EVENTS"),
        ({"SLACKWATER_INTENT_EVENTS": "a,b", "SLACKWATER_EXCLUDE_EVENTS": "b"}, "SLACKWATER_INTENT_EVENTS"),
        ({"SLACKWATER_SECURITY_PROTOCOL": "SSL", "SLACKWATER_SSL_KEYFILE": "key.pem"}, "SLACKWATER_SSL_KEYFILE"),
        (BOT | {"SLACKWATER_SLACK_WEBHOOK_URL": "https://x.example/hunter2"}, "SLACKWATER_SLACK_WEBHOOK_URL, "),
        (without(BOT, "SLACKWATER_SLACK_CHANNEL"), "SLACKWATER_SLACK_CHANNEL (not set)"),
        (without(BOT, "SLACKWATER_SLACK_BOT_TOKEN"), "SLACKWATER_SLACK_BOT_TOKEN (not set)"),
        ({"SLACKWATER_SLACK_APP_TOKEN": "xapp-hunter2"}, "SLACKWATER_SLACK_APP_TOKEN, SLACKWATER_SLACK_BOT_TOKEN (not"),
    ],
)
def test_what_contradicts_itself_is_refused_and_the_places_named(environ: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(environ)
    assert named in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_rocksdb_without_its_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings({"SLACKWATER_STORE": "rocksdb"}).store == "rocksdb"
    monkeypatch.setitem(sys.modules, "rocksdict", None)
    with pytest.raises(SettingsError, match=r"SLACKWATER_STORE: .*pip install 'slackwater\[rocksdb\]'"):
        load_settings({"SLACKWATER_STORE": "rocksdb"})


def test_a_contradiction_between_file_and_environment_names_both_places(tmp_path: Path) -> None:
    toml = tmp_path / "slackwater.toml"
    toml.write_text('session_timeout = "2s"\n')
    with pytest.raises(SettingsError) as refused:
        load_settings({"SLACKWATER_HEARTBEAT_INTERVAL": "5s"}, toml)
    assert str(refused.value).startswith(f"SLACKWATER_HEARTBEAT_INTERVAL, {toml}:session_timeout (line 1): ")


def test_public_topics_have_the_prefix_and_internal_ones_the_application_id() -> None:
    settings = Settings(topic_prefix="eu.", app_id="watch", topic_billing="money")
    assert settings.topic("billing") == "eu.money"
    assert settings.topic("dead_letters") == "eu.dead-letters"
    assert settings.shuffle_topic == "watch-shuffle"
    assert settings.notifications_topic == "watch-notifications"
    assert settings.undelivered_topic == "watch-undelivered"
    assert settings.fleet_topic == "watch-fleet"
    assert settings.alias_topic == "watch-aliases"
    assert settings.parked_topic == "watch-parked"
    internal = {each.name for each in topics.plan(settings) if each.role == "internal"}
    assert settings.internal_topics == internal | {topics.of_replays(settings).name}


@pytest.mark.parametrize("name", ["slackwater-fleet", "slackwater-aliases"])
def test_what_all_read_has_one_partition_however_many_homes_and_is_kept_for_ever(name: str) -> None:
    (plan,) = [each for each in topics.plan(Settings(partitions=7)) if each.name == name]
    assert (plan.partitions, plan.role) == (1, "internal")
    kept = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
    assert kept.items() <= plan.configs.items()
    assert plan.configs["message.timestamp.type"] == "LogAppendTime"


def test_homes_wait_for_each_other_for_a_quarter_of_an_hour_unless_it_is_said() -> None:
    assert load_settings({}).fleet_wait == 900_000
    assert load_settings({"SLACKWATER_FLEET_WAIT": "90s"}).fleet_wait == 90_000


def test_there_is_no_topic_of_another_name() -> None:
    with pytest.raises(KeyError, match="there are usage, billing"):
        Settings().topic("prefix")


def test_the_engine_gets_its_part_in_its_own_units() -> None:
    detection = Settings(timezone="Europe/Berlin", grace=5_000, watch_false_alarms_per_account_year=2.0).detection()
    assert detection.timezone == "Europe/Berlin"
    assert detection.grace_ms == 5_000
    assert detection.watch_false_alarms == 2.0
    assert detection.alert_false_alarms == 0.2


def test_a_plain_connection_has_no_security_arguments() -> None:
    assert Settings(brokers="a:1,b:2").kafka() == {"bootstrap_servers": "a:1,b:2", "security_protocol": "PLAINTEXT"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate with its key in one file."""
    needs.program("openssl")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", path, "-out", path.with_suffix(".crt")], check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


def test_a_secured_connection_has_its_credentials_and_checks_the_broker(certificate: Path) -> None:
    arguments = load_settings({**SASL, "SLACKWATER_SSL_CAFILE": str(certificate)}).kafka()
    assert (arguments["sasl_plain_username"], arguments["sasl_plain_password"]) == ("worker", "hunter2")
    context = arguments["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1


def test_a_client_certificate_is_loaded(certificate: Path) -> None:
    settings = Settings(security_protocol="SSL", ssl_cafile=certificate, ssl_certfile=certificate)
    assert isinstance(settings.kafka()["ssl_context"], ssl.SSLContext)


def test_certificates_that_cannot_be_used_are_settings_errors_that_name_the_file(
    certificate: Path, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        Settings(security_protocol="SSL", ssl_cafile=tmp_path / "nowhere.pem").kafka()
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    with pytest.raises(SettingsError, match="broken"):
        Settings(security_protocol="SSL", ssl_cafile=certificate, ssl_certfile=broken).kafka()
