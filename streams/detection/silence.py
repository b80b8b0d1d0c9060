"""The silence channel: is the account quiet for longer than its history explains?"""

from collections.abc import Sequence
from math import exp, log
from typing import Final

from streams.detection.fleet import FleetDay
from streams.detection.week import Week

_HALF_LIFE: Final = 720.0
_PRIOR: Final = 0.5
_WEEK_PRIOR: Final = 15.0
_REST: Final = 0.5
_BUSY: Final = 0.5
_NO_REST = (1.0,) * 7


class Silence:
    """Minus the log of the probability that an account with this history is quiet for this long, in nats: a
    gamma-Poisson model of active days (Fader and Hardie's Pareto, without the death).

    `E = (0.5 + PA) ln(1 + L / (b0 + PB))`, with PA active days in PB days of exposure (half-life 720) and L the
    exposure since the last active day. 0 on active days and before the first.
    """

    __slots__ = ("active", "exposure", "quiet", "week")

    def __init__(self) -> None:
        self.active = 0.0
        """PA."""
        self.exposure = 0.0
        """PB."""
        self.quiet = 0.0
        """L."""
        self.week = Week(_WEEK_PRIOR)

    def close_day(self, day: int, weekday: int, active: bool, fleet: FleetDay) -> None:
        """Fold one day in. Days come in order, from the first active one on, and none is left out."""
        self.quiet += self.week.weight(weekday, fleet.active_profile) * fleet.active_factor
        if active:
            quiet = self.quiet
            kept: float = 0.5 ** (quiet / _HALF_LIFE)
            self.active = self.active * kept + 1.0
            self.exposure = self.exposure * kept + quiet
            self.quiet = 0.0
            self.week.learn(day, weekday, 1.0)

    def close_silent_days(self, days: Sequence[tuple[int, int, FleetDay]]) -> None:
        """Fold days without activity in, each with its weekday and its fleet: as `close_day` does one by one."""
        quiet = self.quiet
        for _, weekday, fleet in days:
            quiet += self.week.weights(fleet.active_profile)[weekday] * fleet.active_factor
        self.quiet = quiet

    def operating(self, weekday: int, fleet: FleetDay) -> float:
        """What a weekday counts as an operating day: 1, or its weight when that is below a half and the account is
        active on every other day at least. Its days of rest, then; one that is active once a week has none."""
        weight = self.week.weight(weekday, fleet.active_profile)
        return weight if weight < _REST and self.rate(fleet) >= _BUSY else 1.0

    def operating_week(self, fleet: FleetDay) -> Sequence[float]:
        """`operating` of Monday to Sunday."""
        if self.rate(fleet) < _BUSY:
            return _NO_REST
        return [weight if weight < _REST else 1.0 for weight in self.week.weights(fleet.active_profile)]

    def rate(self, fleet: FleetDay) -> float:
        """Active days in a day of weight 1."""
        return (_PRIOR + self.active) / (_PRIOR / fleet.median_active_rate + self.exposure)

    def score(self, fleet: FleetDay) -> float:
        """E."""
        return (_PRIOR + self.active) * log(1.0 + self.quiet / (_PRIOR / fleet.median_active_rate + self.exposure))

    def quiet_at(self, score: float, fleet: FleetDay) -> float:
        """L at which E reaches `score`: the inverse of `score`."""
        return (_PRIOR / fleet.median_active_rate + self.exposure) * (exp(score / (_PRIOR + self.active)) - 1.0)

    def silent_gains(self, fleet: FleetDay) -> list[float]:
        """What each silent day of the week, from Monday, adds to L while the silence lasts, at most."""
        return [weight * fleet.largest_factor for weight in self.week.weights(fleet.active_profile)]
