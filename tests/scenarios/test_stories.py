"""Every story, on the pure engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas.alerts import Transition
from schemas.events import InputTopic
from streams.detection.engine import Engine
from streams.detection.origin import Origin
from tests.plain import in_order
from tests.scenarios.pure import CONFIG, NAMES, Outcome, decoded, run, tell
from tests.scenarios.stories import STORIES
from tests.scenarios.story import Story

_SOME = [
    story if number % 5 == 0 else pytest.param(story, marks=pytest.mark.thorough)
    for number, story in enumerate(STORIES)
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_it_goes_as_told(story: Callable[[], Story]) -> None:
    outcome = tell(story())
    assert outcome.refusals == []


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_told_again_it_is_the_same_story(story: Callable[[], Story]) -> None:
    assert story().events() == story().events()


@pytest.mark.parametrize("story", _SOME, ids=lambda story: story.__name__)
def test_without_a_home_it_goes_the_same(story: Callable[[], Story]) -> None:
    it = story()
    at_home = run(it.events(), until=it.ends_at, config=CONFIG)
    in_order_of_events = one_event_after_the_other(it)
    assert by_account(at_home.transitions) == by_account(in_order_of_events.transitions)
    assert set(at_home.accounts) == set(in_order_of_events.accounts)
    for account_id, account in at_home.accounts.items():
        assert account.encode() == in_order_of_events.accounts[account_id].encode()


def one_event_after_the_other(story: Story) -> Outcome:
    """The same without a home, its merge and its due queue."""
    inputs = {
        topic: Origin(topic, NAMES[topic], homes=1, home_of=lambda _: 0, out_of_order=600_000, future_tolerance=0)
        for topic in InputTopic
    }
    for offset, (topic, _, event) in enumerate(decoded(story.events())):
        inputs[topic].take(offset, event, None)
    records = [record for origin in inputs.values() for record in origin.deal(0, caught_up=True, most=1 << 30)[0]]
    placed = [(row.effective_at, record.origin, row.offset, row) for record in records for row in record.events]
    plain = in_order(placed, Engine(CONFIG), story.ends_at)
    transitions = [each for told in plain.told.values() for each in told]
    return Outcome(plain.engine, plain.accounts, transitions, [each.refusal for each in plain.refused])


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
