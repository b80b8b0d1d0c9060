"""Every story, on the pure engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas.alerts import Transition
from tests.scenarios.pure import run, tell
from tests.scenarios.stories import STORIES
from tests.scenarios.story import Story


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_it_goes_as_told(story: Callable[[], Story]) -> None:
    outcome = tell(story())
    assert outcome.refusals == []


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_told_again_it_is_the_same_story(story: Callable[[], Story]) -> None:
    assert story().events() == story().events()


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_looked_at_only_when_it_is_due_it_goes_the_same(story: Callable[[], Story]) -> None:
    it = story()
    plainly = run(it.events(), until=it.ends_at)
    when_due = run(it.events(), until=it.ends_at, when_due=True)
    assert by_account(when_due.transitions) == by_account(plainly.transitions)
    for account_id, account in plainly.accounts.items():
        assert when_due.accounts[account_id].encode() == account.encode()


def by_account(transitions: list[Transition]) -> dict[str, list[Transition]]:
    """Each account's transitions, in order."""
    found: dict[str, list[Transition]] = {}
    for each in transitions:
        found.setdefault(each.account_id, []).append(each)
    return found


def test_a_story_that_goes_otherwise_is_told_apart() -> None:
    it = Story()
    it.daily_use("acme", users=5, days=60).expect("usage_silence", opened_between=(60, 70))
    with pytest.raises(AssertionError, match="acme: usage_silence was never opened"):
        tell(it)
    it = Story()
    it.daily_use("acme", users=5, days=60).then_silence(days=9).expect("usage_silence", opened_between=(3, 4))
    with pytest.raises(AssertionError, match=r"was opened on day 6\d\.\d\d, not in \(3, 4\)"):
        tell(it)
    it = Story()
    it.daily_use("acme", users=5, days=60).then_silence(days=9).expect_no()
    with pytest.raises(AssertionError, match="there was usage_silence at watch"):
        tell(it)
