"""A thousand transitions through a broker, gathered by account, to a Slack in every mood, by workers that die."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from alerting.notification import Undelivered
from alerting.policy import DeliveryPolicy
from schemas.instants import format_instant
from streams.broker import KafkaBroker
from streams.cli.reading import read_all
from tests.e2e.harness import Application, application, eventually
from tests.e2e.slack import HANG, RESET, Asked, Slack

ACCOUNTS = 40
ATTEMPTS = 27
ROUND_SECONDS = 1.0
KILLS = 3
MOODS = {200: 60, 429: 8, 500: 6, 503: 6, HANG: 4, RESET: 8, 400: 8}
JITTER_SECONDS = 0.25
"""By which a request may seem early: it was later at its sender than the one before was at its receiver."""


async def fail_payments(app: Application, producer: AIOKafkaProducer, attempt: int) -> None:
    """Every account's payment fails once more."""
    now = int(time.time() * 1_000)
    for number in range(ACCOUNTS):
        event: dict[str, Any] = {
            "account_id": f"acct-{number:02}",
            "type": "payment.failed",
            "occurred_at": format_instant(now),
            "invoice_id": f"in-{number}",
            "amount_minor": 4_900,
            "currency": "EUR",
            "attempt": attempt,
            "next_attempt_at": format_instant(now + 3 * 86_400_000),
        }
        key = event["account_id"].encode()  # an attempt that is overtaken by the next one is no transition
        await producer.send(app.settings.topic("billing"), json.dumps(event).encode(), key=key)
    await producer.flush()


def said(text: str) -> tuple[str, int]:
    """The account that a message is about, and the attempt that it tells of."""
    account, attempt = re.search(r": (acct-\d\d)\n", text), re.search(r"at attempt (\d+)", text)
    assert account is not None, text
    assert attempt is not None, text
    return account.group(1), int(attempt.group(1))


@pytest.mark.slow
@pytest.mark.timeout(420)
async def test_none_of_a_thousand_transitions_is_lost_and_what_waits_grows_together(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    random = Random(7)
    slack = Slack(retry_after=2)
    slack.draw = lambda: random.choices(list(MOODS), list(MOODS.values()))[0]
    slack.slow = lambda: random.random() < 0.3
    app = await application(
        kafka,
        tmp_path,
        clock="wall",
        slack_webhook_url=slack.url,
        slack_timeout="1s",
        group_wait="1s",
        group_interval="4s",
    )
    async with slack, AIOKafkaProducer(bootstrap_servers=app.settings.brokers) as producer:
        attempt = 0
        for life in range(KILLS + 1):
            async with app.worker() as worker:
                last = ATTEMPTS if life == KILLS else attempt + ATTEMPTS // (KILLS + 1)
                while attempt < last:
                    attempt += 1
                    await fail_payments(app, producer, attempt)
                    await asyncio.sleep(ROUND_SECONDS)
                if life < KILLS:
                    await _until_no_wait_is_fresh(slack)
                    worker.process.kill()
                    continue
                await eventually(lambda: _all_told(app, slack), "the last attempt of every account", patience=240)
                await asyncio.sleep(3)  # time for one too many
    transitions = [each for each in await app.transitions() if each.kind.value == "payment_failed"]
    assert 1_000 < len(transitions) <= ACCOUNTS * ATTEMPTS
    told = [said(each["text"]) for each in slack.delivered]
    refused = await _refused(app)
    by_account: dict[str, list[int]] = defaultdict(list)
    for account, number in told:
        by_account[account].append(number)
    repeated = sum(before == after for numbers in by_account.values() for before, after in pairwise(numbers))
    print(f"{len(transitions)} transitions, {len(slack.asked)} requests, {len(told)} messages, {repeated} repeated by "
          f"{KILLS} kills, {len(refused)} refused for good")  # fmt: skip
    assert repeated <= KILLS
    for numbers in by_account.values():
        assert numbers == sorted(numbers)
    assert {(account, ATTEMPTS) for account in by_account} <= set(told) | set(refused)
    assert len(by_account) == ACCOUNTS
    assert len(told) < len(transitions) / 3, "what waits grows together"
    _check_pace(slack.asked, slack.retry_after)


async def _refused(app: Application) -> list[tuple[str, int]]:
    """What was refused as plain text, too, and is on the undelivered topic."""
    records = [each async for each in read_all(app.settings, app.settings.undelivered_topic)]
    notes = [Undelivered.decode(each.value).notification for each in records]
    return [said(f": {_account(each.encode())}\n{each.encode().decode()}") for each in notes]


def _account(note: bytes) -> str:
    found = re.search(rb'"account_id":"(acct-\d\d)"', note)
    assert found is not None
    return found.group(1).decode()


async def _all_told(app: Application, slack: Slack) -> bool:
    told = {said(each["text"]) for each in slack.delivered} | set(await _refused(app))
    return all((f"acct-{number:02}", ATTEMPTS) in told for number in range(ACCOUNTS))


async def _until_no_wait_is_fresh(slack: Slack) -> None:
    """A worker that is killed before it could store that it was asked to wait cannot know of it."""

    async def stored() -> bool:
        limited = [each for each in slack.asked if each.status == 429]
        return not limited or time.monotonic() - (limited[-1].answered_at or 0) > 1

    await eventually(stored, "a moment without a 429")


def _check_pace(asked: list[Asked], retry_after: int) -> None:
    """Never more than a second's message and a small burst, and nothing while asked to wait."""
    bucket = DeliveryPolicy().bucket
    times = [each.at for each in asked]
    for first, start in enumerate(times):
        for last in range(first, len(times)):
            allowed = bucket.burst + (times[last] - start + JITTER_SECONDS) * 1_000 / bucket.interval_ms
            assert last - first + 1 <= allowed
    for each, following in pairwise(asked):
        if each.status == 429:
            assert each.answered_at is not None
            assert following.at - each.answered_at >= retry_after
