"""Several routes and channels on a running worker: who is told what, and that no secret gets out anywhere."""

import base64
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiokafka import AIOKafkaProducer
from standardwebhooks import Webhook

from alerting.notification import Undelivered
from streams.broker import EmbeddedBroker
from streams.cli.reading import read_all
from tests.e2e.harness import Application, application, eventually
from tests.e2e.payments import Payments, now_ms, until
from tests.secrecy import Secrets
from tests.unit.alerting.slack_server import SlackServer, says

BOT = "xoxb-1234-SecretOfTheBot"
SIGNING = "whsec_" + base64.b64encode(b"SecretKeyOfTheSigning0123").decode()
PLANTED = "planted-by-the-test-itself"
PATHS = {
    "cs": "/services/T0/B0/SecretPathOfCs",
    "crm": "/hooks/SecretPathOfCrm",
    "slack": "/services/SecretPathOfSlack",
}
SECRETS = Secrets(
    **{name: path.rpartition("/")[2] for name, path in PATHS.items()},
    bot="SecretOfTheBot",
    signing=SIGNING.removeprefix("whsec_"),
    planted=PLANTED,
)
COMMANDS = (
    "check",
    "check --routes --json",
    "topics create --dry-run",
    "alerts list --all",
    "dead-letters list",
    "dead-letters explain {commands}/{partition}/{offset}",
    "score",
    "reset --plan",
)
"""Whose output is searched."""
TABLES = """
[channels.cs]
type = "slack_webhook"
url_file = "{home}/cs"
[channels.crm]
type = "webhook"
url_file = "{home}/crm"
secret_file = "{home}/signing"
[channels.bot]
type = "slack_bot"
token_file = "{home}/bot"
channel = "C0123456789"
[people]
"Ann@vendor.example" = "U012AB3CD"
[teams]
emea = "S012AB3CD"
[[routes]]
name = "programs"
channel = "crm"
continue = true
group_wait = "0s"
group_interval = "0s"
[[routes]]
name = "emea"
channel = "cs"
teams = ["emea"]
mention = ["owner", "team"]
group_wait = "0s"
group_interval = "0s"
[[routes]]
name = "default"
channel = "slack"
group_wait = "0s"
group_interval = "0s"
"""


class Crm:
    """A program that takes webhooks and checks each."""

    def __init__(self) -> None:
        self.took: list[tuple[str, str]] = []
        self.refuses = False

    async def answer(self, request: web.Request) -> web.Response:
        """Takes it, or refuses it, when it is to."""
        body = Webhook(SIGNING).verify(await request.read(), dict(request.headers))
        if self.refuses:
            return web.Response(status=400, text=str(request.url))
        self.took.append((body["type"], body["data"]["account_id"]))
        return web.Response(status=204)


@pytest.mark.timeout(240)
async def test_routes_tell_whom_they_are_for_and_no_secret_gets_out(embedded: EmbeddedBroker, tmp_path: Path) -> None:
    crm_program = Crm()
    async with SlackServer() as cs, SlackServer() as slack, SlackServer(crm_program.answer) as crm:
        app = await _application(embedded, tmp_path, cs=cs, slack=slack, crm=crm)
        async with AIOKafkaProducer(bootstrap_servers=app.settings.brokers) as producer, app.worker() as worker:
            feed = Payments(app, producer)
            await feed.belongs("acct-1", "emea")
            await app.applied_until(now_ms(), worker=worker)
            await feed.fails("acct-1")
            await until(lambda: len(cs.received) == 1 and len(crm_program.took) == 1)
            assert "Owner: <@U012AB3CD>\nTeam: <!subteam^S012AB3CD>" in cs.received[0]["text"]

            await feed.belongs("acct-1", "apac")
            await app.applied_until(now_ms(), worker=worker)
            await feed.succeeds("acct-1")
            await until(lambda: [len(each.received) for each in (cs, slack)] == [2, 1])
            assert "Resolved" in cs.received[1]["text"]
            await until(lambda: len(crm_program.took) == 2)
            assert crm_program.took == [("alert.opened", "acct-1"), ("alert.resolved", "acct-1")]

            cs.mood, crm_program.refuses = says(404, "no_service"), True
            await feed.belongs("acct-2", "emea")
            await app.applied_until(now_ms(), worker=worker)
            await feed.fails("acct-2")
            await producer.send_and_wait(app.settings.topic("commands"), f'{{"by": "{PLANTED}"}}'.encode())
            await until(lambda: len(slack.received) == 3)
            assert "takes no message of the route emea: route_broken 404 no_service." in slack.received[1]["text"]
            assert "meant for the route emea, which is broken" in slack.received[2]["text"]
            async with aiohttp.ClientSession() as session, session.get(f"{worker.address}/metrics") as page:
                metrics = await page.text()
            given_up = await _undelivered(app)

        heard = [len(each.received) for each in (cs, slack, crm)]
        async with (
            AIOKafkaProducer(bootstrap_servers=app.settings.brokers) as producer,
            app.worker(shadow="true") as worker,
        ):
            before = len(await app.transitions())
            await Payments(app, producer).fails("acct-3")
            await _until_told(app, before + 1)
        assert [len(each.received) for each in (cs, slack, crm)] == heard, "in shadow nobody is told"

    assert [(each.notification.route, each.reason) for each in given_up] == [("programs", "rejected")]
    for command, output in (await _said_by_commands(app)).items():
        # Whoever asks for a dead letter is shown it.
        assert SECRETS.found_in(output) == ({"planted"} if "explain" in command else set()), command
    log = app.log.read_text(errors="replace")
    assert "DEBUG" in log
    assert SECRETS.found_in(log, metrics, given_up, app.settings) == set()
    assert SECRETS.found_in(*[each.value for each in await app.records("dead_letters")]) == {"planted"}
    topics = [
        app.settings.topic("alerts"),
        app.settings.notifications_topic,
        f"{app.settings.app_id}-deliveries-changelog",
    ]
    for topic in topics:
        values = [(record.key, record.value) async for record in read_all(app.settings, topic)]
        assert values
        assert SECRETS.found_in(values) == set()


async def _said_by_commands(app: Application) -> dict[str, str]:
    (letter,) = await app.dead_letters()
    place = {"partition": letter.origin.partition, "offset": letter.origin.offset}
    lines = [each.format(commands=letter.origin.topic, **place) for each in COMMANDS]
    return {line: (await app.slackwater(*line.split(), check=False)).output for line in lines}


async def _application(broker: EmbeddedBroker, home: Path, **servers: SlackServer) -> Application:
    for name, server in servers.items():
        (home / name).write_text(server.url.partition("/services")[0] + PATHS[name])
    (home / "signing").write_text(SIGNING)
    (home / "bot").write_text(BOT)
    (home / "slackwater.toml").write_text(TABLES.format(home=home))
    url = str(home / "slack")
    return await application(broker, home, clock="wall", slack_webhook_url_file=url, log_level="DEBUG")


async def _undelivered(app: Application) -> list[Undelivered]:
    found: list[Undelivered] = []

    async def there() -> bool:
        found[:] = [
            Undelivered.decode(each.value) async for each in read_all(app.settings, app.settings.undelivered_topic)
        ]
        return bool(found)

    await eventually(there, "what nobody got")
    return found


async def _until_told(app: Application, transitions: int) -> None:
    async def there() -> bool:
        return len(await app.transitions()) >= transitions

    await eventually(there, "a transition on the topic")
