"""What comes due at one time need not be done in one go: it can be stored amid it, and left to the next owner."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from unittest.mock import patch

import pytest

from schemas.alerts import Transition
from schemas.events import InputTopic
from schemas.shuffle import ShuffleRecord
from streams.detection import home as module
from streams.detection.config import DAY_MS, HOUR_MS, DetectionConfig
from streams.detection.due_queue import DueQueue
from streams.detection.engine import Engine
from streams.detection.home import Home
from streams.detection.merge import Merge, Progress
from tests.scenarios.pure import run
from tests.scenarios.story import Story

pytestmark = pytest.mark.slow

ORIGIN = "product-usage/0"
ACCOUNTS = ("acme", "bolt", "corp", "dune")


@pytest.fixture(scope="module")
def busy() -> tuple[dict[str, bytes], int]:
    """Accounts that were in daily use until now, as they are stored."""
    story = Story()
    for number, account in enumerate(ACCOUNTS):
        story.daily_use(account, days=60)
        if number % 2:  # the others fall silent
            story.account(account).subscribes().cancels(in_days=9 + number // 2)
    accounts = run(story.events(), until=story.ends_at).accounts
    return {account: accounts[account].encode() for account in ACCOUNTS}, story.ends_at


def opened(rows: dict[str, bytes], progress: Progress, now: int) -> Home:
    """A home partition that hears that nothing has happened until now."""
    home = Home(Engine(DetectionConfig()), Merge(frozenset({ORIGIN}), progress), rows.get)
    home.enter(rows.items())
    home.receive(progress.read, ShuffleRecord(InputTopic.USAGE, ORIGIN, -1, now, True, ()))
    return home


def told(transitions: Iterable[Transition]) -> set[tuple[str, str, int]]:
    return {(each.account_id, each.kind, each.at) for each in transitions}


@pytest.mark.parametrize("owners_end_after", [2, *(pytest.param(each, marks=pytest.mark.thorough) for each in (1, 3))])
def test_whoever_takes_over_amid_what_is_due_does_the_rest(
    busy: tuple[dict[str, bytes], int], owners_end_after: int
) -> None:
    stored, at = busy
    now = at + 30 * DAY_MS
    begun = Progress(0, 0, at, {ORIGIN: (-1, at)}, closed=(at - HOUR_MS) // DAY_MS - 1)
    undisturbed = opened(stored, begun, now)
    list(undisturbed.step(idle=True))
    expected = told(undisturbed.take(pictures=0).transitions)
    assert {account for account, _, _ in expected} == set(ACCOUNTS)

    rows, progress, found = dict(stored), begun, set[tuple[str, str, int]]()
    with patch.object(module, "BREATH", 1):
        for _ in range(200):
            home, left = opened(rows, progress, now), owners_end_after
            for whole in home.step(idle=True):
                left -= whole
                if not left:
                    break
            output = home.take(pictures=0)
            rows.update(output.rows)
            progress = output.progress
            found |= told(output.transitions)
    assert found == expected
    assert progress.clock == now


def test_due_times_that_are_put_off_again_and_again_leave_nothing_behind() -> None:
    queue = DueQueue()
    for account in ACCOUNTS:
        queue.put(account, 9_000)
    for due in range(1, 10_000):
        queue.put("acme", due)
    assert len(queue._times) < 100  # no use of it tells
    assert list(queue.until(9_000)) == ["bolt", "corp", "dune"]
    assert list(queue.until(9_999)) == ["acme"]


def test_those_who_were_left_in_the_middle_are_still_due() -> None:
    queue = DueQueue()
    for account in ACCOUNTS:
        queue.put(account, 10)
    leaving: Any = queue.until(10)
    assert next(leaving) == "acme"
    queue.put("bolt", 20)
    leaving.close()
    assert list(queue.until(10)) == ["corp", "dune"]
    assert list(queue.until(20)) == ["bolt"]
    assert len(queue) == 0
