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
    """By the beginnings and ends of the excesses, of which there are few, and not by days, of which there are many."""
    accounts, days = above.shape
    flags = np.zeros((accounts, days + 2), dtype=np.int8)
    flags[:, 1:-1] = above
    turns = np.diff(flags, axis=1)
    account, begin = np.nonzero(turns == 1)
    _, end = np.nonzero(turns == -1)
    found: tuple[list[int], list[int], list[int]] = ([], [], [])
    whose, last = -1, -NEVER
    for index, first, after in zip(account.tolist(), begin.tolist(), end.tolist(), strict=True):
        if index != whose:
            whose, last = index, -NEVER
        opened = max(first, last + COOL_DOWN)
        if opened < after:
            last = opened
            for values, value in zip(found, (index, opened, NEVER if after == days else after), strict=True):
                values.append(value)
    columns = [np.array(values, dtype=np.int64) for values in found]
    order = np.lexsort((columns[0], columns[1]))
    return Openings(*(column[order] for column in columns))
