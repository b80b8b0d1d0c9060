"""No secret is shown by settings, by errors about them, or by a crash report with its local variables."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import ClientSession
from pydantic import SecretStr

from alerting.delivery.slack import SlackChannel
from alerting.routing import Route
from schemas.errors import SettingsError
from streams.runtime.channels import channels_of, routes_of
from streams.runtime.settings import load_settings
from tests.secrecy import Secrets, crash_report

URL = "https://hooks.slack.com/services/T0SECRET01/B0SECRET02/x0SecretToken0x0SecretX"
BOT = "xoxb-1234-SecretOfTheBot"
SIGNING = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
PASSWORD = "correct horse battery staple"
SECRETS = Secrets(url="x0SecretToken0x0SecretX", bot="SecretOfTheBot", signing=SIGNING[6:], password=PASSWORD)
ENVIRON = {
    "CS": URL,
    "BOT": BOT,
    "KEY": SIGNING,
    "SLACKWATER_SLACK_WEBHOOK_URL": URL,
    "SLACKWATER_SASL_PLAIN_PASSWORD": PASSWORD,
}
SASL = 'security_protocol = "SASL_SSL"\nsasl_mechanism = "PLAIN"\nsasl_plain_username = "worker"\n'
TABLES = f"""
[channels.cs]
type = "slack_webhook"
url = "{URL}"
[channels.crm]
type = "webhook"
url_env = "CS"
secret_env = "KEY"
[channels.bot]
type = "slack_bot"
token_env = "BOT"
channel = "C0123456789"
[[routes]]
name = "all"
channel = "bot"
"""


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "slackwater.toml"
    path.write_text(SASL + TABLES)
    return path


def test_settings_and_what_is_made_of_them_show_no_secret(toml: Path) -> None:
    settings = load_settings(ENVIRON, toml)
    assert settings.channels[2].token == SecretStr(BOT)
    assert SECRETS.found_in(settings, str(settings), settings.channels, routes_of(settings), vars(settings)) == set()
    assert SECRETS.found_in(settings.model_dump_json(exclude={"channels"})) == set()


@pytest.mark.parametrize(
    "text",
    [
        SASL + TABLES + "x =",
        SASL + TABLES + f'\nurl = "{URL}"',
        TABLES + f'[{URL}"]',
        f'partitions = "many"\nslack_webhook_url = "no {URL}"\nslack_webhook_urls = "{URL}"\n{TABLES}',
        TABLES.replace('channel = "bot"', f'channel = "{BOT}"'),
        TABLES.replace('name = "all"', f'name = "{URL}"'),
        TABLES.replace('url_env = "CS"', f'url_env = "{URL}"').replace('"KEY"', f'"{SIGNING}"'),
        TABLES.replace('url_env = "CS"', f'url_file = "{URL}"').replace("secret_env", "secret"),
        TABLES.replace('token_env = "BOT"', f'token = ["{BOT}"]\nuser = "{BOT}"'),
        TABLES.replace("[channels.cs]", f'[channels."{URL}"]'),
        f'{TABLES}[people]\nann = "{BOT}"\n[teams]\n"{URL}" = "{URL}"\n',
        f'slack_webhook_url_file = "{URL}"\n{TABLES}',
        f'{SASL}user_hash_key = "{PASSWORD[:8]}"\n{TABLES}',
    ],
)
def test_an_error_at_the_start_shows_none_whatever_stands_where(toml: Path, text: str) -> None:
    toml.write_text(text)
    with pytest.raises(SettingsError) as refused:
        load_settings(ENVIRON, toml)
    assert SECRETS.found_in(crash_report(refused.value, of="/streams/"), str(refused.value)) == set()


async def test_a_crash_where_channels_are_made_shows_none(toml: Path) -> None:
    settings = load_settings(ENVIRON, toml)
    async with ClientSession() as session:
        with pytest.raises(KeyError) as crashed:
            channels_of(settings, (Route("all", "bot"), Route("x", "nowhere")), session)
    report = crash_report(crashed.value, of="/streams/")
    assert "ChannelSetting(" in report, "local variables are in it"
    assert SECRETS.found_in(report) == set()


async def test_a_crash_while_a_message_is_sent_shows_none(toml: Path) -> None:
    class Crash(BaseException):
        """Nothing that a channel catches."""

    class Message:
        def payload(self) -> object:
            raise Crash

    settings = load_settings({**ENVIRON, "SLACKWATER_SLACK_TIMEOUT": "1s"}, toml)
    async with ClientSession() as session:
        channel = channels_of(settings, (Route("x", "crm"), Route("y", "cs")), session)["y"]
        assert isinstance(channel, SlackChannel)
        with pytest.raises(Crash) as crashed:
            await channel.send(Message())  # type: ignore[arg-type]
    report = crash_report(crashed.value, of="/alerting/")
    assert "SlackChannel(" in report
    assert SECRETS.found_in(report) == set()


@pytest.mark.parametrize(
    "planted",
    [
        f"POST {URL} failed",
        URL.encode(),
        {"url": URL},
        f"address={quote(URL, safe='')}",
        json.dumps({"u": URL}).replace("/", "\\/"),
        URL.encode().hex(),
        *(base64.b64encode(b"." * before + URL.encode() + b"." * 5) for before in range(3)),
        base64.urlsafe_b64encode(URL.encode()),
    ],
)
def test_a_secret_that_was_planted_is_found_in_any_disguise(planted: object) -> None:
    assert SECRETS.found_in("all is well", planted) == {"url"}
    assert SECRETS.found_in("all is well", URL.partition("/x0")[0]) == set()


def test_a_secret_in_a_local_variable_is_found_in_a_crash_report() -> None:
    def crash() -> None:
        told = f"password {PASSWORD}"
        raise ValueError(len(told))

    with pytest.raises(ValueError, match=r"\d") as crashed:
        crash()
    assert SECRETS.found_in(crash_report(crashed.value, of=__file__)) == {"password"}
    assert SECRETS.found_in(crash_report(crashed.value, of="/streams/")) == set()


@pytest.mark.parametrize(
    ("now", "before", "why"),
    [
        ("", "a key of sixteen", "a key that was used before needs one that is used now"),
        ("a key of sixteen", "a key of sixteen", "both are the same"),
        ("a key of sixteen", "short", "should have 16 to 64 bytes, or be the word none: ids were not keyed before"),
    ],
)
def test_a_key_that_was_used_before_is_another_one(now: str, before: str, why: str) -> None:
    environ = {"SLACKWATER_USER_HASH_KEY": now, "SLACKWATER_USER_HASH_KEY_PREVIOUS": before}
    with pytest.raises(SettingsError, match=why) as refused:
        load_settings(environ)
    assert "SLACKWATER_USER_HASH_KEY_PREVIOUS" in str(refused.value)
    assert not any(each and each in str(refused.value) for each in (now, before))


def test_the_word_none_says_that_ids_were_not_keyed_before() -> None:
    key = {"SLACKWATER_USER_HASH_KEY": "a key of sixteen"}
    assert load_settings(key).previous_user_key is None
    assert load_settings(key | {"SLACKWATER_USER_HASH_KEY_PREVIOUS": "none"}).previous_user_key == b""
    assert load_settings(key | {"SLACKWATER_USER_HASH_KEY_PREVIOUS": "the key of before"}).previous_user_key == (
        b"the key of before"
    )
