"""The weekday profile of each account, learnt as it goes; a part of several methods."""

import numpy as np

from tests.bench.detection.arrays import Counts, Mask, Scores


class Weekdays:
    """Weights that sum to about 7, from counts that decay by a twentieth a week and `prior` events of a flat week."""

    def __init__(self, accounts: int, first_weekday: int, prior: float) -> None:
        self._counts = np.zeros((7, accounts))
        self._weekday = first_weekday
        self._prior = prior

    def weight(self) -> Scores:
        """Today's."""
        total = self._counts.sum(axis=0)
        weight: Scores = 7 * (self._prior / 7 + self._counts[self._weekday]) / (self._prior + total)
        return np.maximum(weight, 0.02)

    def learn(self, number: Scores) -> None:
        """End the day with so many events."""
        self._counts[self._weekday] += number
        self._weekday = (self._weekday + 1) % 7
        if self._weekday == 0:
            self._counts *= 0.95


def started(seen: Mask, counts: Counts) -> Mask:
    """Which accounts have had an event, today's included."""
    return seen | counts.any(axis=0)
