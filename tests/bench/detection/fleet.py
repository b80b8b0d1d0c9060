"""The fleets that are judged: counts a day, when an account is monitored, and what is known about them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.bench.detection.arrays import NEVER, Counts, Days, Mask, Scores


@dataclass(frozen=True, slots=True)
class Fleet:
    """Some accounts over some days. `counts` is [sources, accounts, days], `monitored` [accounts, days], the others
    [accounts].

    `change_day` is when the account's decline begins, NEVER if it has none, and `kind` what it is called. `expected`
    (as `counts`) and `size` (k of the negative binomial) are what an oracle is told; None for real data.
    """

    name: str
    counts: Counts
    first_weekday: int
    monitored: Mask
    change_day: Days
    kind: Sequence[str]
    expected: Scores | None = None
    size: Scores | None = None

    @property
    def sources(self) -> int:
        return int(self.counts.shape[0])

    @property
    def accounts(self) -> int:
        return int(self.counts.shape[1])

    @property
    def days(self) -> int:
        return int(self.counts.shape[2])


def first_days(counts: Counts) -> Days:
    """The day of each account's first event, NEVER if it has none."""
    active = counts.sum(axis=0) > 0
    return np.where(active.any(axis=1), active.argmax(axis=1), NEVER)


def monitored_from(counts: Counts, active_days: int, within: int | None, age: int = 0) -> Mask:
    """When each account is known well enough: from the day on which it has had `active_days` active days `within` so
    many days (None: ever) and its first event was `age` days ago. Once monitored, always."""
    active = counts.sum(axis=0) > 0
    seen = active.cumsum(axis=1)
    if within is not None:
        before = np.zeros_like(seen)
        before[:, within:] = seen[:, :-within]
        seen = seen - before
    old = np.arange(counts.shape[2]) >= first_days(counts)[:, None] + age
    reached: Mask = np.logical_or.accumulate((seen >= active_days) & old, axis=1)
    return reached
