"""What a worker finds out about the past is told once, and not one by one."""

from __future__ import annotations

from time import time
from typing import Any

import pytest
from faust.types import TP

from alerting.notification import CatchUp, decode_note
from alerting.routing import Route
from schemas.accounts import AccountUpdate
from schemas.alerts import PAST_HEADER
from schemas.billing import PaymentFailed, PaymentSucceeded
from schemas.events import InputTopic
from schemas.shuffle import Fact, ShuffleRecord, encode_shuffle
from streams.runtime import past
from streams.runtime.engagement import Engagement
from streams.runtime.past import ROW
from streams.runtime.settings import Settings
from streams.runtime.topics import ENGAGEMENT, changelog
from tests.unit.alerting.samples import DAY
from tests.unit.runtime.fake_broker import FakeBroker, batch, tasks_on, until

SETTINGS = Settings(brokers="127.0.0.1:1", partitions=1, clock="wall", flush="50ms", lagging_flush="50ms")
BILLING, ACCOUNTS = "billing/0", "accounts/0"
NOW = int(time() * 1000)


class Site:
    """A home partition, with the facts that come to it."""

    def __init__(self, routes: tuple[Route, ...] = (Route(),)) -> None:
        self.broker = FakeBroker()
        self.tasks, self.errors = tasks_on(self.broker, SETTINGS)
        self.tasks.routes = routes
        self.tasks.origins = frozenset({BILLING, ACCOUNTS})
        self.offset = 0
        self.shuffled = 0

    async def owner(self) -> Engagement:
        task = Engagement(TP(SETTINGS.shuffle_topic, 0), self.tasks)
        await task.start()
        task.begin(await task.load(self.rows, 0))
        return task

    @property
    def rows(self) -> dict[bytes, bytes]:
        return self.broker.table(changelog(SETTINGS, ENGAGEMENT))

    @property
    def messages(self) -> list[CatchUp]:
        found = [decode_note(each.value or b"") for each in self.broker.topics[SETTINGS.notifications_topic]]
        assert all(isinstance(each, CatchUp) for each in found)
        return found  # type: ignore[return-value]

    @property
    def marked(self) -> list[bool]:
        """Of each transition whether it is marked as past."""
        return [PAST_HEADER in dict(each.headers) for each in self.broker.topics[SETTINGS.topic("alerts")]]

    def says(self, task: Engagement, facts: list[Fact], *, caught_up: bool, clock: int | None = None) -> None:
        """An origin's next record, and one of the other that says how far it is."""
        at = clock if clock is not None else max(each.at for each in facts) + 1
        topic = (
            InputTopic.ACCOUNTS if any(isinstance(each.body, AccountUpdate) for each in facts) else InputTopic.BILLING
        )
        for name in (BILLING, ACCOUNTS):
            own = tuple(facts) if name.startswith(topic.value) else ()
            record = ShuffleRecord(InputTopic(name.split("/")[0]), name, self.offset if own else 0, at, caught_up, own)
            task.handle(batch(self.shuffled, [encode_shuffle(record)]))
            self.shuffled += 1

    def fact(self, body: Any, at: int) -> Fact:
        self.offset += 1
        name = ACCOUNTS if isinstance(body, AccountUpdate) else BILLING
        return Fact(self.offset, at, body.account_id, at, body, None, name)

    def failed(self, account: str, at: int, attempt: int = 1) -> Fact:
        body = PaymentFailed(
            account_id=account,
            type="payment.failed",
            occurred_at=at,
            invoice_id="in-1",
            amount_minor=4_900,
            currency="EUR",
            attempt=attempt,
            next_attempt_at=at + 3 * DAY,
        )
        return self.fact(body, at)

    def paid(self, account: str, at: int) -> Fact:
        body = PaymentSucceeded(
            account_id=account,
            type="payment.succeeded",
            occurred_at=at,
            invoice_id="in-1",
            amount_minor=4_900,
            currency="EUR",
        )
        return self.fact(body, at)

    def known(self, account: str, mrr_minor: int, at: int) -> Fact:
        body = AccountUpdate(
            account_id=account, updated_at=at, name=account.title(), mrr_minor=mrr_minor, currency="EUR", owner="mara"
        )
        return self.fact(body, at)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "QUIET_SECONDS", 0.1)


async def test_a_home_that_has_caught_up_tells_once_what_happened_meanwhile_and_what_is_open() -> None:
    site = Site()
    first = await site.owner()
    old = NOW - 30 * DAY
    site.says(first, [site.known("small", 1_000, old), site.known("large", 90_000, old)], caught_up=False)
    site.says(first, [site.failed(each, old + DAY) for each in ("small", "large", "gone")], caught_up=False)
    await until(lambda: ROW in site.rows)
    await first.end(patience=5)

    second = await site.owner()  # what was counted is stored with the state
    site.says(second, [site.paid("gone", old + 5 * DAY)], caught_up=False)
    site.says(second, [site.failed("large", old + 6 * DAY, attempt=2)], caught_up=False)
    await until(lambda: len(site.marked) >= 5)
    assert not site.messages, "not while there is more to read"
    site.says(second, [site.failed("new", NOW - 1_000)], caught_up=True, clock=NOW)
    await until(lambda: bool(site.messages))
    site.says(second, [site.failed("newer", NOW - 500)], caught_up=True, clock=NOW + 1)
    await until(lambda: site.marked[-2:] == [False, False])
    await second.end(patience=5)

    assert site.errors == []
    (message,) = site.messages
    assert (message.part, message.opened, message.resolved) == (0, 3, 1)
    assert (message.first_at, message.route) == (old + DAY, "default")
    assert [(each.account_id, each.account_name, each.mrr_minor) for each in message.accounts] == [
        ("large", "Large", 90_000),
        ("small", "Small", 1_000),
    ]
    assert [revision for each in message.accounts for _, revision in each.alerts] == [2, 1]
    assert (message.open_accounts, message.open_alerts) == (2, 2)
    assert message.at_risk_minor["EUR"] == sum(round(each.priority) for each in message.accounts) > 0
    assert ROW not in site.rows
    assert site.marked.count(False) == 2, "what happened within the last day is told by itself"

    third = await site.owner()
    site.says(third, [site.failed("more", NOW)], caught_up=True, clock=NOW + 2)
    await until(lambda: site.marked.count(False) == 3)
    await third.end(patience=5)
    assert len(site.messages) == 1


async def test_where_nobody_is_told_of_anything_there_is_no_message_about_the_past_either() -> None:
    site = Site(routes=())
    task = await site.owner()
    site.says(task, [site.failed("acme", NOW - 30 * DAY)], caught_up=True, clock=NOW)
    await until(lambda: site.marked == [True])
    await task.end(patience=5)
    assert site.messages == []
    assert ROW not in site.rows
