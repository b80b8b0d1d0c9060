"""A product that is given up beside another one, that falls to a part of itself, and from which use moves to the other:
found by the live engine, with sources apart and without."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from schemas.alerts import ENGAGEMENT_KINDS, Kind, Transition
from streams.detection.config import DAY_MS, DetectionConfig
from streams.simulator import FleetPlan, World, daily_counts
from streams.simulator.score import YEAR_MS, episodes
from streams.simulator.truth import Truth
from tests.bench.detection.counted import Counted
from tests.bench.detection.retold import FALLS, MOVES, Stories, retold
from tests.bench.detection.simulated import MIXED

WORLD: Final = World(second_product=0.5, second_product_stops=0.3)
WITHIN: Final = (14, 30, 60)
GIVEN_UP: Final = "given up"
STORIES: Final = (GIVEN_UP, FALLS, MOVES)


@dataclass(frozen=True, slots=True)
class Product:
    """How a fleet with two products came out. By story the cases, and the shares of them with an alert within so many
    days: a move is none to be found. `false_alarms` an account-year in which an alert would have been one; `with_two`
    of the accounts that have both products."""

    apart: bool
    asked: float
    cases: dict[str, int]
    found: dict[str, tuple[float, ...]]
    false_alarms: float
    with_two: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        names = [f"r{days}" for days in WITHIN]
        return {
            "apart": self.apart,
            "asked": self.asked,
            "cases": self.cases,
            "found": {story: dict(zip(names, shares, strict=True)) for story, shares in self.found.items()},
            "false_alarms": self.false_alarms,
            "false_alarms_with_two": self.with_two,
        }


def plan_of(accounts: int, seed: int) -> FleetPlan:
    """As the fleets of the guards are."""
    return replace(MIXED, accounts=accounts, days=550, seed=seed, last_change_day=500, world=WORLD)


def products(accounts: int, seeds: int, asked: float) -> list[Product]:
    """Without sources, and with them."""
    plans = [plan_of(accounts, seed) for seed in range(1, seeds + 1)]
    fleets = [(plan, *retold(plan, daily_counts(plan))) for plan in plans]
    config = DetectionConfig(alert_false_alarms=asked)
    return [
        _product(
            [(Counted(plan, counts, config, apart=apart), stories) for plan, counts, stories in fleets],
            asked,
            apart=apart,
        )
        for apart in (False, True)
    ]


def _product(told: Iterable[tuple[Counted, Stories]], asked: float, *, apart: bool) -> Product:
    delays: dict[str, list[float]] = {story: [] for story in STORIES}
    false = {True: 0, False: 0}
    years = {True: 0.0, False: 0.0}
    for each, stories in told:
        opened: dict[str, list[int]] = {}
        for episode in episodes(_on_usage(each.transitions)):
            opened.setdefault(episode.account_id, []).append(episode.opened_at)
        for account_id, truth in each.truths.items():
            begins = each.monitored.get(account_id, each.plan.end)
            story, changed = _story(truth, stories, each.plan)
            own = opened.get(account_id, [])
            two = truth.second_product
            years[two] += max(0, changed - begins) / YEAR_MS
            false[two] += sum(at < changed for at in own)
            if story is not None and begins <= changed:
                after = [at - changed for at in own if at >= changed]
                delays[story].append(min(after) / DAY_MS if after else np.inf)
    return Product(
        apart,
        asked,
        {story: len(late) for story, late in delays.items()},
        {story: tuple(float((np.array(late) <= days).mean()) for days in WITHIN) for story, late in delays.items()},
        sum(false.values()) / sum(years.values()),
        false[True] / years[True],
    )


def _story(truth: Truth, stories: Stories, plan: FleetPlan) -> tuple[str | None, int]:
    """The story of a second product, if there is one, and when the account's own begins."""
    if truth.account_id in stories:
        story, day = stories[truth.account_id]
        return story, plan.start + day * DAY_MS
    return None if truth.second_stopped_at is None else GIVEN_UP, changed_at(truth, plan.end)


def changed_at(truth: Truth, end: int) -> int:
    """When the account's story begins."""
    return min(truth.changed_at or end, truth.second_stopped_at or end)


def _on_usage(transitions: Iterable[Transition]) -> list[Transition]:
    return [each for each in transitions if each.kind in ENGAGEMENT_KINDS and each.kind is not Kind.ONBOARDING_STALLED]
