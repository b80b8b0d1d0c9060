"""What else may happen to a second product: it falls to a part of itself, or most of its use moves to the first one.

Counts of accounts that have no story are changed from a day on. To leave out events by chance is to draw from the same
distribution with a smaller mean, and what moves changes nothing in the whole.
"""

from array import array
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np

from streams.detection.config import DAY_MS
from streams.simulator import Change, FleetPlan
from streams.simulator.fleet import DailyCounts
from streams.simulator.world import PRODUCT, SECOND

FALLS: Final = "falls"
MOVES: Final = "moves"
KEPT: Final = 0.3
"""What is left of the second product."""

Stories = dict[str, tuple[str, int]]
"""By account: which story, and its day (0 is the span's first)."""


def retold(plan: FleetPlan, accounts: Iterable[DailyCounts]) -> tuple[tuple[DailyCounts, ...], Stories]:
    """The accounts, of which a third of those with two products and no story falls, and a third moves."""
    random = np.random.default_rng(plan.seed)
    first, last = plan.change_days
    found, stories = [], Stories()
    for account in accounts:
        truth, chance, when = account.truth, random.random(), random.random()
        day = first + int(when * (last - first + 1))
        free = truth.second_product and truth.change is Change.NONE and truth.second_stopped_at is None
        if free and chance < 2.0 / 3.0 and truth.started_at < plan.start + (day - first + 1) * DAY_MS:
            story = FALLS if chance < 1.0 / 3.0 else MOVES
            account = _with(account, story, day, random)  # noqa: PLW2901 - it is retold
            stories[truth.account_id] = (story, day)
        found.append(account)
    return tuple(found), stories


def _with(account: DailyCounts, story: str, day: int, random: np.random.Generator) -> DailyCounts:
    one, two = (np.array(account.counts[source]) for source in (PRODUCT, SECOND))
    gone = np.zeros_like(two)
    gone[day:] = random.binomial(two[day:], 1.0 - KEPT)
    if story == MOVES:
        one += gone
    return replace(account, counts={PRODUCT: array("l", one.tolist()), SECOND: array("l", (two - gone).tolist())})
