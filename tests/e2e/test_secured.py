"""The whole of it on a Kafka that asks who is there: each way to come in, and each role with its own rights alone."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from schemas.alerts import Change
from schemas.commands import COMMAND
from schemas.events import InputTopic
from schemas.instants import format_instant
from streams.produce import InputRecord, send
from streams.produce.commands import send_command
from streams.runtime.acls import Role, acls_of
from streams.runtime.settings import load_settings
from tests.broker.test_board_feed import following, live
from tests.e2e.harness import Application, application
from tests.e2e.harness import eventually as soon
from tests.e2e.slack import Slack
from tests.e2e.test_orders import payment_fails
from tests.secrecy import Secrets
from tests.secured import MECHANISMS, Certificates, SecuredKafka

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]

USAGE = (InputTopic.USAGE,)
PASSWORDS = {role.value: f"the-password-of-the-{role.value}" for role in Role}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory, kafka_required: None) -> AsyncIterator[SecuredKafka]:
    certificates = Certificates(tmp_path_factory.mktemp("tls"))
    async with SecuredKafka(certificates, PASSWORDS, trusting=False) as broker:
        yield broker


async def eventually(check: Callable[[], Awaitable[bool]], what: str) -> None:
    """Here each look is a login or a command."""
    await soon(check, what, patience=90)


def come_in(app: Application, broker: SecuredKafka, role: Role, mechanism: str = "SCRAM-SHA-512") -> Application:
    """The same application as somebody with the rights of a role."""
    environment = {**app.environment, **broker.environment(role.value, mechanism)}
    return replace(app, environment=environment, settings=load_settings(environment))


async def prepared(broker: SecuredKafka, home: Path, **settings: str) -> Application:
    """An application of which each role has its rights; the operator has created its topics."""
    app = await application(broker, home, create=False, clock="wall", **settings)
    for role in Role:
        broker.allow(role.value, acls_of(app.settings, role))
    operator = come_in(app, broker, Role.OPERATOR)
    await eventually(lambda: _created(operator), "the operator may create the topics")
    return app


async def _created(operator: Application) -> bool:
    return (await operator.slackwater("topics", "create", check=False)).status == 0


async def spoil(app: Application) -> None:
    """Send what becomes a dead letter; as a producer that sends usage alone."""
    await send(
        [InputRecord(int(time.time() * 1000), InputTopic.USAGE, "acme", b"[]")],
        app.settings,
        topics=USAGE,
        markers=False,
    )


@pytest.mark.parametrize(
    "mechanism", [pytest.param(each, marks=pytest.mark.thorough) for each in MECHANISMS[:-1]] + [MECHANISMS[-1], "SSL"]
)
async def test_an_alert_is_raised_whichever_way_the_worker_comes_in(
    secured: SecuredKafka, tmp_path: Path, mechanism: str
) -> None:
    app = await prepared(secured, tmp_path, partitions="1")
    producer, worker, people, board = (
        come_in(app, secured, role, mechanism) for role in (Role.PRODUCER, Role.WORKER, Role.PEOPLE, Role.BOARD)
    )
    assert "exactly once" in (await worker.slackwater("check")).output
    async with worker.worker():
        await payment_fails(producer, "acme")
        await spoil(producer)

        async def told() -> bool:
            return [each.change for each in await people.transitions()] == [Change.OPENED]

        await eventually(told, "the alert opens")
        async with following(board.settings) as feed:
            await live(feed)
            assert {each.account_id for each in feed.accounts.all()} == {"acme"}
        letters = (await people.slackwater("dead-letters", "list", "--json")).output
        assert "not_an_object" in letters
    assert Secrets(**PASSWORDS).found_in(worker.log.read_text(), letters) == set()


async def test_each_role_has_all_the_rights_that_it_needs(secured: SecuredKafka, tmp_path: Path) -> None:
    async with Slack() as slack:
        app = await prepared(secured, tmp_path, partitions="2", slack_webhook_url=slack.url)
        producer, worker, people, board, operator = (
            come_in(app, secured, role) for role in (Role.PRODUCER, Role.WORKER, Role.PEOPLE, Role.BOARD, Role.OPERATOR)
        )

        handled = (Change.OPENED, Change.ACKNOWLEDGED, Change.SNOOZED)

        async def changes(*expected: Change) -> bool:
            return [each.change for each in await people.transitions()] == [*expected]

        async with worker.worker() as first:
            await payment_fails(producer, "acme")
            await eventually(lambda: changes(Change.OPENED), "the alert opens")
            first.process.kill()
        async with worker.worker():  # it takes over what the one before had begun
            await people.slackwater("alerts", "ack", "--account", "acme")
            await eventually(lambda: changes(Change.OPENED, Change.ACKNOWLEDGED), "somebody takes the alert on")
            (alert, *_) = await people.transitions()
            now = int(time.time() * 1000)
            snooze = {"command": "snooze", "command_id": "s-1", "account_id": "acme", "alert_id": alert.alert_id}
            given = {**snooze, "by": "mara", "at": format_instant(now), "until": format_instant(now + 86_400_000)}
            await send_command(COMMAND.validate_python(given), board.settings)  # as the board's pages do
            await eventually(lambda: changes(*handled), "it is snoozed on the board")

            async def told() -> bool:
                return len(slack.delivered) > 0

            await eventually(told, "Slack is told")
            await spoil(producer)

            async def spoiled() -> bool:
                return "not_an_object" in (await people.slackwater("dead-letters", "list", "--json")).output

            await eventually(spoiled, "the dead letter")
            await operator.slackwater("dead-letters", "replay", "--all", "--yes")
        done = await operator.slackwater("reset", "--outputs", "delete", "--yes", patience=150)
        assert "done: the next worker begins at the earliest records" in done.output
        assert await changes()
