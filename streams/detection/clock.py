"""The clock channel: operating days of silence."""

from collections.abc import Sequence

from streams.detection.fleet import FleetDay
from streams.detection.silence import Silence


class Clock:
    """Days since the last active one, each counted with the fleet's factor, at most 1: a day on which nobody's events
    came is no day of silence. Nor is a day of rest, which counts with its weight (see `Silence.operating`): else a busy
    account would be called silent every weekend, as the thresholds of busy accounts are less than three days.
    """

    __slots__ = ("days",)

    def __init__(self) -> None:
        self.days = 0.0

    def close_day(self, active: bool, operating: float, fleet: FleetDay) -> None:
        """Fold one day in; `operating` is what the weekday counts. Days come in order, from the first active one on,
        and none is left out."""
        if active:
            self.days = 0.0
        else:
            self.days += operating * min(fleet.factor, 1.0)

    def close_silent_days(self, days: Sequence[tuple[int, int, FleetDay]], silence: Silence) -> None:
        """Fold days without activity in, each with its weekday and its fleet: as `close_day` does one by one."""
        known: FleetDay | None = None
        week: Sequence[float] = ()
        for _, weekday, fleet in days:
            if fleet is not known:
                known, week = fleet, silence.operating_week(fleet)
            self.days += week[weekday] * min(fleet.factor, 1.0)
