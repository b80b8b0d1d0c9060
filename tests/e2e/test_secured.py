"""The whole of it on a Kafka that asks who is there: each way to come in, and each role with its own rights alone."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from schemas.alerts import Change
from schemas.events import InputTopic
from streams.board.accounts import Accounts
from streams.board.feed import Feed
from streams.cli.reading import committed
from streams.produce import InputRecord, send
from streams.runtime.acls import Role, acls_of
from streams.runtime.settings import load_settings
from tests.e2e.harness import Application, application, eventually
from tests.e2e.slack import Slack
from tests.e2e.test_orders import payment_fails
from tests.secrecy import Secrets
from tests.secured import MECHANISMS, Certificates, SecuredKafka

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

PASSWORDS = {role.value: f"the-password-of-the-{role.value}" for role in Role}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory, kafka_required: None) -> AsyncIterator[SecuredKafka]:
    certificates = Certificates(tmp_path_factory.mktemp("tls"))
    async with SecuredKafka(certificates, PASSWORDS, trusting=False) as broker:
        yield broker


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
    """Send what becomes a dead letter."""
    await send([InputRecord(int(time.time() * 1000), InputTopic.USAGE, "acme", b"[]")], app.settings, markers=False)


@pytest.mark.parametrize("mechanism", [*MECHANISMS, "SSL"])
async def test_an_alert_is_raised_whichever_way_the_worker_comes_in(
    secured: SecuredKafka, tmp_path: Path, mechanism: str
) -> None:
    app = await prepared(secured, tmp_path, partitions="1")
    producer, worker, people, board = (
        come_in(app, secured, role, mechanism) for role in (Role.PRODUCER, Role.WORKER, Role.PEOPLE, Role.BOARD)
    )
    checked = json.loads((await worker.slackwater("check", "--json")).output)
    assert (checked["broker"], checked["exactly_once"]) == (None, True)
    async with worker.worker():
        await payment_fails(producer, "acme")
        await spoil(producer)

        async def told() -> bool:
            return [each.change for each in await people.transitions()] == [Change.OPENED]

        await eventually(told, "the alert opens")
        health = board.settings.topic("health")
        feed = Feed(Accounts(), lambda: committed(board.settings, health))
        async with committed(board.settings, health):
            pass  # or the feed would only say why not
        assert feed.trouble is None
        letters = (await people.slackwater("dead-letters", "list", "--json")).output
        assert "not_an_object" in letters
    assert Secrets(**PASSWORDS).found_in(worker.log.read_text(), letters) == set()
