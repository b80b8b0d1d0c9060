"""An account's own week: how its activity spreads over the weekdays."""

from typing import Final

_KEPT_A_WEEK: Final = 0.95
_LEAST: Final = 0.02


class Week:
    """Decayed counts by weekday (`wc`, sum `wn`), shrunk to the fleet's profile with the weight of `prior` counts.

    The decay, 5% a week, is applied when the next active day is folded in, so that weights do not move while nothing
    happens: that keeps forecasts over a silent run exact.
    """

    __slots__ = ("_profile", "_weights", "counts", "day", "prior", "total")

    def __init__(self, prior: float) -> None:
        self.prior = prior
        self.counts = [0.0] * 7
        self.total = 0.0
        self.day = -1
        self._weights: list[float] = []
        self._profile: tuple[float, ...] = ()

    def weight(self, weekday: int, fleet_profile: tuple[float, ...]) -> float:
        """w: what share of a week's activity falls on this weekday, as a multiple of a seventh; at least 0.02."""
        if self._profile is fleet_profile:
            return self._weights[weekday]
        prior = self.prior
        weight = (prior * fleet_profile[weekday] + 7.0 * self.counts[weekday]) / (prior + self.total)
        return weight if weight > _LEAST else _LEAST  # noqa: FURB136  # max takes twice as long

    def weights(self, fleet_profile: tuple[float, ...]) -> list[float]:
        """The weights of Monday to Sunday; not to be changed by the caller."""
        if self._profile is not fleet_profile:
            self._weights = [self.weight(weekday, fleet_profile) for weekday in range(7)]
            self._profile = fleet_profile
        return self._weights

    def learn(self, day: int, weekday: int, count: float) -> None:
        """Fold an active day in."""
        self._profile = ()
        counts = self.counts
        if self.day >= 0:
            kept = _KEPT_A_WEEK ** ((day - self.day) / 7.0)
            a, b, c, d, e, f, g = counts  # this way it takes half the time of a comprehension
            self.counts = counts = [a * kept, b * kept, c * kept, d * kept, e * kept, f * kept, g * kept]
            self.total *= kept
        counts[weekday] += count
        self.total += count
        self.day = day
