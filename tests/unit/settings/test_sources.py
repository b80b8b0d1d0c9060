"""Where settings come from, and which of two places wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import SettingsError
from streams.runtime.settings import load_settings


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "slackwater.toml"


def test_without_anything_set_every_setting_has_its_default() -> None:
    settings = load_settings({})
    assert (settings.brokers, settings.partitions, settings.clock) == ("127.0.0.1:9092", 4, "wall")


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(toml: Path) -> None:
    toml.write_text('partitions = 8\napp_id = "from-file"\n')
    settings = load_settings({"SLACKWATER_PARTITIONS": "16"}, toml)
    assert (settings.partitions, settings.app_id, settings.topic_usage) == (16, "from-file", "product-usage")


def test_slackwater_config_names_the_file(toml: Path) -> None:
    toml.write_text("partitions = 8\n")
    assert load_settings({"SLACKWATER_CONFIG": str(toml)}).partitions == 8


def test_a_file_of_the_usual_name_in_the_current_directory_is_read(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml.write_text("partitions = 8\n")
    monkeypatch.chdir(toml.parent)
    assert load_settings({}).partitions == 8


def test_an_empty_variable_counts_as_not_set(toml: Path) -> None:
    toml.write_text("partitions = 8\n")
    assert load_settings({"SLACKWATER_PARTITIONS": ""}, toml).partitions == 8


def test_other_programs_variables_are_left_alone() -> None:
    assert load_settings({"PATH": "/bin", "FAUST_DATADIR": "x", "slackwater_clock": "x"}) == load_settings({})


def test_an_unknown_variable_is_refused_with_the_likely_name_and_without_its_value() -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({"SLACKWATER_SASL_PLAIN_PASWORD": "hunter2"})
    assert str(refused.value).startswith("SLACKWATER_SASL_PLAIN_PASWORD: there is no such setting")
    assert "did you mean SLACKWATER_SASL_PLAIN_PASSWORD?" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_an_unknown_key_of_the_file_is_refused_with_file_and_key(toml: Path) -> None:
    toml.write_text('clok = "wall"\n')
    with pytest.raises(SettingsError, match="did you mean clock") as refused:
        load_settings({}, toml)
    assert str(refused.value).startswith(f"{toml}:clok (line 1): ")


@pytest.mark.parametrize(
    ("content", "why"), [(b"partitions = ", "not valid TOML"), (b"\xff", "not UTF-8"), (None, "No such file")]
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(toml: Path, content: bytes | None, why: str) -> None:
    if content is not None:
        toml.write_bytes(content)
    with pytest.raises(SettingsError, match=why) as refused:
        load_settings({}, toml)
    assert str(toml) in str(refused.value)


class TestSecretsInFiles:
    @pytest.fixture
    def secret(self, tmp_path: Path) -> Path:
        path = tmp_path / "webhook"
        path.write_text("https://hooks.example/services/T/B/x\n")
        return path

    def test_a_variable_may_name_the_file_that_holds_the_secret(self, secret: Path) -> None:
        url = load_settings({"SLACKWATER_SLACK_WEBHOOK_URL_FILE": str(secret)}).slack_webhook_url
        assert url is not None
        assert url.get_secret_value() == "https://hooks.example/services/T/B/x"

    def test_so_may_the_settings_file(self, secret: Path, toml: Path) -> None:
        toml.write_text(f'slack_webhook_url_file = "{secret}"\n')
        assert load_settings({}, toml).slack_webhook_url is not None

    def test_a_secret_in_the_environment_wins_over_a_secret_file_named_in_the_settings_file(
        self, secret: Path, toml: Path
    ) -> None:
        toml.write_text(f'slack_webhook_url_file = "{secret}"\n')
        url = load_settings({"SLACKWATER_SLACK_WEBHOOK_URL": "https://other.example/"}, toml).slack_webhook_url
        assert url is not None
        assert url.get_secret_value() == "https://other.example/"

    def test_the_secret_and_its_file_cannot_both_be_set(self, secret: Path) -> None:
        with pytest.raises(SettingsError, match="both set"):
            load_settings(
                {"SLACKWATER_SLACK_WEBHOOK_URL": "https://x.example/", "SLACKWATER_SLACK_WEBHOOK_URL_FILE": str(secret)}
            )

    @pytest.mark.parametrize(("content", "why"), [(b"", "empty"), (b"\xffhunter2", "not UTF-8"), (None, "No such")])
    def test_a_secret_file_that_cannot_be_used_is_refused_and_its_content_never_shown(
        self, secret: Path, content: bytes | None, why: str
    ) -> None:
        if content is None:
            secret.unlink()
        else:
            secret.write_bytes(content)
        with pytest.raises(SettingsError, match=why) as refused:
            load_settings({"SLACKWATER_USER_HASH_KEY_FILE": str(secret)})
        assert "hunter2" not in str(refused.value)
        assert str(refused.value).startswith("SLACKWATER_USER_HASH_KEY_FILE=")

    def test_only_secrets_can_come_from_files(self, secret: Path) -> None:
        with pytest.raises(SettingsError, match="no such setting"):
            load_settings({"SLACKWATER_APP_ID_FILE": str(secret)})
