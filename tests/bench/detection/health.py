"""Whether health says who will be lost: the share of accounts lost within 90 days, by tenths of their health, in a
simulated fleet that the live engine goes through."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

import orjson

from schemas.codec import decode
from schemas.errors import Rejected
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.replay import DAY_MS, Replay
from streams.simulator import FleetPlan, simulate, truths

AHEAD: Final = 90 * DAY_MS
_FIRST: Final = 90
_EVERY: Final = 15


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


def looks(plan: FleetPlan, config: DetectionConfig | None = None) -> list[Looked]:
    """Look at every account twice a month, from its 90th day on, until 90 days before the end."""
    lost_at = {truth.account_id: truth.lost_at for truth in truths(plan)}
    engine = Engine(config or DetectionConfig())
    found: list[Looked] = []

    def look() -> None:
        day = engine.habits.closed - plan.start // DAY_MS
        at = plan.start + (day + 1) * DAY_MS
        if day < _FIRST or day % _EVERY or at > plan.end - AHEAD:
            return
        for account_id, end in lost_at.items():
            if account_id in engine.habits.rows and not (end is not None and end <= at):
                health = engine.picture(replay.account(account_id), at).health
                found.append(Looked(health, end is not None and end <= at + AHEAD))

    replay = Replay(engine, closed=look)
    for event in simulate(plan):
        told = decode(event.topic, orjson.dumps(event.value))
        assert not isinstance(told, Rejected)
        replay.take(event.topic, event.topic.value, told)
    replay.end(plan.end)
    return found


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
