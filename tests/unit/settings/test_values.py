"""Which values settings may have, and what is said about the others."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.playbook import Play
from schemas.alerts import Kind
from schemas.errors import SettingsError
from streams.runtime.channels import routes_of
from streams.runtime.settings import SECRETS, Settings, load_settings
from streams.runtime.settings_values import parse_duration


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("250ms", 250), ("1s", 1_000), ("10m", 600_000), ("48h", 172_800_000), ("7d", 604_800_000), ("0s", 0)],
)
def test_a_duration_is_a_number_and_a_unit(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize(
    "text", ["", "10", "m", "-1s", "1.5h", "1 h", "1h30m", "1w", "1H", "٣s", "1s\n", "9999999999s"]
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="whole number and a unit"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BROKERS", "localhost"),
        ("BROKERS", "localhost:0"),
        ("BROKERS", "localhost:99999"),
        ("BROKERS", "a:1,,b:2"),
        ("BROKERS", "a..b:9092"),
        ("BROKERS", "[:::::]:9092"),
        ("WEB_HOST", "a..b"),
        ("BOARD_HOST", "x" * 64),
        ("APP_ID", "two words"),
        ("APP_ID", "x" * 250),
        ("TOPIC_USAGE", "usage/eu"),
        ("PARTITIONS", "0"),
        ("PARTITIONS", "four"),
        ("REPLICATION_FACTOR", "0"),
        ("REPLICATION_FACTOR", "-2"),
        ("CLOCK", "sundial"),
        ("GRACE", "60"),
        ("FLUSH", "0s"),
        ("FLEET_WAIT", "999ms"),
        ("TIMEZONE", "Mars/Olympus"),
        ("TIMEZONE", "../../etc/passwd"),
        ("FALSE_ALARMS_PER_ACCOUNT_YEAR", "0"),
        ("FALSE_ALARMS_PER_ACCOUNT_YEAR", "nan"),
        ("CONSOLE", "maybe"),
        ("WEB_PORT", "65536"),
        ("LOG_LEVEL", "loud"),
        ("MAX_RECORD_BYTES", "1"),
        ("SECURITY_PROTOCOL", "TLS"),
        ("SASL_MECHANISM", "GSSAPI"),
        ("SLACK_CHANNEL", "#alerts"),
        ("SLACK_API_URL", "slack.com/api"),
        ("SLACK_CHANNEL", "C1"),
        ("SLACK_USERS", "all"),
        ("EXCLUDE_EVENTS", "beat,,ping"),
        ("EXCLUDE_USERS", "u" * 257),
    ],
)
def test_a_wrong_value_is_refused_with_its_place_the_value_and_what_is_allowed(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({f"SLACKWATER_{name}": value})
    assert str(refused.value).startswith(f"SLACKWATER_{name}={value!r}: should ")


def refusal_without_secret(name: str, value: str) -> pytest.ExceptionInfo[SettingsError]:
    """Of a setting whose value has `hunter2` in it."""
    with pytest.raises(SettingsError) as refused:
        load_settings({f"SLACKWATER_{name}": value})
    assert str(refused.value).startswith(f"SLACKWATER_{name}: ")
    assert "hunter2" not in str(refused.value)
    return refused


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_WEBHOOK_URL", "hunter2"),
        ("SLACK_WEBHOOK_URL", "ftp://hunter2"),
        ("SLACK_WEBHOOK_URL", "https://hooks.slack.com:99999/hunter2"),
        ("SLACK_WEBHOOK_URL", "https://[::1/hunter2"),
        ("SLACK_WEBHOOK_URL", "https://a..b/hunter2"),
        ("SLACK_WEBHOOK_URL", "https://user:hunter2@hooks.slack.com/"),
        ("SLACK_BOT_TOKEN", "xapp-hunter2"),
        ("SLACK_BOT_TOKEN", "xoxb-hunter 2"),
        ("SLACK_APP_TOKEN", "xoxb-hunter2"),
        ("USER_HASH_KEY", "hunter2"),
    ],
)
def test_a_wrong_secret_is_refused_without_being_shown(name: str, value: str) -> None:
    refused = refusal_without_secret(name, value)
    assert str(refused.value).startswith(f"SLACKWATER_{name}: should ")
    assert "hunter2" not in "".join(traceback.format_exception(refused.value))
    assert refused.value.__cause__ is None, "pydantic's own error says nothing more, at length"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_CHANNEL", "xoxb-hunter2"),
        ("SLACK_USERS", "xapp-hunter2"),
        ("SLACK_API_URL", "ftp://user:hunter2@slack.example/"),
        ("TELL_KINDS", "xoxe.xoxb-hunter2"),
        ("LET_GO", "price, https://hooks.slack.com/services/hunter2"),
        ("HEALTH_WEIGHTS", "whsec_hunter2=5"),
        ("REASON_KEYWORDS", "xoxb-hunter2=money"),
        ("FORMAT_USAGE", "xoxb-hunter2"),
    ],
)
def test_a_secret_in_the_wrong_setting_is_not_shown(name: str, value: str) -> None:
    refusal_without_secret(name, value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({"SLACKWATER_CLOCK": "x", "SLACKWATER_PARTITIONS": "0", "SLACKWATER_GRACE": "5"})
    assert len(str(refused.value).splitlines()) == 3


def test_a_representation_of_the_settings_shows_no_secret() -> None:
    settings = load_settings(
        {
            "SLACKWATER_SLACK_BOT_TOKEN": "xoxb-hunter2",
            "SLACKWATER_SLACK_APP_TOKEN": "xapp-hunter2",
            "SLACKWATER_SLACK_CHANNEL": "C0123456789",
            "SLACKWATER_USER_HASH_KEY": "hunter2hunter2hunter2",
            "SLACKWATER_SECURITY_PROTOCOL": "SASL_SSL",
            "SLACKWATER_SASL_MECHANISM": "PLAIN",
            "SLACKWATER_SASL_PLAIN_USERNAME": "worker",
            "SLACKWATER_SASL_PLAIN_PASSWORD": "hunter2",
            "SLACKWATER_BOARD_TOKENS": "mara=hunter2hunter2hunter2",
        }
    )
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert "hunter2" not in text
    assert all(name in Settings.model_fields for name in SECRETS)


def test_a_representation_does_not_show_the_webhook() -> None:
    settings = load_settings({"SLACKWATER_SLACK_WEBHOOK_URL": "https://hooks.example/hunter2"})
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert "hunter2" not in text


def test_settings_do_not_change_after_they_were_made() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings({}).partitions = 8  # type: ignore[misc]


def test_levels_protocols_and_mechanisms_are_taken_in_any_case() -> None:
    assert load_settings({"SLACKWATER_LOG_LEVEL": "debug"}).log_level == "DEBUG"


@given(st.dictionaries(st.sampled_from(sorted(Settings.model_fields)), st.text(max_size=20), max_size=4))
def test_any_text_is_either_taken_or_refused_as_a_settings_error(values: dict[str, str]) -> None:
    environ = {f"SLACKWATER_{key.upper()}": text for key, text in values.items()}
    try:
        settings = load_settings(environ)
    except SettingsError as refused:
        assert str(refused)  # noqa: PT017 - either outcome is right
    else:
        assert isinstance(settings, Settings)


@pytest.mark.parametrize("key", Settings.model_fields)
def test_any_value_of_a_file_is_either_taken_or_refused_as_a_settings_error(key: str, tmp_path: Path) -> None:
    toml = tmp_path / "slackwater.toml"
    for value in (
        "7",
        "true",
        "1.5",
        "2025-01-01",
        '[["a"]]',
        "[{ a = 1 }]",
        "[1]",
        "{ a = [1] }",
        "{ a = { b = 1 } }",
    ):
        toml.write_text(f"{key} = {value}\n")
        try:
            load_settings({}, toml)
        except SettingsError as refused:
            assert f"{toml}:{key}" in str(refused)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("flush = 5", "flush=5 (line 1): should be a whole number and a unit: 250ms, 1s"),
        ("give_up = 30", "give_up=30 (line 1): should be a whole number and a unit"),
        ("reminder = 0", "reminder=0 (line 1): should be a whole number and a unit"),
        ("partitions = true", "partitions=True (line 1): should be a valid integer"),
        ("watch_false_alarms_per_account_year = true", "year=True (line 1): should be a valid number"),
        ("health_weights = { card = true }", "True"),
        ('tell_kinds = [["a"]]', "tell_kinds=[['a']] (line 1): ['a'] is no kind of alert; there are usage_"),
        ("shadow_kinds = [1]", "shadow_kinds=[1] (line 1): 1 is no kind of alert"),
    ],
)
def test_a_value_of_another_type_than_is_promised_is_refused(line: str, says: str, tmp_path: Path) -> None:
    toml = tmp_path / "slackwater.toml"
    toml.write_text(line)
    with pytest.raises(SettingsError) as refused:
        load_settings({}, toml)
    assert says in str(refused.value)


def test_numbers_and_truths_of_a_file_are_what_they_say(tmp_path: Path) -> None:
    toml = tmp_path / "slackwater.toml"
    toml.write_text("partitions = 8\nconsole = true\nkeep_comments = false\nfalse_alarms_per_account_year = 0.1\n")
    settings = load_settings({}, toml)
    assert (settings.partitions, settings.console, settings.keep_comments) == (8, True, False)
    assert settings.false_alarms_per_account_year == 0.1


def test_names_are_a_list_in_a_file_and_separated_by_commas_elsewhere(tmp_path: Path) -> None:
    toml = tmp_path / "slackwater.toml"
    toml.write_text('include_events = ["report.*", "a, b"]\nexclude_users = "bot, sync"\n')
    settings = load_settings({"SLACKWATER_EXCLUDE_EVENTS": "heartbeat, api.*"}, toml)
    assert settings.include_events == ("report.*", "a, b")
    assert settings.exclude_events == ("heartbeat", "api.*")
    assert settings.exclude_users == ("bot", "sync")
    rule = settings.usage_rule()
    assert rule.excludes("report.viewed", "bot") == "exclude_users"
    assert rule.excludes("login", "anna") == "include_events"
    assert not Settings().usage_rule()


def test_reasons_have_classes_by_keyword_and_some_accounts_may_go(tmp_path: Path) -> None:
    toml = tmp_path / "slackwater.toml"
    toml.write_text('let_go = ["business_closed", "price:free"]\n[reason_keywords]\n"budget, cut" = "price"\n')
    config = load_settings({}, toml).detection()
    assert config.reason_keywords == (("budget, cut", "price"),)
    assert config.let_go == ("business_closed", "price:free")
    there = load_settings({"SLACKWATER_REASON_KEYWORDS": "shut down=business_closed, 2=1 deal = price"})
    assert there.reason_keywords == (("shut down", "business_closed"), ("2=1 deal", "price"))


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("REASON_KEYWORDS", "budget=money", "'budget' is given the class 'money': should be a text and one of price, "),
        ("REASON_KEYWORDS", "budget", "'' is given the class 'budget'"),
        ("LET_GO", "price:free, dear", "'dear' is none of price, missing_feature"),
    ],
)
def test_a_class_of_reasons_that_there_is_not_is_refused(key: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({f"SLACKWATER_{key}": value})
    assert f"SLACKWATER_{key}='{value}'" in str(refused.value)
    assert says in str(refused.value)


def test_a_playbook_is_tables_of_the_settings_file(tmp_path: Path) -> None:
    toml = tmp_path / "slackwater.toml"
    toml.write_text(
        '[[playbooks]]\nkind = "usage_drop"\ntier = "gold"\nstep = "Visit {contact}"\nowner = "ana"\ndue_days = 2\n'
        '[[playbooks]]\nstep = "Ask"\n'
    )
    plays = load_settings({}, toml).detection().plays
    assert plays == (Play("Visit {contact}", Kind.USAGE_DROP, None, "gold", "ana", 2), Play("Ask"))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            '[[playbooks]]\nstep = "Ask"\n[[playbooks]]\nstep = "Ask {conact}"',
            "playbooks[2] (line 3): step: there is no variable",
        ),
        ('[[playbooks]]\nstep = "Ask {"', "playbooks[1] (line 1): step: "),
        (
            '[[playbooks]]\nstep = "Ask {contact:>99999999}"',
            "playbooks[1] (line 1): step: there is no variable {contact}",
        ),
        ('[[playbooks]]\nstep = "Ask {contact.__class__}"', "playbooks[1] (line 1): step: there is no variable"),
        ('[[playbooks]]\nkind = "usage_dorp"\nstep = "Ask"', "playbooks[1].kind (line 2): should be 'usage_drop', "),
        ('[[playbooks]]\nkind = "usage_drop"', "playbooks[1].step (line 1): Field required"),
        ('[[playbooks]]\nstep = "Ask"\ndue = 2', "playbooks[1].due (line 3): Extra inputs are not permitted"),
        ('playbooks = "Ask"', "should be tables of a settings file: [[playbooks]]"),
    ],
)
def test_a_bad_play_is_refused_with_its_row_and_key(tmp_path: Path, rows: str, says: str) -> None:
    toml = tmp_path / "slackwater.toml"
    toml.write_text(rows)
    with pytest.raises(SettingsError) as refused:
        load_settings({}, toml)
    assert f"{toml}:playbooks" in str(refused.value)
    assert says in str(refused.value)


def test_factors_of_health_weigh_what_the_settings_say(tmp_path: Path) -> None:
    toml = tmp_path / "slackwater.toml"
    toml.write_text("[health_weights]\ncard = 25\nusage = 12.5\n")
    assert load_settings({}, toml).detection().health_weights == (("card", 25.0), ("usage", 12.5))
    there = load_settings({"SLACKWATER_HEALTH_WEIGHTS": "card=0, silence = 60"})
    assert there.health_weights == (("card", 0.0), ("silence", 60.0))


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("cards=5", "'cards' is given the weight 5: should be one of usage, silence, people, subscr"),
        ("card=101", "a weight from 0 to 100"),
        ("card=nan", "a weight from 0 to 100"),
        ("card", "valid number"),
        ("card=5, usage=1, card=7", "'card' is given 2 times: should be given once"),
    ],
)
def test_a_weight_that_is_none_is_refused(value: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load_settings({"SLACKWATER_HEALTH_WEIGHTS": value})


def test_kinds_are_promoted_and_put_into_shadow() -> None:
    environ = {"SLACKWATER_TELL_KINDS": "cancel_intent, champion_gone", "SLACKWATER_SHADOW_KINDS": "paused"}
    settings = load_settings({**environ, "SLACKWATER_CONSOLE": "true"})
    (only,) = routes_of(settings)
    assert only.kinds >= {Kind.CANCEL_INTENT, Kind.CHAMPION_GONE, Kind.USAGE_DROP}
    assert Kind.PAUSED not in only.kinds
    assert Kind.BREADTH_DECLINE not in only.kinds
    with pytest.raises(
        SettingsError, match=r"SLACKWATER_TELL_KINDS='churn': 'churn' is no kind of alert; there are usage_"
    ):
        load_settings({"SLACKWATER_TELL_KINDS": "churn"})
    with pytest.raises(SettingsError, match="'paused' is in both"):
        load_settings({"SLACKWATER_TELL_KINDS": "paused", "SLACKWATER_SHADOW_KINDS": "paused"})


def test_a_core_action_has_to_be_usage() -> None:
    given = {"SLACKWATER_KEY_ACTIONS": "export, report.*", "SLACKWATER_EXCLUDE_EVENTS": "exp*"}
    with pytest.raises(SettingsError) as refused:
        load_settings(given)
    for part in ("SLACKWATER_KEY_ACTIONS", "SLACKWATER_EXCLUDE_EVENTS", "'export' is no usage", "has to be usage"):
        assert part in str(refused.value)
    settings = load_settings({"SLACKWATER_KEY_ACTIONS": "export, report.*", "SLACKWATER_INCLUDE_EVENTS": "export"})
    assert settings.detection().key_actions == ("export", "report.*")
    assert Settings().detection().key_actions == ()
