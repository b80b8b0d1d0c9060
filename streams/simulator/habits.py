"""An account's own ways in a `World`: its season, its floods of events, and its people who come and go."""

from collections.abc import Sequence
from random import Random

from streams.simulator.calendar import Calendar
from streams.simulator.draws import choice_table
from streams.simulator.plan import FleetPlan
from streams.simulator.traits import Traits

_BURSTS_PER_YEAR = 6.0
_VACANT_DAYS = 30.0  # from a user's leaving to the successor's coming, in the mean
_ALWAYS: Sequence[float] = ()


class Habits:
    """The habits of one account, for each of its sources. `names` tells which they are.

    Days are asked for one after the other; the random source is its own, so that an account without habits is the
    same as in a fleet that has none.
    """

    __slots__ = ("_next_burst", "_random", "_rate", "_season", "names", "team")

    def __init__(self, plan: FleetPlan, calendar: Calendar, traits: Traits, random: Random) -> None:
        world = plan.world
        self._random = random
        self._rate = max(1.0, traits.rate)
        kind = random.random()
        bursts = random.random() < world.bursts
        names: list[str] = []
        self._season = _ALWAYS
        if kind < world.month_end:
            names, self._season = ["month_end"], calendar.month_ends
        elif kind < world.month_end + world.quarter_end:
            names, self._season = ["quarter_end"], calendar.quarter_ends
        elif kind < world.month_end + world.quarter_end + world.school:
            names, self._season = ["school"], calendar.school_days(traits.country)
        self.team = Team(traits, world.user_turnover / 365, random) if world.user_turnover > 0 else None
        self._next_burst = self._gap(0) if bursts else 1 << 40
        self.names = (*names, *(["bursts"] if bursts else []), *(["turnover"] if self.team else []))

    def _gap(self, day: int) -> int:
        return day + 1 + int(self._random.expovariate(_BURSTS_PER_YEAR / 365))

    def level(self, day: int) -> float:
        """What the account's ordinary activity is multiplied by on a day."""
        level = self._season[day] if self._season else 1.0
        return level if self.team is None else level * self.team.share(day)

    def burst(self, day: int) -> float:
        """How many events a program of theirs adds on a day, in the mean."""
        if day < self._next_burst:
            return 0.0
        self._next_burst = self._gap(day)
        return self._rate * (10.0 + 50.0 * self._random.random())


class Team:
    """The users of an account, who leave one by one and are succeeded by others. The first place is never vacant."""

    __slots__ = ("_change", "_generation", "_leaving", "_names", "_present", "_random", "_table", "_until", "_weights")

    def __init__(self, traits: Traits, leaving: float, random: Random) -> None:
        self._random = random
        self._leaving = leaving
        self._weights = [1.0 / (place + 1.5) for place in range(traits.users)]
        self._names = [f"{traits.account_id}-u{place + 1}" for place in range(traits.users)]
        self._table = choice_table(tuple(range(traits.users)), self._weights, max(256, traits.users))
        self._generation = [0] * traits.users
        self._present = [True] * traits.users
        self._until = [random.expovariate(leaving) for _ in range(traits.users)]
        self._change = min(self._until)

    def share(self, day: int) -> float:
        """The activity of those who are there, as a share of that of a full team."""
        while self._change <= day:
            place = self._until.index(self._change)
            stays = not self._present[place] or place == 0
            self._generation[place] += self._present[place]
            self._present[place] = stays
            self._until[place] += self._random.expovariate(self._leaving if stays else 1 / _VACANT_DAYS)
            self._change = min(self._until)
        there = sum(weight for weight, present in zip(self._weights, self._present, strict=True) if present)
        return there / sum(self._weights)

    def user(self, random: Random) -> str:
        """One of those who are there, by their activity."""
        while True:
            place = self._table[int(random.random() * len(self._table))]
            if self._present[place]:
                generation = self._generation[place]
                return f"{self._names[place]}.{generation}" if generation else self._names[place]
