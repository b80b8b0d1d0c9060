"""Routes of one channel: together they go as fast as one webhook may, and wait together."""

import asyncio
import time

import pytest
from aiohttp import ClientSession
from pydantic import SecretStr

from alerting.bucket import Bucket
from alerting.delivery.answers import OK, Answer, Verdict
from alerting.delivery.attempt import attempt
from alerting.delivery.slack import SlackChannel
from alerting.outbox import Outbox
from alerting.outbox_rows import Row
from alerting.policy import MINUTE, SECOND, DeliveryPolicy
from alerting.routing import Route
from tests.unit.alerting.samples import AT, notification
from tests.unit.alerting.slack_server import SlackServer
from tests.unit.alerting.virtual_delivery import VirtualDelivery

NAMES = ("default", "emea", "sales")
ROUTES = [Route(name) for name in NAMES]
OTHER = Route("other", "other")
LATER = AT + 30 * SECOND + 100
"""The answers to what was sent after half a minute are there."""


def is_well(_row: Row, _now: int) -> tuple[Answer, int]:
    return OK, 10


def fill(world: VirtualDelivery, *routes: str, number: int = 20) -> None:
    for sequence in range(number):
        for route in routes:
            world.add(sequence, notification(route, alert_id=f"{sequence:016x}"))


def test_routes_of_one_channel_send_one_message_a_second_between_them_and_take_turns() -> None:
    world = VirtualDelivery([*ROUTES, OTHER], is_well)
    fill(world, *NAMES)
    world.run_until(LATER)
    assert len(world.sent) == 3 + 30
    assert {route: len(world.delivered(route)) for route in NAMES} == dict.fromkeys(NAMES, 11)
    fill(world, "other", number=3)
    assert [sent.at for sent in world.sent if sent.row.route == "other"] == [], "answers are on their way"
    world.run_until(LATER + 100)
    assert len(world.delivered("other")) == 3, "another channel has a bucket of its own"


def test_that_holds_across_restarts() -> None:
    world = VirtualDelivery(ROUTES, is_well, restart_every=1)
    fill(world, *NAMES)
    world.run_until(LATER)
    assert world.restarts > 10
    assert len(world.sent) == 3 + 30


@pytest.mark.parametrize("limited", [Answer(429, "rate_limited", retry_after=60), Answer(503, retry_after=60)])
def test_a_wait_that_is_asked_of_one_route_is_kept_by_all_of_its_channel_also_after_a_restart_and_by_no_other(
    limited: Answer,
) -> None:
    world = VirtualDelivery([*ROUTES, OTHER], lambda _row, now: (OK if now > AT + SECOND else limited, 10))
    fill(world, "emea", number=1)
    world.run_until(AT + SECOND + 1)
    world.outbox = Outbox.restore(world.table.items(), world.routes, draw=world.draw)
    for route in ("default", "sales", "other"):
        world.add(7, notification(route))
    world.run_until(AT + 5 * MINUTE)
    first = {sent.row.route: sent.at for sent in reversed(world.sent) if sent.verdict is Verdict.DELIVERED}
    assert first.keys() == {*NAMES, "other"}
    assert first.pop("other") == AT + SECOND + 1
    assert min(first.values()) >= AT + 60 * SECOND


def test_a_channel_gets_one_message_at_a_time_whichever_routes_they_are_of() -> None:
    outbox = Outbox([*ROUTES, OTHER], draw=lambda: 0.5)
    for route in (*NAMES, "other"):
        outbox.add(0, notification(route), AT)
    first, other = outbox.next(AT), outbox.next(AT)
    assert first is not None
    assert other is not None
    assert {first.route in NAMES, other.route in NAMES} == {True, False}
    assert outbox.next(AT) is None, "what it answers may be that the others have to wait"
    assert outbox.wake_at(AT) is None
    outbox.answered(first if first.route in NAMES else other, Answer(429, "rate_limited", retry_after=60), AT)
    assert outbox.next(AT + 60 * SECOND) is None
    assert outbox.next(AT + 60 * SECOND + 1) is not None


async def test_two_routes_on_one_webhook_over_http() -> None:
    policy = DeliveryPolicy(bucket=Bucket(interval_ms=50, burst=2))
    routes = [Route("a"), Route("b")]
    outbox = Outbox(routes, policy, draw=lambda: 0.5)
    for sequence in range(6):
        for route in routes:
            outbox.add(sequence, notification(route.name, alert_id=f"{sequence:016x}"), now())
    began = time.monotonic()
    async with SlackServer() as slack, ClientSession() as session:
        channel = SlackChannel(session, SecretStr(slack.url))

        async def send(row: Row) -> None:
            outbox.answered(row, await attempt(row, channel), now())

        while (wake_at := outbox.wake_at(now())) is not None:
            await asyncio.sleep(max(0, wake_at - now()) / 1_000)
            await asyncio.gather(*(send(row) for row in iter(lambda: outbox.next(now()), None)))
    assert len(slack.received) == 12
    assert time.monotonic() - began >= 10 * 0.05 - 0.005, "two at once, ten that wait for each other"


def now() -> int:
    return time.time_ns() // 1_000_000
