"""A bot's thread goes on whoever owns the partition, and however the one before ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import pytest
from pydantic import SecretStr

from alerting.delivery.bot import BotChannel
from alerting.delivery.slack_api import SlackApi
from alerting.quiet import Quiet
from alerting.routing import SHOWN_CHANGES, Route
from schemas.alerts import Change
from streams.runtime.deliver import Deliver
from streams.runtime.placing import PLACING
from tests.slack_workspace import BOT_TOKEN, CHANNEL, Workspace, does_and_hangs
from tests.unit.alerting.samples import notification
from tests.unit.runtime.fake_broker import FakeBroker, batch, tasks_on, until
from tests.unit.runtime.test_deliver import CHANGELOG, HURRY, PARTITION, SETTINGS, killed


class Office:
    """One partition of notifications, with a bot for its route."""

    def __init__(self, session: aiohttp.ClientSession, slack: Workspace) -> None:
        self.broker = FakeBroker()
        self.tasks, self.errors = tasks_on(self.broker, SETTINGS)
        self.tasks.routes = (Route(channel="bot", changes=SHOWN_CHANGES, quiet=Quiet(group_wait=0, group_interval=0)),)
        self.tasks.channels = {"default": BotChannel(SlackApi(session, SecretStr(BOT_TOKEN), slack.url), CHANNEL)}
        self.tasks.delivery_policy = HURRY
        self.slack = slack
        self.owners: list[Deliver] = []

    async def owner(self) -> Deliver:
        """A task that takes the partition over, with nothing but what is committed."""
        task = Deliver(PARTITION, self.tasks)
        await task.start()
        task.begin(await task.load(self.broker.table(CHANGELOG), 0))
        self.owners.append(task)
        return task

    @property
    def rows(self) -> list[str]:
        """The keys of the table, but for the task's own."""
        own = (b"\0", PLACING)
        return sorted(key.decode() for key in self.broker.table(CHANGELOG) if not key.startswith(own))

    def tell(self, task: Deliver, revision: int, change: Change) -> None:
        """Hand the task the next news of the alert."""
        task.handle(batch(revision - 1, [notification(revision=revision, change=change).encode()]))


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(Workspace())
        office = Office(await stack.enter_async_context(aiohttp.ClientSession()), slack)
        yield office
        for task in office.owners:
            await killed(task)


async def test_the_next_owner_goes_on_in_the_thread(office: Office) -> None:
    first = await office.owner()
    office.tell(first, 1, Change.OPENED)
    await until(lambda: office.rows == ["default/", "default/thread/acme"])
    await first.end(patience=5)
    second = await office.owner()
    office.tell(second, 2, Change.RESOLVED)
    await until(lambda: len(office.slack.messages) == 2 and len(office.rows) == 2)
    (message,) = office.slack.channel
    assert message.text.startswith("✅")
    assert [each.text[0] for each in office.slack.thread(message)] == ["✅"]
    assert office.errors == []


async def test_what_was_posted_as_the_owner_died_is_found_by_the_next_one(office: Office) -> None:
    office.slack.moods["chat.postMessage"] = [does_and_hangs("chat.postMessage")]
    first = await office.owner()
    office.tell(first, 1, Change.OPENED)
    await until(lambda: len(office.slack.messages) == 1)
    await killed(first)
    assert office.rows == ["default/0"]
    second = await office.owner()
    office.tell(second, 2, Change.ESCALATED)
    await until(lambda: office.rows == ["default/", "default/thread/acme"])
    (message,) = office.slack.channel
    assert message.text == office.slack.thread(message)[0].text
    assert len(office.slack.messages) == 2
    assert len(office.slack.called("conversations.history")) == 1, "only what was waiting may have been posted before"


async def test_a_message_that_is_known_is_looked_for_by_nobody(office: Office) -> None:
    task = await office.owner()
    office.tell(task, 1, Change.OPENED)
    await until(lambda: len(office.slack.messages) == 1)
    office.tell(task, 2, Change.ACKNOWLEDGED)
    await until(lambda: len(office.slack.messages) == 2)
    assert {name for name, _ in office.slack.calls} == {"chat.postMessage", "chat.update"}
