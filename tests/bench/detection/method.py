"""What is judged: a method sees the counts of one day after the other, so it cannot know what comes after."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np

from tests.bench.detection.arrays import Counts, Mask, Scores
from tests.bench.detection.fleet import Fleet


@dataclass(frozen=True, slots=True)
class Setting:
    """What a method is told before the first day. `first_weekday` is that of day 0, 0 is Monday."""

    accounts: int
    sources: int
    first_weekday: int


class Method(Protocol):
    """A detector for a whole fleet."""

    def begin(self, setting: Setting) -> None:
        """Forget everything: the next day is day 0."""
        ...

    def day(self, counts: Counts, monitored: Mask) -> Scores:
        """Take in a day that has ended; return how alarming each account is then, higher is worse.

        `counts` is [sources, accounts], `monitored` [accounts]: whether the account is known well enough to be judged
        (its own history up to and with this day decides it).
        """
        ...


class Scale(StrEnum):
    """What a method's score means, and so what its threshold is."""

    TUNED = "tuned"  # any: the threshold is chosen with labels, on other accounts, for the false alarms asked
    FIXED = "fixed"  # a rule: the threshold is 0, whatever is asked
    CALIBRATED = "calibrated"  # -log10 of alarms per account-year, no labels: threshold log10(SHARED_JOINT / asked)
    GRID = "grid"  # an alarm above 0; one of several settings is chosen with labels as a threshold would be


@dataclass(frozen=True, slots=True)
class Contender:
    """A method by name; `make` gives it anew for a fleet. `variants` are the settings of a GRID, weakest first.

    `gated` contenders are silenced while an account is not monitored; others have to know it themselves.
    """

    name: str
    scale: Scale
    make: Callable[[Fleet], Method] | None = None
    variants: Sequence[Callable[[Fleet], Method]] = field(default=())
    gated: bool = True
    told_the_truth: bool = False  # it cannot be run where nobody knows it

    @property
    def makers(self) -> Sequence[Callable[[Fleet], Method]]:
        """One, or one for each setting."""
        return self.variants if self.make is None else (self.make,)


def gate(scores: Scores, monitored: Mask) -> Scores:
    """Scores [accounts, days] that are silent while an account is not monitored."""
    return np.where(monitored, scores, np.float32(-np.inf))


def run(method: Method, fleet: Fleet) -> Scores:
    """The scores [accounts, days] of a method that is shown the fleet day by day."""
    method.begin(Setting(fleet.accounts, fleet.sources, fleet.first_weekday))
    scores = np.empty((fleet.days, fleet.accounts), dtype=np.float32)
    for day in range(fleet.days):
        scores[day] = method.day(fleet.counts[:, :, day], fleet.monitored[:, day])
    return np.ascontiguousarray(scores.T)
