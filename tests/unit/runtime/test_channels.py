"""Which channels there are, and what their routes are told, where one of them is a bot's."""

from __future__ import annotations

from pathlib import Path

from aiohttp import ClientSession

from alerting.delivery.bot import BotChannel
from alerting.delivery.console import ConsoleChannel
from alerting.delivery.slack import SlackChannel
from alerting.routing import SHOWN_CHANGES, TOLD_CHANGES
from streams.runtime.channels import channels_of, people_of, routes_of
from streams.runtime.settings import Settings, load_settings

BOT = {"SLACKWATER_SLACK_BOT_TOKEN": "xoxb-1", "SLACKWATER_SLACK_CHANNEL": "C0123456789"}
FILE = """
[channels.cs]
type = "slack_bot"
token_env = "CS_TOKEN"
app_token_env = "APP_TOKEN"
channel = "C0000000001"
[channels.billing]
type = "slack_bot"
token_env = "BILLING_TOKEN"
app_token_env = "APP_TOKEN"
channel = "C0000000002"
[channels.old]
type = "slack_webhook"
url_env = "OLD_URL"
[people]
"ann@vendor.example" = "U012AB3CD"
"bob" = "U099"
"ann" = "U012AB3CD"
[[routes]]
name = "money"
channel = "billing"
kinds = ["payment_failed"]
[[routes]]
name = "old"
channel = "old"
minimum_severity = "critical"
[[routes]]
name = "default"
channel = "cs"
"""
SECRETS = {
    "CS_TOKEN": "xoxb-1",
    "BILLING_TOKEN": "xoxb-2",
    "APP_TOKEN": "xapp-1",
    "OLD_URL": "https://hooks.example/services/T/B/x",
}


def of_file(tmp_path: Path) -> Settings:
    path = tmp_path / "slackwater.toml"
    path.write_text(FILE)
    return load_settings(SECRETS, path)


async def test_a_bot_takes_the_default_route_without_any_file() -> None:
    settings = load_settings(BOT | {"SLACKWATER_CONSOLE": "true"})
    routes = routes_of(settings)
    assert [(each.name, each.changes) for each in routes] == [("default", SHOWN_CHANGES), ("console", TOLD_CHANGES)]
    async with ClientSession() as session:
        channels = channels_of(settings, routes, session)
    assert {name: type(each) for name, each in channels.items()} == {"default": BotChannel, "console": ConsoleChannel}


async def test_routes_to_bots_are_told_what_their_buttons_need_and_others_are_not(tmp_path: Path) -> None:
    settings = of_file(tmp_path)
    routes = routes_of(settings)
    assert {each.name: each.changes for each in routes} == {
        "money": SHOWN_CHANGES,
        "old": TOLD_CHANGES,
        "default": SHOWN_CHANGES,
    }
    async with ClientSession() as session:
        channels = channels_of(settings, routes, session)
    assert {name: type(each) for name, each in channels.items()} == {
        "money": BotChannel,
        "old": SlackChannel,
        "default": BotChannel,
    }


def test_channels_with_one_address_are_one(tmp_path: Path) -> None:
    path = tmp_path / "slackwater.toml"
    path.write_text(FILE.replace('channel = "C0000000002"', 'channel = "C0000000001"'))
    one_token = SECRETS | {"BILLING_TOKEN": "xoxb-1", "SLACKWATER_SLACK_WEBHOOK_URL": SECRETS["OLD_URL"]}
    routes = routes_of(load_settings(one_token, path))
    assert [(each.name, each.channel) for each in routes] == [("money", "cs"), ("old", "slack"), ("default", "cs")]
    routes = routes_of(of_file(tmp_path))
    assert [(each.name, each.channel) for each in routes] == [("money", "billing"), ("old", "old"), ("default", "cs")]


def test_an_app_that_several_channels_have_is_listened_to_once(tmp_path: Path) -> None:
    assert [each.get_secret_value() for each in of_file(tmp_path).app_tokens] == ["xapp-1"]
    assert load_settings(BOT).app_tokens == ()


def test_people_are_known_by_their_slack_id_under_the_first_of_their_names(tmp_path: Path) -> None:
    assert people_of(of_file(tmp_path)) == {"U012AB3CD": "ann@vendor.example", "U099": "bob"}
