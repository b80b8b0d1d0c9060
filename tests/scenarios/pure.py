"""Runs native events through the pure engine, as `streams.detection.replay` does with history: the codec, the merged
order, the due queue and the engine are the real ones; there is no broker, and no clock but the events'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.alerts import Transition
from schemas.codec import decode
from schemas.errors import Rejected
from schemas.events import InputEvent, InputTopic
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.replay import replay
from streams.detection.results import Refusal
from streams.detection.state import Account
from streams.runtime.settings import Settings
from tests.scenarios.stories import SETTINGS
from tests.scenarios.story import Story

CONFIG = Settings.model_validate(SETTINGS).detection()
NAMES = {topic: Settings().topic(topic) for topic in InputTopic}
"""What the topics are called: it decides between events of the same time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run."""

    engine: Engine
    accounts: dict[str, Account]
    transitions: list[Transition]
    refusals: list[Refusal]
    unknown: int = 0
    """Events whose account was not known in time."""


def decoded(events: Iterable[tuple[InputTopic, dict[str, Any]]]) -> Iterator[tuple[InputTopic, str, InputEvent]]:
    """Events as they come out of the codec, with the names of their topics."""
    for topic, value in events:
        event = decode(topic, orjson.dumps(value))
        if isinstance(event, Rejected):
            raise AssertionError(f"the story is at fault: {event}: {value}")
        yield topic, NAMES[topic], event


def run(
    events: Iterable[tuple[InputTopic, dict[str, Any]]],
    *,
    until: int,
    config: DetectionConfig | None = None,
    park_ids: tuple[str, ...] = (),
) -> Outcome:
    """Replay the events, and let the time go on `until` (ms)."""
    engine = Engine(config or CONFIG)
    done = replay(decoded(events), engine, end=until, park_ids=park_ids)
    return Outcome(engine, done.accounts, done.transitions, [each.refusal for each in done.refused], done.unknown)


def tell(story: Story, *, config: DetectionConfig | None = None) -> Outcome:
    """Run a story and check what it expects."""
    outcome = run(story.events(), until=story.ends_at, config=config or CONFIG)
    story.check(outcome.transitions)
    return outcome
