"""Many transitions through a broker, gathered by account, to a Slack in every mood, by workers that die."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import defaultdict
from dataclasses import dataclass
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

ROUND_SECONDS = 1.0
MOODS = {200: 60, 429: 8, 500: 6, 503: 6, HANG: 4, RESET: 8, 400: 8}
JITTER_SECONDS = 0.25
"""By which a request may seem early: it was later at its sender than the one before was at its receiver."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is told."""

    accounts: int
    attempts: int
    """For each account."""
    kills: int
    transitions: int
    """More than that."""

    def names(self) -> list[str]:
        return [f"acct-{number:02}" for number in range(self.accounts)]


HUNDRED = Size(accounts=12, attempts=12, kills=1, transitions=100)
THOUSAND = Size(accounts=40, attempts=27, kills=3, transitions=1_000)


async def fail_payments(app: Application, producer: AIOKafkaProducer, accounts: list[str], attempt: int) -> None:
    """Every account's payment fails once more."""
    now = int(time.time() * 1_000)
    for account in accounts:
        event: dict[str, Any] = {
            "account_id": account,
            "type": "payment.failed",
            "occurred_at": format_instant(now),
            "invoice_id": f"in-{account}",
            "amount_minor": 4_900,
            "currency": "EUR",
            "attempt": attempt,
            "next_attempt_at": format_instant(now + 3 * 86_400_000),
        }
        key = account.encode()  # an attempt that is overtaken by the next one is no transition
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
@pytest.mark.parametrize("size", [HUNDRED, pytest.param(THOUSAND, marks=pytest.mark.thorough)], ids=["100", "1000"])
async def test_none_of_many_transitions_is_lost_and_what_waits_grows_together(
    kafka: KafkaBroker, tmp_path: Path, size: Size
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
        for life in range(size.kills + 1):
            async with app.worker() as worker:
                last = size.attempts if life == size.kills else attempt + size.attempts // (size.kills + 1)
                while attempt < last:
                    attempt += 1
                    await fail_payments(app, producer, size.names(), attempt)
                    await asyncio.sleep(ROUND_SECONDS)
                if life < size.kills:
                    await _until_no_wait_is_fresh(slack)
                    worker.process.kill()
                    continue
                await eventually(lambda: _all_told(app, slack, size), "the last attempt of every account", patience=240)
                await asyncio.sleep(3)  # time for one too many
    transitions = [each for each in await app.transitions() if each.kind.value == "payment_failed"]
    assert size.transitions < len(transitions) <= size.accounts * size.attempts
    told = [said(each["text"]) for each in slack.delivered]
    refused = await _refused(app)
    by_account: dict[str, list[int]] = defaultdict(list)
    for account, number in told:
        by_account[account].append(number)
    repeated = sum(before == after for numbers in by_account.values() for before, after in pairwise(numbers))
    print(f"{len(transitions)} transitions, {len(slack.asked)} requests, {len(told)} messages, {repeated} repeated by "
          f"{size.kills} kills, {len(refused)} refused for good")  # fmt: skip
    assert repeated <= size.kills
    for numbers in by_account.values():
        assert numbers == sorted(numbers)
    assert {(account, size.attempts) for account in by_account} <= set(told) | set(refused)
    assert len(by_account) == size.accounts
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


async def _all_told(app: Application, slack: Slack, size: Size) -> bool:
    told = {said(each["text"]) for each in slack.delivered} | set(await _refused(app))
    return all((account, size.attempts) in told for account in size.names())


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
