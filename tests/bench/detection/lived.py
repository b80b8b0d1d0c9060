"""The live engine over a simulated fleet with all kinds of alerts: how many of each there are, how many of them nothing
explains, and whether health says who will be lost."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from schemas.alerts import Kind, Severity, Transition
from schemas.codec import decode
from schemas.errors import Rejected
from streams.detection.config import DAY_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.replay import Replay
from streams.simulator import FleetPlan, simulate, truths
from streams.simulator.names import CORE, INTENT
from streams.simulator.score import YEAR_MS, episodes
from streams.simulator.truth import Truth

AHEAD: Final = 90 * DAY_MS
_FIRST: Final = 90
_EVERY: Final = 15
CONFIG: Final = DetectionConfig(key_actions=CORE, intent_events=INTENT)
"""As a company would set it: what people come for, and what precedes leaving."""


class Looked(NamedTuple):
    """An account at one moment: its health, and whether it was lost within 90 days."""

    health: int
    lost: bool


class Tenth(NamedTuple):
    """Some of the looks, by health."""

    least: int
    most: int
    looks: int
    lost: float
    """Share."""


class OfKind(NamedTuple):
    """Alerts of a kind that were more than a watch; `unexplained`: with nothing in the account's story behind them."""

    kind: Kind
    alerts: int
    unexplained: int
    watches: int
    """Those that stayed one."""


@dataclass(frozen=True, slots=True)
class Lived:
    """What came of a fleet."""

    account_years: float
    kinds: tuple[OfKind, ...]
    tenths: tuple[Tenth, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "account_years": self.account_years,
            "kinds": [each._asdict() for each in self.kinds],
            "tenths": [each._asdict() for each in self.tenths],
        }


def live(plan: FleetPlan, config: DetectionConfig = CONFIG) -> Lived:
    """Take a fleet through its days. Every account is looked at twice a month, from its 90th day on, until 90 days
    before the end."""
    told = truths(plan)
    engine = Engine(config)
    looked: list[Looked] = []

    def look() -> None:
        day = engine.habits.closed - plan.start // DAY_MS
        at = plan.start + (day + 1) * DAY_MS
        if day < _FIRST or day % _EVERY or at > plan.end - AHEAD:
            return
        for truth in told:
            end = truth.lost_at
            if truth.account_id in engine.habits.rows and not (end is not None and end <= at):
                health = engine.picture(replay.account(truth.account_id), at).health
                looked.append(Looked(health, end is not None and end <= at + AHEAD))

    replay = Replay(engine, closed=look)
    for event in simulate(plan):
        decoded = decode(event.topic, orjson.dumps(event.value))
        assert not isinstance(decoded, Rejected)
        replay.take(event.topic, event.topic.value, decoded)
    replay.end(plan.end)
    there = sum(min(truth.lost_at or plan.end, plan.end) - max(truth.started_at, plan.start) for truth in told)
    return Lived(there / YEAR_MS, _by_kind(told, replay.transitions), tuple(tenths(looked)))


def _by_kind(told: Iterable[Truth], transitions: Sequence[Transition]) -> tuple[OfKind, ...]:
    causes = {truth.account_id: truth.causes for truth in told}
    alerts, unexplained = Counter[str](), Counter[str]()
    for episode in episodes(transitions):
        alerts[episode.kind] += 1
        explained = any(each.explains(episode.kind, episode.opened_at) for each in causes.get(episode.account_id, ()))
        unexplained[episode.kind] += not explained
    every = Counter(episode.kind for episode in episodes(transitions, Severity.WATCH))
    return tuple(
        OfKind(kind, alerts[kind], unexplained[kind], every[kind] - alerts[kind]) for kind in Kind if every[kind]
    )


def tenths(found: Sequence[Looked]) -> list[Tenth]:
    """By health, the least healthy first. Those of one health stay together, so that there may be fewer than ten."""
    ordered = sorted(found)
    values = [each.health for each in ordered]
    ends: list[int] = []
    for number in range(1, 11):
        end = bisect_right(values, values[-(-number * len(values) // 10) - 1])
        ends += [end] if end > (ends[-1] if ends else 0) else []
    parts = [ordered[first:end] for first, end in zip([0, *ends], ends, strict=False)]
    return [
        Tenth(part[0].health, part[-1].health, len(part), sum(each.lost for each in part) / len(part)) for part in parts
    ]
