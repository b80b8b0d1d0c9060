"""When a score is an alarm: the same rule for every method.

An incident opens when the score reaches the threshold and closes when it falls below; an account opens at most one in
`COOL_DOWN` days, and an excess that lasts longer than that opens one then.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.bench.detection.arrays import NEVER, Days, Mask, Scores

COOL_DOWN = 28


@dataclass(frozen=True, slots=True)
class Openings:
    """The incidents of a fleet at one threshold: account and day of each opening and the day of its closing (NEVER:
    still open at the end), in order of opening."""

    account: Days
    day: Days
    closed: Days

    def mask(self, accounts: int, days: int) -> Mask:
        """[accounts, days]: where incidents open."""
        opened = np.zeros((accounts, days), dtype=bool)
        opened[self.account, self.day] = True
        return opened


def openings(scores: Scores, thresholds: Sequence[float]) -> list[Openings]:
    """The incidents of scores [accounts, days] at each threshold."""
    return [_openings(scores >= threshold) for threshold in thresholds]


def _openings(above: Mask) -> Openings:
    """By the beginnings and ends of the excesses: each round finds every account's next opening, and after it looks
    for the first excess that outlasts the cool-down."""
    accounts, days = above.shape
    flags = np.zeros((accounts, days + 2), dtype=np.int8)
    flags[:, 1:-1] = above
    turns = np.diff(flags, axis=1)
    account, begin = np.nonzero(turns == 1)
    _, end = np.nonzero(turns == -1)
    ends = account * (days + 1) + end  # ascending
    whose, ready, past = np.unique(account), np.zeros(accounts, dtype=np.int64), np.zeros(accounts, dtype=np.int64)
    found: list[tuple[Days, Days, Days]] = []
    while len(whose):
        next_one = np.searchsorted(ends, whose * (days + 1) + np.minimum(ready[whose], days), side="right")
        next_one = np.maximum(next_one, past[whose])
        there = (next_one < len(ends)) & (account[np.minimum(next_one, len(ends) - 1)] == whose)
        whose, next_one = whose[there], next_one[there]
        opened = np.maximum(begin[next_one], ready[whose])
        found.append((whose, opened, np.where(end[next_one] == days, NEVER, end[next_one])))
        ready[whose], past[whose] = opened + COOL_DOWN, next_one + 1
    columns = [np.concatenate(each) for each in zip(*found, strict=True)] if found else [np.zeros(0, np.int64)] * 3
    order = np.lexsort((columns[0], columns[1]))
    return Openings(*(column[order] for column in columns))
