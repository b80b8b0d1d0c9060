"""The drop channel: has the account's rate fallen below its own normal?"""

from collections.abc import Sequence
from math import log
from typing import Final

from streams.detection.baseline import Baseline
from streams.detection.fleet import FleetDay
from streams.detection.week import Week

RATIO: Final = 0.4
"""rho: the channel is tuned to find a fall to 40% of the normal rate."""
_WEEK_PRIOR: Final = 30.0
_DISPERSION_FROM_AGE: Final = 14
_DISPERSION_BELOW: Final = 4.0
_DISPERSION_KEPT: Final = 0.995
_DISPERSION_PRIOR: Final = 20.0
QUIET_AGE: Final = 30
"""No evidence grows in an account's first 30 days."""
_REBASELINE_DAYS: Final = 60
_REBASELINE_EVENTS: Final = 15.0
"""A drop that lasts more than 60 days, and 15 expected events, is the account's new normal. (The days alone would
give a sparse account a new normal on a handful of expected events; asking for both halves the re-baselines.) It becomes
so on an active day: being gone is no way of being normal."""


class Drop:
    """A one-sided cumulative sum of the log-likelihood ratio "40% of normal" against "normal", for negative binomial
    counts (Page 1954; for over-dispersed counts Hoehle and Paul 2008), in nats.

    With y the day's count, mu its expectation, m the expectation discounted for an uncertain baseline and 1/k the
    learnt dispersion, a day adds `y ln(rho (k+m)/(k+rho m)) + k ln((k+m)/(k+rho m))`, and the sum never falls below 0.

    `floor` is the level that is already accounted for: what a reported silence piled up is not charged again as a drop.
    """

    __slots__ = (
        "baseline",
        "calm_day",
        "denominator",
        "floor",
        "left_day",
        "numerator",
        "rebaselined",
        "score",
        "week",
    )

    def __init__(self) -> None:
        self.baseline = Baseline()
        self.week = Week(_WEEK_PRIOR)
        self.score = 0.0
        """S."""
        self.floor = 0.0
        self.left_day = -1
        """The day on which S last left 0: when the decline began, as estimated. -1 while S is 0."""
        self.calm_day = -1
        """The day from which the evidence has been below the opening threshold, while an alert is open; or -1."""
        self.rebaselined = False
        """Whether the last closed day made the decline the new normal."""
        self.numerator = 0.0
        self.denominator = 0.0

    @property
    def evidence(self) -> float:
        """S above its floor."""
        return self.score - self.floor

    def dispersion(self, fleet: FleetDay) -> float:
        """1/k."""
        value = (self.numerator + _DISPERSION_PRIOR * fleet.dispersion) / (self.denominator + _DISPERSION_PRIOR)
        return min(max(value, 0.02), 4.0)

    def close_day(self, day: int, day_of_week: int, count: int, age: int, fleet: FleetDay) -> None:
        """Fold one day in, `age` days after the first. Days come in order and none is left out."""
        self._fold(((day, day_of_week, fleet),), count, age)
        if count:
            self.week.learn(day, day_of_week, count)

    def close_silent_days(self, days: Sequence[tuple[int, int, FleetDay]], age: int) -> None:
        """Fold days without events in, each with its weekday and its fleet: as `close_day` does one by one. `age` is
        the first one's."""
        self._fold(days, 0, age)

    def _fold(self, days: Sequence[tuple[int, int, FleetDay]], count: int, age: int) -> None:
        # Most days of most accounts are silent ones: what does not move from one to the next is worked out once.
        baseline, week, score = self.baseline, self.week, self.score
        known = None
        rate = discount = k = 0.0
        for day, day_of_week, fleet in days:
            if fleet is not known:
                rate, discount, k = baseline.rate(fleet.median_rate), baseline.discount(), 1.0 / self.dispersion(fleet)
                known = fleet
            exposure = week.weight(day_of_week, fleet.weekday_profile) * fleet.factor
            mu = rate * exposure
            if score < _DISPERSION_BELOW and age >= _DISPERSION_FROM_AGE:
                square = mu * mu
                excess, most = (count - mu) ** 2 - mu, 25.0 * (mu + square)
                self.numerator = _DISPERSION_KEPT * self.numerator + (min(most, excess))
                self.denominator = _DISPERSION_KEPT * self.denominator + square
                k = 1.0 / self.dispersion(fleet)
            m = mu * discount
            quiet = log((k + m) / (k + RATIO * m))
            gain = k * quiet
            if count:
                gain += count * (quiet + _LOG_RATIO)
            if gain > 0.0 and age < QUIET_AGE:
                gain = 0.0
            score += gain
            baseline.pending_events += count
            baseline.pending_exposure += exposure
            self.rebaselined = False
            if score > 0.0 and count and self.left_day >= 0 and self._is_new_normal(day, rate):
                score = 0.0
                self.rebaselined = True
            if score <= 0.0:
                baseline.commit()
                known = None
                score = self.floor = 0.0
                self.left_day = -1
            elif self.left_day < 0:
                self.left_day = day
            age += 1
        self.floor = min(self.floor, score)
        self.score = score

    def snapshot(self) -> tuple[tuple[float, ...], int, bool]:
        """What silent days change, to be given to `restore`."""
        baseline = self.baseline
        learnt = (baseline.events, baseline.exposure, baseline.pending_events, baseline.pending_exposure)
        return (*learnt, self.score, self.floor, self.numerator, self.denominator), self.left_day, self.rebaselined

    def restore(self, before: tuple[tuple[float, ...], int, bool]) -> None:
        """Undo the silent days since the snapshot."""
        numbers, self.left_day, self.rebaselined = before
        baseline = self.baseline
        baseline.events, baseline.exposure, baseline.pending_events, baseline.pending_exposure, *rest = numbers
        self.score, self.floor, self.numerator, self.denominator = rest

    def _is_new_normal(self, day: int, rate: float) -> bool:
        expected = rate * self.baseline.pending_exposure
        return day - self.left_day > _REBASELINE_DAYS and expected >= _REBASELINE_EVENTS

    def silent_gains(self, fleet: FleetDay) -> list[float]:
        """What each silent day of the week, from Monday, adds to S while the silence lasts: exactly, or an upper
        bound while the dispersion is still being learnt (a Poisson count's, `(1 - rho) m`, is the largest)."""
        rate = self.baseline.rate(fleet.median_rate) * self.baseline.discount() * fleet.largest_factor
        expected = [rate * weight for weight in self.week.weights(fleet.weekday_profile)]
        if self.score < _DISPERSION_BELOW:
            return [(1.0 - RATIO) * m for m in expected]
        k = 1.0 / self.dispersion(fleet)
        return [k * log((k + m) / (k + RATIO * m)) for m in expected]


_LOG_RATIO: Final = log(RATIO)
