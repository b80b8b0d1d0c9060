"""Runs native events through the pure engine: the codec, the merged order and the engine are the real ones; there is no
broker, and no clock but the events'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from schemas.alerts import Transition
from schemas.codec import decode
from schemas.errors import Rejected
from schemas.events import InputTopic
from schemas.shuffle import Fact, Usage
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.origin import Origin
from streams.detection.results import Refusal
from streams.detection.state import Account
from tests.scenarios.story import Story

OUT_OF_ORDER_MS = 600_000


@dataclass(slots=True)
class Outcome:
    """What came of a run."""

    engine: Engine
    accounts: dict[str, Account] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def honour(self, now: int) -> None:
        """Close each account at every moment that it is due, up to `now`. Nothing may be left to be found then."""
        for account in self.accounts.values():
            while account.due is not None and account.due <= now:
                self.transitions += self.engine.close(account, account.due)
            assert self.engine.close(account, now) == [], "it came due, and the due time did not say so"


def placed(events: Iterable[tuple[InputTopic, dict[str, Any]]]) -> list[Usage | Fact]:
    """Events, one partition a topic, in the merged order."""
    origins = {
        topic: Origin(
            topic, f"{topic.value}/0", homes=1, home_of=lambda _: 0, out_of_order=OUT_OF_ORDER_MS, future_tolerance=0
        )
        for topic in InputTopic
    }
    offsets = dict.fromkeys(InputTopic, 0)
    for topic, value in events:
        event = decode(topic, orjson.dumps(value))
        if isinstance(event, Rejected):
            raise AssertionError(f"the story is at fault: {event}: {value}")
        rejected = origins[topic].take(offsets[topic], event, None)
        assert rejected is None, rejected
        offsets[topic] += 1
    return sorted(
        (event for origin in origins.values() for event in dealt(origin, offsets[origin.topic])),
        key=lambda event: event.effective_at,
    )


def dealt(origin: Origin, last: int) -> Iterator[Usage | Fact]:
    """What an origin with one home has taken."""
    for home in origin.deal(last, caught_up=True):
        for record in home:
            yield from record.events


def run(
    events: Iterable[tuple[InputTopic, dict[str, Any]]],
    *,
    until: int,
    config: DetectionConfig | None = None,
    when_due: bool = False,
) -> Outcome:
    """Apply the events as their turn comes, and close every account at `until`. With `when_due` accounts are closed
    as a worker would: at the time they are due, one moment after the other."""
    outcome = Outcome(Engine(config or DetectionConfig()))
    for event in placed(events):
        if when_due:
            outcome.honour(event.effective_at)
        if event.account not in outcome.accounts:
            outcome.accounts[event.account] = Account(event.account)
        for result in outcome.engine.apply(outcome.accounts[event.account], event):
            if isinstance(result, Transition):
                outcome.transitions.append(result)
            else:
                outcome.refusals.append(result)
    if when_due:
        outcome.honour(until)
    for account in outcome.accounts.values():
        outcome.transitions += outcome.engine.close(account, until)
    return outcome


def tell(story: Story, *, config: DetectionConfig | None = None) -> Outcome:
    """Run a story and check what it expects."""
    outcome = run(story.events(), until=story.ends_at, config=config)
    story.check(outcome.transitions)
    return outcome
