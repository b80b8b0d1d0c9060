"""How much an account is used on each day, and the usage events themselves."""

from math import exp
from random import Random
from typing import Any

from streams.simulator.calendar import Calendar
from streams.simulator.draws import negative_binomial
from streams.simulator.habits import Habits
from streams.simulator.names import CORE, LOOKING
from streams.simulator.plan import DAY_MS, FleetPlan
from streams.simulator.story import Story
from streams.simulator.traits import EVENT_TABLE, HOUR_STARTS, Traits
from streams.simulator.world import PRODUCT

_HOURS = len(HOUR_STARTS)
_NAMES = len(EVENT_TABLE)
_AR = 0.7  # weekly autocorrelation of the logarithm of the rate


class UsageSource:
    """The usage of one account from one source. Days are asked for one after the other, each once, either as events
    (`seconds`) or as a count; the random source is its own."""

    __slots__ = (
        "_calendar",
        "_daily_growth",
        "_drift",
        "_habits",
        "_level",
        "_levels",
        "_next_vacation",
        "_plan",
        "_random",
        "_renames",
        "_today",
        "_users",
        "_vacation_end",
        "account_id",
        "event_prefix",
        "number",
        "source",
        "story",
        "traits",
    )

    def __init__(
        self,
        plan: FleetPlan,
        calendar: Calendar,
        traits: Traits,
        story: Story,
        random: Random,
        habits: Habits | None = None,
        source: str = PRODUCT,
    ) -> None:
        self.traits = traits
        self.story = story
        self.source = source
        self.account_id = traits.account_id
        self.event_prefix = f"{traits.account_id}-{plan.seed}-" + ("" if source == PRODUCT else f"{source}-")
        self.number = 0
        self._today = 0
        self._plan = plan
        self._calendar = calendar
        self._levels = calendar.levels(source)
        self._habits = habits
        self._random = random
        self._daily_growth = traits.yearly_growth ** (1 / 365)
        self._users = traits.user_table
        self._renames = {rename.event: (calendar.date(rename.day), rename.renamed) for rename in plan.world.renames}
        self._drift = random.gauss(0.0, plan.weekly_sigma)
        self._level = traits.rate
        self._vacation_end = -1
        self._next_vacation = self._gap(0)

    def _gap(self, day: int) -> int:
        per_day = self._plan.vacations_per_year / 365
        return day + int(self._random.expovariate(per_day)) if per_day > 0 else 1 << 40

    def ordinary(self, day: int) -> float:
        """The expected number of events on a day (0 is the span's first) if the account had no story."""
        if day % 7 == 0:
            self._drift = _AR * self._drift + self._random.gauss(0.0, self._plan.weekly_sigma)
            self._level = self.traits.rate * self._daily_growth**day * exp(self._drift)
        mean = self._level * self.traits.weekdays[self._calendar.weekdays[day]] * self._levels[day]
        if day >= self._next_vacation:
            self._vacation_end = day + 5 + int(self._random.random() * 10)
            self._next_vacation = self._gap(self._vacation_end)
        if day < self._vacation_end:
            mean *= self.traits.vacation_level
        if self._habits is not None:
            mean *= self._habits.level(day)
            if self.source == PRODUCT:
                mean += self._habits.burst(day) * self._levels[day]
        return mean

    def count(self, day: int, ordinary: float, share: float = 1.0) -> int:
        """The number of events on a day whose `ordinary` expectation is given, without making them; if only a `share`
        of them is looked at, the number of those.

        To leave out events by chance is to draw from the same distribution with a smaller mean: the negative binomial
        is a Poisson of a gamma rate, and the rate alone becomes smaller.
        """
        whole = self._present(day)
        if whole is None:
            return 0
        mean = ordinary * self.story.activity(day) * share
        if mean <= 0.0:
            return 0
        number = negative_binomial(self._random, mean, self.traits.size)
        return number if whole else len(self._times(day, number))

    def seconds(self, day: int) -> list[int]:
        """Seconds of the day at which the account's events happen, unordered."""
        self._today = day
        mean = self.ordinary(day) * self.story.activity(day)
        if mean <= 0.0:
            return []
        return self._times(day, negative_binomial(self._random, mean, self.traits.size))

    def _present(self, day: int) -> bool | None:
        """Whether the account is there for the whole of a day (True), a part of it (False) or not at all (None)."""
        start = self._plan.start + day * DAY_MS
        ended_at = self.story.ended_at
        if self.traits.seen_from >= start + DAY_MS or (ended_at is not None and ended_at < start):
            return None
        return self.traits.seen_from <= start and (ended_at is None or ended_at >= start + DAY_MS)

    def _times(self, day: int, number: int) -> list[int]:
        if not number:
            return []
        uniform = self._random.random
        seconds = [HOUR_STARTS[int(uniform() * _HOURS)] + int(uniform() * 3600) for _ in range(number)]
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
        event = EVENT_TABLE[int(uniform() * _NAMES)]
        story, today = self.story, self._today
        if story.core_until is not None and today >= story.core_until and event in CORE:
            event = LOOKING
        if self._renames and event in self._renames:
            since, renamed = self._renames[event]
            event = renamed if occurred_at >= since else event
        if self._habits is not None and self._habits.team is not None:
            user = self._habits.team.user(self._random)
        else:
            users = self._users
            if story.users_until is not None and today >= story.users_until:
                users = story.users_left
            user = users[int(uniform() * len(users))]
        value = {
            "event_id": f"{self.event_prefix}{self.number}",
            "account_id": self.account_id,
            "event": event,
            "occurred_at": occurred_at,
            "user_id": user,
        }
        if self.source != PRODUCT:
            value["source"] = self.source
        return value
