"""What is normal for an account: its rate, protected from the decline that it is to reveal."""

from typing import Final

_HALF_LIFE: Final = 60.0
_PRIOR: Final = 0.5


class Baseline:
    """A gamma estimate of the account's events a day (`A` events in `B` days of exposure, half-life 60 days of it),
    shrunk to the fleet's median rate.

    A day is first added to what is pending (`a`, `b`) and counts only once that is committed: while a drop is suspected
    nothing is, so that a slow decline cannot teach the baseline that it is normal.
    """

    __slots__ = ("events", "exposure", "pending_events", "pending_exposure")

    def __init__(self) -> None:
        self.events = 0.0
        self.exposure = 0.0
        self.pending_events = 0.0
        self.pending_exposure = 0.0

    def rate(self, median_rate: float) -> float:
        """lam: events on a day of weight 1."""
        return (_PRIOR + self.events) / (_PRIOR / median_rate + self.exposure)

    def discount(self) -> float:
        """How much of the rate can be relied on: one standard error less, at least a quarter."""
        sure: float = 1.0 - 1.0 / (_PRIOR + self.events) ** 0.5
        return max(sure, 0.25)

    def commit(self) -> None:
        """What is pending is normal after all."""
        kept: float = 0.5 ** (self.pending_exposure / _HALF_LIFE)
        self.events = self.events * kept + self.pending_events
        self.exposure = self.exposure * kept + self.pending_exposure
        self.pending_events = self.pending_exposure = 0.0
