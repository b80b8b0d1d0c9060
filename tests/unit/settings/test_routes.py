"""Who is told what, as a settings file says it: read as it is meant, or refused whole, with file, line and key."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pydantic import SecretStr

from alerting.matchers import Matchers
from alerting.quiet import EVERY_DAY, Quiet
from alerting.routing import DEFAULT, TOLD_KINDS, Mention, Route
from schemas.alerts import Kind, Severity
from schemas.errors import SettingsError
from streams.runtime.channels import doubts_of, routes_of
from streams.runtime.settings import Settings, load_settings
from streams.runtime.settings_channels import ChannelSetting, ChannelType

URL = "https://hooks.slack.com/services/T0SECRET/B0SECRET/x0SecretToken"
OWN_URL = f"{URL}-of-its-own"
SIGNING = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
ENVIRON = {"CS": URL, "CRM": "https://crm.example/SecretPath", "KEY": SIGNING, "BOT": "xoxb-1-SecretBot"}
CHANNELS = """
[channels.cs]
type = "slack_webhook"
url_env = "CS"
[channels.crm]
type = "webhook"
url_env = "CRM"
secret_env = "KEY"
"""
ENTERPRISE = """
[[routes]]
name = "enterprise"
channel = "cs"
kinds = ["payment_failed", "usage_*", "champion_gone"]
minimum_severity = "critical"
reason_classes = ["price"]
influenceable = true
teams = ["emea*"]
owners = "ann@vendor.example"
tiers = ["gold"]
tags = ["pilot"]
currency = "eur"
mrr_minor_from = 100_000
mrr_minor_below = 500_000
mention = ["owner", "team"]
continue = true
group_wait = "1m"
group_interval = "0s"
digest_at = "09:30"
digest_days = ["mon", "thu"]
hours = "08:00-24:00"
days = ["mon", "tue", "wed", "thu", "fri"]
critical_passes = false
reminder = "4h"
limit_per_hour = 30
timezone = "Europe/Berlin"
"""
ALL = '[[routes]]\nname = "all"\nchannel = "cs"\n'


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "slackwater.toml"


def loaded(toml: Path, text: str, **environ: str) -> Settings:
    toml.write_text(text)
    return load_settings({**ENVIRON, **environ}, toml)


def refused(toml: Path, text: str, **environ: str) -> list[str]:
    """The lines of the error, without the file's name."""
    with pytest.raises(SettingsError) as error:
        loaded(toml, text, **environ)
    lines = str(error.value).splitlines()
    assert "Secret" not in str(error.value)
    assert "SECRET" not in str(error.value)
    return [line.removeprefix(f"{toml}:") for line in lines]


def test_all_that_a_route_may_say(toml: Path) -> None:
    holidays = toml.with_name("holidays.txt")
    # As a Windows editor writes it.
    holidays.write_bytes(b"\xef\xbb\xbf2027-01-01  # New Year\r\n\r\n# and\r\n2027-12-24\r\n")
    (route, _) = routes_of(loaded(toml, f'{CHANNELS}{ENTERPRISE}holidays_file = "{holidays}"\n{FALLBACK}'))
    assert route == Route(
        name="enterprise",
        channel="cs",
        minimum_severity=Severity.CRITICAL,
        kinds=frozenset({Kind.PAYMENT_FAILED, Kind.USAGE_DROP, Kind.USAGE_SILENCE, Kind.CHAMPION_GONE}),
        continues=True,
        matchers=Matchers(
            reason_classes=("price",),
            influenceable=True,
            teams=("emea*",),
            owners=("ann@vendor.example",),
            tiers=("gold",),
            tags=("pilot",),
            currency="EUR",
            mrr_minor_from=100_000,
            mrr_minor_below=500_000,
        ),
        mentions=frozenset(Mention),
        quiet=Quiet(
            group_wait=60_000,
            group_interval=0,
            digest_at=570,
            digest_days=frozenset({0, 3}),
            hours=(480, 1440),
            days=frozenset(range(5)),
            holidays=frozenset({date(2027, 1, 1), date(2027, 12, 24)}),
            critical_passes=False,
            reminder=4 * 3_600_000,
            limit_per_hour=30,
            timezone="Europe/Berlin",
        ),
    )


FALLBACK = f'[[routes]]\nname = "{DEFAULT}"\nchannel = "crm"\n'


def test_a_route_that_says_nothing_takes_all_that_is_told_at_once_in_the_time_zone_of_the_settings(toml: Path) -> None:
    settings = loaded(toml, f'timezone = "Asia/Tokyo"\ntell_kinds = ["cancel_intent"]\n{CHANNELS}{ALL}')
    (route,) = routes_of(settings)
    assert route == Route(
        "all", "cs", kinds=TOLD_KINDS | {Kind.CANCEL_INTENT}, quiet=Quiet(timezone="Asia/Tokyo", days=EVERY_DAY)
    )


def test_the_default_route_has_its_limit_and_reminder_from_the_settings(toml: Path) -> None:
    url = {"SLACKWATER_SLACK_WEBHOOK_URL": "https://hooks.slack.example/x"}
    (usual,) = routes_of(load_settings(url))
    assert (usual.quiet.limit_per_hour, usual.quiet.reminder) == (30, 0)
    (other,) = routes_of(load_settings({**url, "SLACKWATER_LIMIT_PER_HOUR": "0", "SLACKWATER_REMINDER": "4h"}))
    assert (other.quiet.limit_per_hour, other.quiet.reminder) == (0, 4 * 3_600_000)


def test_a_pattern_picks_of_what_is_told_and_a_name_in_full_tells_what_is_in_shadow(toml: Path) -> None:
    row = '[[routes]]\nname = "a"\nchannel = "cs"\nkinds = ["*_scheduled", "key_*", "breadth_decline"]\n'
    (route,) = routes_of(loaded(toml, CHANNELS + row))
    assert route.kinds == {Kind.CANCEL_SCHEDULED, Kind.BREADTH_DECLINE}
    (line,) = refused(toml, f"{CHANNELS}{row.replace('key_*', 'paused')}", SLACKWATER_SHADOW_KINDS="paused")
    assert line == "routes (line 9), SLACKWATER_SHADOW_KINDS: route a names 'paused', which is to be recorded only"


def test_channels_have_their_secrets_from_where_they_are_said_to_be(toml: Path) -> None:
    file = toml.with_name("url")
    file.write_text(f"{URL}\n")
    text = f"""
    [channels.file]
    type = "slack_webhook"
    url_file = "{file}"
    [channels.plain]
    type = "slack_webhook"
    url = "{URL}"
    [channels.bot]
    type = "slack_bot"
    token_env = "BOT"
    channel = "C0123456789"
    [channels.terminal]
    type = "console"
    """
    settings = loaded(toml, CHANNELS + text)
    crm = ChannelSetting("crm", ChannelType.WEBHOOK, url=SecretStr(ENVIRON["CRM"]), secret=SecretStr(SIGNING))
    bot = ChannelSetting("bot", ChannelType.SLACK_BOT, token=SecretStr(ENVIRON["BOT"]), channel="C0123456789")
    slack = [ChannelSetting(name, ChannelType.SLACK_WEBHOOK, url=SecretStr(URL)) for name in ("cs", "file", "plain")]
    terminal = ChannelSetting("terminal", ChannelType.CONSOLE)
    assert settings.channels == (slack[0], crm, *slack[1:], bot, terminal)
    assert "Secret" not in repr(settings).replace("SecretStr", "")


def test_people_and_teams_are_known_by_any_spelling(toml: Path) -> None:
    settings = loaded(toml, '[people]\n"Ann@Vendor.example" = "U012AB3CD"\n[teams]\nEMEA = "S012AB3CD"\n')
    assert settings.people == {"ann@vendor.example": "U012AB3CD"}
    assert settings.teams == {"emea": "S012AB3CD"}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("channels = 3", "channels=: should be tables of a settings file: [channels.NAME]"),
        ("[channels]\nx = 3", "channels.x (line 2): should be a table: [channels.NAME]"),
        ('[channels.X]\ntype = "console"', "channels.X (line 1): a channel's name has 1 to 64 of a-z"),
        ('[channels.slack]\ntype = "console"', "channels.slack (line 1): slack is the channel of the settings slack_*"),
        ('[channels.console]\ntype = "console"', "channels.console (line 1): console is this terminal"),
        ("[channels.x]", "channels.x.type (line 1): should be one of slack_webhook, slack_bot, webhook, console"),
        ('[channels.x]\ntype = "slak"', "channels.x.type='slak' (line 2): should be one of slack_webhook"),
        (f'[channels.x]\ntype = "{URL}"', "channels.x.type (line 2): should be one of slack_webhook"),
        ('[channels.x]\ntype = "console"\nurl = 3', "x.url (line 3): a channel of type console has no such key"),
        ('[channels.x]\ntype = "slack_webhook"', "x (line 1): a channel of type slack_webhook needs url_file or url_"),
        (
            f'[channels.x]\ntype = "slack_webhook"\nulr = "{URL}"\nurl_env = "CS"',
            "x.ulr (line 3): a channel of type slack_webhook has no such key; did you mean url?",
        ),
        (
            f'[channels.x]\ntype = "slack_webhook"\nurl_env = "CS"\nurl = "{URL}"',
            "x.url (line 4): url and url_env are both set: set one of them",
        ),
        (
            '[channels.x]\ntype = "slack_webhook"\nurl_env = "NO"',
            "x.url_env (line 3): the environment has no variable N",
        ),
        (
            f'[channels.x]\ntype = "slack_webhook"\nurl_env = "{URL}"',
            "x.url_env (line 3): should name where the secret is, and not be it",
        ),
        (
            f'[channels.x]\ntype = "slack_webhook"\nurl_file = "{URL}"',
            "x.url_file (line 3): should name where the secret is, and not be it",
        ),
        (
            '[channels.x]\ntype = "slack_webhook"\nurl_file = "/nowhere"',
            "x.url_file (line 3): /nowhere: the file cannot be read: No such file",
        ),
        (
            '[channels.x]\ntype = "slack_webhook"\nurl = "Secret"',
            "x.url (line 3): should be an https:// address, as Sl",
        ),
        (
            '[channels.x]\ntype = "webhook"\nurl = "https://a..b/Secret"\nsecret_env = "KEY"',
            "x.url (line 3): should be an http(s) address",
        ),
        (
            '[channels.x]\ntype = "slack_webhook"\nurl = "https://[::1/Secret"',
            "x.url (line 3): should be an https:// address, as Sl",
        ),
        (
            '[channels.x]\ntype = "webhook"\nurl_env = "CS"\nsecret_env = "BOT"',
            "x.secret_env (line 4): should be whsec_",
        ),
        (
            '[channels.x]\ntype = "webhook"\nurl_env = "CS"\nsecret = "whsec_U2VjcmV0"',
            "x.secret (line 4): should be whsec_ and 24 to 64 bytes in base64",
        ),
        (
            '[channels.x]\ntype = "slack_bot"\ntoken_env = "KEY"\nchannel = "C012"',
            "x.token_env (line 3): should be a bot's token, which begins with xoxb-",
        ),
        (
            '[channels.x]\ntype = "slack_bot"\ntoken_env = "BOT"\napp_token_env = "BOT"\nchannel = "C012"',
            "x.app_token_env (line 4): should be an app-level token, which begins with xapp-",
        ),
        (
            '[channels.x]\ntype = "slack_bot"\ntoken_env = "BOT"\nchannel = "#sales"',
            "x.channel (line 4): a channel of type slack_bot needs the id of Slack's channel, like C0123456789",
        ),
        (
            '[channels.x]\ntype = "slack_bot"\ntoken_env = "BOT"',
            "x.channel (line 1): a channel of type slack_bot needs",
        ),
        ('routes = "all"', "routes (line 1): should be tables of a settings file: [[routes]]"),
        ('[[routes]]\nname = "x"', "routes[1] (line 1): a route needs channel"),
        ('[[routes]]\nchannel = "console"', "routes[1] (line 1): a route needs name"),
        ('[people]\nann = "ann"', "people.ann='ann' (line 2): should be the Slack id of a user, like U012AB3CD"),
        ('[people]\nann = "S012AB3CD"', "should be the Slack id of a user"),
        ('[teams]\n"e.u" = "U012AB3CD"', "teams.\"e.u\"='U012AB3CD' (line 2): should be the Slack id of a user group"),
        ('[people]\nann = "U012AB3CD"\nAnn = "U012AB3CE"', "people.Ann='U012AB3CE' (line 3): the name is there twice"),
        ('teams = "x"', "teams (line 1): should be a table of a settings file"),
    ],
)
def test_a_bad_table_is_refused_with_its_place_and_what_is_allowed(toml: Path, row: str, says: str) -> None:
    lines = refused(toml, row)
    assert any(says.replace("channels=:", "channels (line 1):") in line for line in lines), lines


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ('name = "A"', "name='A' (line 2): "),
        ('channel = "crn"', "channel='crn' (line 3): there is no such channel; did you mean crm?"),
        (f'channel = "{URL}"', "channel (line 3): there is no such channel; there are console, crm, cs"),
        ('channel = "slack"', "channel='slack' (line 3): there is no such channel"),
        ('kinds = ["usge_*"]', "kinds=['usge_*'] (line 4): 'usge_*' is no kind of alert; there are usage_drop, "),
        ('minimum_severity = "high"', "minimum_severity='high' (line 4): should be 'watch', 'warning' or 'critical'"),
        ('minimum_severity = "watch"', "(line 1): minimum_severity is warning or critical, but for a digest"),
        ('reason_classes = ["prise"]', "reason_classes=['prise'] (line 4): should be 'price', 'missing_feature'"),
        ('influenceable = "yes"', "influenceable='yes' (line 4): should be a valid boolean"),
        ("teams = [3]", "teams=[3] (line 4): should be a valid string"),
        ('currency = "euro"', "currency='euro' (line 4): "),
        ("mrr_minor_from = 5", "(line 1): mrr_minor_from and mrr_minor_below need currency"),
        ("mrr_minor_from = -5", "mrr_minor_from=-5 (line 4): should be greater than or equal to 0"),
        ('mention = ["boss"]', "mention=['boss'] (line 4): should be 'owner' or 'team'"),
        ('continue = "no"', "continue='no' (line 4): should be a valid boolean"),
        ("continues = true", "continues (line 4): a route has no such key; did you mean continue?"),
        ("group_wait = 30", 'group_wait=30 (line 4): should be a text with a unit: "30s"'),
        ('group_wait = "30"', "group_wait='30' (line 4): should be a whole number and a unit"),
        ('digest_at = "9:00"', "digest_at='9:00' (line 4): should be a time of the day, like \"09:00\""),
        ('digest_at = "24:00"', "digest_at='24:00' (line 4): should be a time of the day, from"),
        ('digest_days = ["mon"]', "(line 1): digest_days has no effect without digest_at"),
        ('digest_at = "07:00"\nhours = "08:00-18:00"', "(line 1): digest_at lies outside hours"),
        ('hours = "18:00-08:00"', "hours='18:00-08:00' (line 4): should end after it begins"),
        ('hours = "8-18"', "hours='8-18' (line 4): should be two times of the day"),
        ('hours = "08:00-24:01"', "hours='08:00-24:01' (line 4): should be two times of the day"),
        ('days = ["Monday"]', "days=['Monday'] (line 4): should be a list of mon, tue"),
        ("days = []", "days=[] (line 4): should be a list of mon, tue"),
        ('holidays_file = "/nowhere"', "holidays_file='/nowhere' (line 4): the file cannot be read: No such file"),
        ("limit_per_hour = -1", "limit_per_hour=-1 (line 4): should be greater than or equal to 0"),
        ('timezone = "Mars"', "timezone='Mars' (line 4): should be a time zone"),
        ('kind = "paused"', "kind (line 4): a route has no such key; did you mean kinds?"),
        (f'zzz = "{URL}"', "zzz (line 4): a route has no such key; there are name, channel, continue, mention, kinds"),
    ],
)
def test_a_bad_route_is_refused_with_its_place_and_what_is_allowed(toml: Path, key: str, says: str) -> None:
    rows = {"name": 'name = "x"', "channel": 'channel = "cs"'} | {key.partition(" ")[0]: key}
    (line,) = refused(toml, "\n".join(["[[routes]]", *rows.values(), CHANNELS]))
    assert line.startswith("routes[1]")
    assert says in line


def test_a_bad_day_of_a_file_of_holidays_is_told_with_its_line(toml: Path) -> None:
    holidays = toml.with_name("holidays.txt")
    holidays.write_text("2027-01-01\n2027-02-30\n# fine\nEaster\n")
    (line,) = refused(toml, f'{CHANNELS}{ALL}holidays_file = "{holidays}"\n')
    assert "line 2 of" in line
    assert "line 4 of" in line
    assert "is no date like 2027-01-01: 'Easter'" in line


def test_names_are_given_once_and_the_default_route_comes_last_and_asks_for_little(toml: Path) -> None:
    assert refused(toml, f"{CHANNELS}{ALL}{ALL}") == [
        "routes[2].name='all' (line 13): routes[1] has that name already; each needs its own"
    ]
    assert refused(toml, f'{CHANNELS}{FALLBACK}continue = true\nteams = ["emea"]\nkinds = "paused"\n{ALL}') == [
        "routes[1] (line 9): the route default takes what no other does: it has to be the last one",
        "routes[1].continue (line 12): there is nothing after the route default",
        (
            "routes[1].teams (line 13): the route default takes what no other does; it may have kinds and "
            "minimum_severity, and no other matcher"
        ),
    ]
    named = f'console = true\n{CHANNELS}[[routes]]\nname = "console"\nchannel = "cs"\n'
    (line,) = refused(toml, named)
    assert line.startswith("routes (line 10), ")


def test_several_mistakes_are_told_together_wherever_they_are(toml: Path) -> None:
    text = (
        f'clok = "wall"\npartitions = "many"\n{CHANNELS.replace("CRM", "NONE")}{ALL}days = 5\n{ALL}[people]\na = "b"\n'
    )
    lines = refused(toml, text, SLACKWATER_FLUSH="soon", SLACKWATER_SLACK_WEBHOOK_URL_FILE="/nowhere")
    starts = [line.split(" ")[0].split("=")[0].rstrip(":") for line in lines]
    assert sorted(starts) == [
        *("SLACKWATER_FLUSH", "SLACKWATER_SLACK_WEBHOOK_URL_FILE", "channels.crm.url_env", "clok", "partitions"),
        *("people.a", "routes[1].days", "routes[2].name"),
    ]


def test_tables_cannot_come_from_the_environment(toml: Path) -> None:
    (line,) = refused(toml, "", SLACKWATER_ROUTES="all")
    assert line == "SLACKWATER_ROUTES: should be tables of a settings file: [[routes]]"


@pytest.mark.parametrize(
    ("environ", "tables", "expected"),
    [
        ({}, "", []),
        ({"SLACK_WEBHOOK_URL": OWN_URL}, "", ["default>slack"]),
        ({"CONSOLE": "true"}, "", ["default>console"]),
        ({"SLACK_WEBHOOK_URL": OWN_URL, "CONSOLE": "true"}, "", ["default>slack+", "console>console"]),
        ({}, ALL, ["all>cs"]),
        ({"SLACK_WEBHOOK_URL": OWN_URL}, ALL, ["all>cs", "default>slack"]),
        ({"CONSOLE": "true"}, ALL, ["all>cs", "default>console"]),
        ({"SLACK_WEBHOOK_URL": OWN_URL, "CONSOLE": "true"}, ALL, ["console>console+", "all>cs", "default>slack"]),
        ({"SLACK_WEBHOOK_URL": OWN_URL}, FALLBACK, ["default>crm"]),
        ({"CONSOLE": "true"}, FALLBACK, ["console>console+", "default>crm"]),
        ({"SLACK_WEBHOOK_URL": OWN_URL}, FALLBACK.replace("crm", "slack"), ["default>slack"]),
        ({"SLACK_WEBHOOK_URL": OWN_URL, "CONSOLE": "true", "SHADOW": "true"}, ALL + FALLBACK, []),
    ],
)
def test_the_default_route_comes_after_those_of_the_file_and_the_terminal_sees_what_any_tells(
    toml: Path, environ: dict[str, str], tables: str, expected: list[str]
) -> None:
    settings = loaded(toml, CHANNELS + tables, **{f"SLACKWATER_{key}": value for key, value in environ.items()})
    shown = [f"{each.name}>{each.channel}{'+' if each.continues else ''}" for each in routes_of(settings)]
    assert shown == expected


def test_what_is_hardly_meant_is_said_and_not_refused(toml: Path) -> None:
    assert list(doubts_of(loaded(toml, f"{CHANNELS}{ALL}{FALLBACK.replace('crm', 'cs')}"))) == [
        "route default can never match: route all before it takes all that it asks for",
        "channel crm carries nothing: no route names it",
    ]
    mention = f'{CHANNELS}{FALLBACK}mention = ["team"]\n'
    assert list(doubts_of(loaded(toml, mention, SLACKWATER_SLACK_WEBHOOK_URL=URL))) == [
        "channel cs carries nothing: no route names it",
        "slack_webhook_url carries nothing: the route default has another channel",
        "route default mentions nobody: there is no table [teams] with Slack ids",
    ]
    assert list(doubts_of(loaded(toml, f'{mention}[teams]\nemea = "S012AB3CD"\n', SLACKWATER_CONSOLE="true")))[1:] == []
    assert list(doubts_of(Settings())) == []


def test_the_example_of_the_guide_is_one(toml: Path) -> None:
    guide = (Path(__file__).parents[3] / "deploy/guide/messages.md").read_text(encoding="utf-8")
    (example,) = [each.partition("```")[0] for each in guide.split("```toml\n") if "[[routes]]" in each]
    file = toml.with_name("cs")
    file.write_text(URL)
    settings = loaded(toml, example.replace("/run/secrets/cs", str(file)), CRM_URL=ENVIRON["CRM"], CRM_SECRET=SIGNING)
    assert [each.name for each in routes_of(settings)] == ["programs", "enterprise", DEFAULT]
    assert list(doubts_of(settings)) == []
