"""`slackwater check` before a broker with TLS and passwords: what is wrong is told by the setting that mends it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from streams.broker import KafkaBroker, SecureListener
from streams.cli.checks.finding import Finding, Level
from streams.cli.checks.survey import Survey
from streams.runtime import topics
from streams.runtime.settings import Settings, load_settings

PASSWORD = "the-right-password"
WRONG = "some-wrong-password"


def certificate(path: Path) -> Path:
    """A self-signed one for this machine, with its key in the same file; its own CA is beside it."""
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-subj", "/CN=slackwater"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *names, "-keyout", str(path)]
    subprocess.run([*command, "-out", str(path.with_suffix(".crt"))], check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


async def failures(settings: Settings) -> list[Finding]:
    """What a check says is wrong."""
    survey = Survey(settings)
    await survey.look(sample=100)
    shown = str([each.as_json() for each in survey.findings])
    assert PASSWORD not in shown
    assert WRONG not in shown
    return [each for each in survey.findings if each.level is Level.FAILURE]


async def test_what_keeps_a_client_out_is_told_by_its_setting(tmp_path: Path, kafka_required: None) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on the path")
    keystore = certificate(tmp_path / "broker.pem")
    async with KafkaBroker(SecureListener(keystore, "worker", PASSWORD, trusted=False)) as broker:
        right = {
            "SLACKWATER_BROKERS": broker.secure_address,
            "SLACKWATER_PARTITIONS": "1",
            "SLACKWATER_SECURITY_PROTOCOL": "SASL_SSL",
            "SLACKWATER_SASL_MECHANISM": "SCRAM-SHA-512",
            "SLACKWATER_SASL_PLAIN_USERNAME": "worker",
            "SLACKWATER_SASL_PLAIN_PASSWORD": PASSWORD,
            "SLACKWATER_SSL_CAFILE": str(keystore.with_suffix(".crt")),
        }
        other = certificate(tmp_path / "other.pem").with_suffix(".crt")
        for changed, text, remedy in (
            ({"SASL_PLAIN_PASSWORD": WRONG}, "refuses user 'worker'", "SLACKWATER_SASL_PLAIN_PASSWORD"),
            ({"SASL_MECHANISM": "PLAIN"}, "does not take SASL mechanism PLAIN", "SLACKWATER_SASL_MECHANISM"),
            ({"SSL_CAFILE": str(other)}, "certificate that is not trusted", "SLACKWATER_SSL_CAFILE"),
            ({"BROKERS": broker.address}, "", "SLACKWATER_SECURITY_PROTOCOL is SASL_SSL"),
        ):
            (failure,) = await failures(
                load_settings(right | {f"SLACKWATER_{key}": each for key, each in changed.items()})
            )
            assert (failure.check, text in failure.text, remedy in failure.remedy) == ("broker", True, True), failure
        plain = {"SLACKWATER_BROKERS": broker.secure_address, "SLACKWATER_PARTITIONS": "1"}
        (failure,) = await failures(load_settings(plain))
        assert "SLACKWATER_SECURITY_PROTOCOL is PLAINTEXT" in failure.remedy

        await topics.create(load_settings({"SLACKWATER_BROKERS": broker.address, "SLACKWATER_PARTITIONS": "1"}))
        lacking = await failures(load_settings(right))
        assert "may not read topic 'product-usage'" in " ".join(each.text for each in lacking)
        assert all("kafka-acls" in each.remedy for each in lacking if each.check == "rights")
        assert not [each for each in lacking if each.text == topics.ABSENT]  # they are there, and not to be seen
