"""`slackwater check` before a broker with TLS and passwords: what is wrong is told by the setting that mends it."""

from __future__ import annotations

from pathlib import Path

from streams.cli.checks.finding import Finding, Level
from streams.cli.checks.survey import Survey
from streams.runtime import topics
from streams.runtime.settings import Settings, load_settings
from tests.secured import Certificates, SecuredKafka

PASSWORD = "the-right-password"
WRONG = "some-wrong-password"


async def failures(settings: Settings) -> list[Finding]:
    """What a check says is wrong."""
    survey = Survey(settings)
    await survey.look(sample=100)
    shown = str([each.as_json() for each in survey.findings])
    assert PASSWORD not in shown
    assert WRONG not in shown
    return [each for each in survey.findings if each.level is Level.FAILURE]


async def test_what_keeps_a_client_out_is_told_by_its_setting(tmp_path: Path, kafka_required: None) -> None:
    certificates = Certificates(tmp_path)
    async with SecuredKafka(certificates, {"worker": PASSWORD}, trusting=False) as broker:
        right = broker.environment("worker") | {"SLACKWATER_PARTITIONS": "1"}
        (tmp_path / "other").mkdir()
        other = Certificates(tmp_path / "other").ca
        for changed, text, remedy in (
            ({"SASL_PLAIN_PASSWORD": WRONG}, "does not take the user 'worker'", "SLACKWATER_SASL_PLAIN_PASSWORD"),
            ({"SSL_CAFILE": str(other)}, "certificate that is not trusted", "SLACKWATER_SSL_CAFILE"),
            ({"BROKERS": broker.address}, "ends the connection when TLS begins", "at another port"),
        ):
            (failure,) = await failures(
                load_settings(right | {f"SLACKWATER_{key}": each for key, each in changed.items()})
            )
            assert (failure.check, text in failure.text, remedy in failure.remedy) == ("broker", True, True), failure
        plain = {"SLACKWATER_BROKERS": right["SLACKWATER_BROKERS"], "SLACKWATER_PARTITIONS": "1"}
        (failure,) = await failures(load_settings(plain))
        assert (failure.text, "SLACKWATER_SECURITY_PROTOCOL to SSL" in failure.remedy) == ("speaks TLS", True)

        await topics.create(load_settings({"SLACKWATER_BROKERS": broker.address, "SLACKWATER_PARTITIONS": "1"}))
        lacking = await failures(load_settings(right))
        assert "may not read topic 'product-usage'" in " ".join(each.text for each in lacking)
        assert all("kafka-acls" in each.remedy for each in lacking if each.check == "rights")
        assert not [each for each in lacking if each.text == topics.ABSENT]  # they are there, and not to be seen
