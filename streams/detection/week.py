"""An account's own week: how its activity spreads over the weekdays."""

_KEPT_A_WEEK = 0.95
_LEAST = 0.02


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

    def weights(self, fleet_profile: tuple[float, ...]) -> list[float]:
        """w of Monday to Sunday: what share of a week's activity falls on the weekday, as a multiple of a seventh; at
        least 0.02. Not to be changed by the caller."""
        if self._profile is not fleet_profile:
            prior, total = self.prior, self.prior + self.total
            weights = [
                (prior * usual + 7.0 * count) / total for usual, count in zip(fleet_profile, self.counts, strict=True)
            ]
            self._weights = [weight if weight > _LEAST else _LEAST for weight in weights]  # noqa: FURB136  # max is slow
            self._profile = fleet_profile
        return self._weights

    def learn(self, day: int, weekday: int, count: float) -> None:
        """Fold an active day in."""
        self._profile = ()
        counts = self.counts
        if self.day >= 0:
            kept = _KEPT_A_WEEK ** ((day - self.day) / 7.0)
            counts = [value * kept for value in counts]
            self.total *= kept
            self.counts = counts
        counts[weekday] += count
        self.total += count
        self.day = day
