"""Outbox, renderer and Slack channel together, on the real clock against a real server."""

import asyncio
import time
from random import Random

from aiohttp import ClientSession
from pydantic import SecretStr

from alerting.bucket import Bucket
from alerting.delivery import Channel
from alerting.delivery.answers import Verdict
from alerting.delivery.attempt import attempt
from alerting.delivery.slack import SlackChannel
from alerting.outbox import Outbox
from alerting.policy import DeliveryPolicy
from alerting.routing import Route
from tests.unit.alerting import slack_server as moods
from tests.unit.alerting.samples import notification
from tests.unit.alerting.slack_server import SlackServer, says

QUICK = DeliveryPolicy(first_wait=20, longest_wait=100, limited_wait=50, bucket=Bucket(interval_ms=5, burst=3))
ROUTES = [Route()]


def now() -> int:
    return time.time_ns() // 1_000_000


async def deliver_all(outbox: Outbox, channel: Channel) -> list[tuple[int, Verdict]]:
    """What a worker does, until nothing waits any more."""
    verdicts: list[tuple[int, Verdict]] = []
    while (wake_at := outbox.wake_at(now())) is not None:
        await asyncio.sleep(max(0, wake_at - now()) / 1_000)
        while (row := outbox.next(now())) is not None:
            answer = await attempt(row, channel)
            verdicts.append((row.sequence, outbox.answered(row, answer, now())))
    return verdicts


async def test_a_slack_in_all_its_moods_gets_every_message_once_and_in_order() -> None:
    outbox = Outbox(ROUTES, QUICK, draw=Random(7).random)
    for sequence in range(12):
        outbox.add(sequence, notification(revision=sequence + 1, headline=f"Message {sequence}."), now())
    async with SlackServer() as slack, ClientSession() as session:
        slack.moods = [
            *(moods.ok, says(500), moods.hangs, moods.resets, moods.ok),
            *(says(429), says(429, Retry_After="0.1"), moods.ok, says(400, "invalid_blocks"), moods.ok),
            *(says(502, "<html>"), moods.never_ends, moods.ok),
        ]
        channel = SlackChannel(session, SecretStr(slack.url), timeout_ms=200)
        verdicts = await deliver_all(outbox, channel)
    delivered = [sequence for sequence, verdict in verdicts if verdict is Verdict.DELIVERED]
    assert delivered == list(range(12))
    taken = [message["text"].split("\n")[1] for message, verdict in zip(slack.received, verdicts, strict=True)]
    assert [text for text, (_, v) in zip(taken, verdicts, strict=True) if v is Verdict.DELIVERED] == [
        f"Message {sequence}." for sequence in range(12)
    ]
    assert {verdict for _, verdict in verdicts} == {
        *(Verdict.DELIVERED, Verdict.SERVER_ERROR, Verdict.TIMEOUT, Verdict.CONNECTION_ERROR),
        *(Verdict.RATE_LIMITED, Verdict.REJECTED),
    }
    assert [key for key, _ in outbox.changed().rows] == ["default/"], "nothing waits any more"
