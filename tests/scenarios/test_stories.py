"""Every story, on the pure engine."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter

import pytest

from schemas.alerts import Transition
from schemas.events import InputTopic
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.origin import Origin
from streams.detection.state import Account
from tests.scenarios.pure import NAMES, Outcome, decoded, run, tell
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
    when_due = run(it.events(), until=it.ends_at)
    at_events = looked_at_only_when_something_happens(it)
    assert by_account(when_due.transitions) == by_account(at_events.transitions)
    assert set(when_due.accounts) == set(at_events.accounts)
    for account_id, account in when_due.accounts.items():
        assert when_due.engine.close(account, it.ends_at) == [], "it was due, and nobody looked"
        assert account.encode() == at_events.accounts[account_id].encode()


def looked_at_only_when_something_happens(story: Story) -> Outcome:
    """The same without a due queue: an account is brought up to date by its own events, and at the story's end."""
    outcome = Outcome(Engine(DetectionConfig()), {}, [], [])
    inputs = {
        topic: Origin(topic, NAMES[topic], homes=1, home_of=lambda _: 0, out_of_order=600_000, future_tolerance=0)
        for topic in InputTopic
    }
    for offset, (topic, _, event) in enumerate(decoded(story.events())):
        inputs[topic].take(offset, event, None)
    records = [record for origin in inputs.values() for record in origin.deal(0, caught_up=True, most=1 << 30)[0]]
    placed = [(row.effective_at, record.origin, row.offset, row) for record in records for row in record.events]
    for *_, row in sorted(placed, key=itemgetter(0, 1, 2)):
        account = outcome.accounts.setdefault(row.account, Account(row.account))
        for result in outcome.engine.apply(account, [row]):
            if isinstance(result, Transition):
                outcome.transitions.append(result)
            else:
                outcome.refusals.append(result.refusal)
    for account in outcome.accounts.values():
        outcome.transitions.extend(outcome.engine.close(account, story.ends_at))
    return outcome


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
