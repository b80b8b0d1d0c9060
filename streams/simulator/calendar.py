"""What each day is for the whole fleet: its weekday, and how active everybody is on it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from streams.simulator.plan import DAY_MS, FleetPlan
from streams.simulator.traits import COUNTRIES
from streams.simulator.world import PRODUCT, SECOND

#: What is left of a fleet's activity in the holidays (24 December to 1 January).
HOLIDAY_LEVEL = 0.2
#: Activity in the days that count and in the others, so that the mean stays about 1.
MONTH_END_LEVELS = (3.0, 0.7)
QUARTER_END_LEVELS = (4.0, 0.45)
SCHOOL_LEVEL = 0.3


class Calendar:
    """The days of a plan, as tables. Days count from the start of the span."""

    __slots__ = ("_days", "_levels", "_school", "month_ends", "quarter_ends", "weekdays")

    def __init__(self, plan: FleetPlan) -> None:
        first = datetime.fromtimestamp(plan.start / 1000, UTC).date()
        days = self._days = [first + timedelta(day) for day in range(plan.days)]
        # Day number 0, 1 January 1970, was a Thursday.
        self.weekdays = [(plan.start // DAY_MS + day + 3) % 7 for day in range(plan.days)]
        self._levels = {source: self._fleet(plan, source) for source in (PRODUCT, SECOND)}
        #: For those who work mostly on the last three days of a month and its first.
        self.month_ends = [MONTH_END_LEVELS[not (_left_of_month(day) < 3 or day.day == 1)] for day in days]
        #: For those who work mostly in the last fourteen days of a quarter.
        self.quarter_ends = [QUARTER_END_LEVELS[not (day.month % 3 == 0 and _left_of_month(day) < 14)] for day in days]
        self._school = {
            country: [SCHOOL_LEVEL if _no_school(day, late) else 1.0 for day in days]
            for late, country in enumerate(COUNTRIES)
        }

    def levels(self, source: str) -> Sequence[float]:
        """The activity of the whole fleet on each day, as far as its events of this source arrive."""
        return self._levels[source]

    def date(self, day: int) -> str:
        """The date on which a day begins, as RFC 3339 has it; a day after the span has one, too."""
        return (self._days[0] + timedelta(day)).isoformat()

    def school_days(self, country: str) -> Sequence[float]:
        """For those who are quiet in the school holidays of a country."""
        return self._school[country]

    def _fleet(self, plan: FleetPlan, source: str) -> list[float]:
        daily = plan.world.yearly_trend ** (1 / 365)
        levels = [HOLIDAY_LEVEL if plan.holidays and _is_holiday(day) else 1.0 for day in self._days]
        if daily != 1.0:
            levels = [level * daily**number for number, level in enumerate(levels)]
        for outage in plan.world.outages:
            if outage.source in (None, source):
                for day in range(max(0, outage.first_day), min(plan.days, outage.first_day + outage.days)):
                    levels[day] *= outage.kept
        return levels


def _is_holiday(day: date) -> bool:
    return (day.month == 12 and day.day >= 24) or (day.month == 1 and day.day == 1)


def _left_of_month(day: date) -> int:
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return (following - day).days - 1


def _no_school(day: date, late: int) -> bool:
    """Six weeks of summer that begin a week later from country to country, and three shorter breaks."""
    breaks = ((date(day.year, 6, 20) + timedelta(7 * (late % 5)), 42), (date(day.year, 10, 4 + 7 * (late % 3)), 9))
    spring = (date(day.year, 3, 28), 14)
    return (
        any(first <= day < first + timedelta(length) for first, length in (*breaks, spring))
        or (day.month == 12 and day.day >= 22)
        or (day.month == 1 and day.day <= 4)
    )
