"""How much an account is used on each day, and the usage events themselves."""

from datetime import UTC, datetime
from math import exp
from random import Random
from typing import Any

from streams.simulator.draws import poisson
from streams.simulator.plan import DAY_MS, FleetPlan
from streams.simulator.story import Story
from streams.simulator.traits import EVENT_TABLE, HOUR_STARTS, Traits

_HOURS = len(HOUR_STARTS)
_NAMES = len(EVENT_TABLE)
#: What is left of a fleet's activity in the holidays (24 December to 1 January).
HOLIDAY_LEVEL = 0.2
_AR = 0.7  # weekly autocorrelation of the logarithm of the rate


def is_holiday(day_start: int) -> bool:
    """Whether the day that starts at this time (ms) lies in the year's last holidays."""
    day = datetime.fromtimestamp(day_start / 1000, UTC)
    return (day.month == 12 and day.day >= 24) or (day.month == 1 and day.day == 1)


class UsageSource:
    """The usage of one account. Days are asked for one after the other; the random source is the account's own."""

    __slots__ = (
        "_daily_growth",
        "_drift",
        "_level",
        "_next_vacation",
        "_plan",
        "_random",
        "_users",
        "_vacation_end",
        "account_id",
        "event_prefix",
        "number",
        "story",
        "traits",
    )

    def __init__(self, plan: FleetPlan, traits: Traits, story: Story, random: Random) -> None:
        self.traits = traits
        self.story = story
        self.account_id = traits.account_id
        self.event_prefix = f"{traits.account_id}-{plan.seed}-"
        self.number = 0
        self._plan = plan
        self._random = random
        self._daily_growth = traits.yearly_growth ** (1 / 365)
        self._users = traits.user_table
        self._drift = random.gauss(0.0, plan.weekly_sigma)
        self._level = traits.rate
        self._vacation_end = -1
        self._next_vacation = self._gap(0)

    def _gap(self, day: int) -> int:
        per_day = self._plan.vacations_per_year / 365
        return day + int(self._random.expovariate(per_day)) if per_day > 0 else 1 << 40

    def mean(self, day: int, weekday: int, fleet_level: float) -> float:
        """The expected number of events on a day (0 is the span's first); to be called once for each day, in order."""
        if day % 7 == 0:
            self._drift = _AR * self._drift + self._random.gauss(0.0, self._plan.weekly_sigma)
            self._level = self.traits.rate * self._daily_growth**day * exp(self._drift)
        mean = self._level * self.traits.weekdays[weekday] * fleet_level
        if day >= self._next_vacation:
            self._vacation_end = day + 5 + int(self._random.random() * 10)
            self._next_vacation = self._gap(self._vacation_end)
        if day < self._vacation_end:
            mean *= self.traits.vacation_level
        if self.story.fade_day is not None and day >= self.story.fade_day:
            mean *= self.story.activity(day)
        return mean

    def seconds(self, day: int, weekday: int, fleet_level: float) -> list[int]:
        """Seconds of the day at which the account's events happen, unordered."""
        mean = self.mean(day, weekday, fleet_level)
        if mean <= 0.0:
            return []
        uniform = self._random.random
        size = self.traits.size
        count = poisson(uniform, self._random.gammavariate(size, mean / size))
        if not count:
            return []
        seconds = [HOUR_STARTS[int(uniform() * _HOURS)] + int(uniform() * 3600) for _ in range(count)]
        traits, story = self.traits, self.story
        day_start = self._plan.start + day * DAY_MS
        if traits.seen_from > day_start:
            born = (traits.seen_from - day_start) // 1000
            seconds = [second for second in seconds if second > born]
        if story.ended_at is not None and story.ended_at < day_start + DAY_MS:
            ended = (story.ended_at - day_start) // 1000
            seconds = [second for second in seconds if second < ended]
        return seconds

    def value(self, occurred_at: str) -> dict[str, Any]:
        """The next usage event of the account, at a time given as RFC 3339 text."""
        uniform = self._random.random
        self.number += 1
        users = self._users
        return {
            "event_id": f"{self.event_prefix}{self.number}",
            "account_id": self.account_id,
            "event": EVENT_TABLE[int(uniform() * _NAMES)],
            "occurred_at": occurred_at,
            "user_id": users[int(uniform() * len(users))],
        }
