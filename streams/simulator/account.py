"""One simulated account: its parts, drawn from random sources that belong to it alone."""

from dataclasses import replace
from random import Random

from streams.simulator.billing import facts
from streams.simulator.calendar import Calendar
from streams.simulator.habits import Habits
from streams.simulator.plan import DAY_MS, Change, FleetPlan
from streams.simulator.story import Story, draw_change, draw_charges, draw_story
from streams.simulator.traits import Traits, draw_traits
from streams.simulator.truth import Cause, Truth
from streams.simulator.usage import UsageSource
from streams.simulator.world import SECOND


def _random(plan: FleetPlan, index: int, purpose: str) -> Random:
    return Random(f"{plan.seed}/{index}/{purpose}")  # noqa: S311 - a simulation has to be repeatable


class Account:
    """Account number `index` (0 is the first). `sources` are its one or two streams of usage, `facts` all the rest."""

    __slots__ = ("_habits", "_second_stopped_at", "facts", "sources", "story", "traits")

    def __init__(self, plan: FleetPlan, calendar: Calendar, index: int) -> None:
        life = _random(plan, index, "life")
        self.traits: Traits = draw_traits(plan, index, life)
        change = draw_change(plan, self.traits, life)
        charges = draw_charges(plan, self.traits, change, life)
        self.story: Story = draw_story(plan, self.traits, change, charges, life)
        self.facts = facts(plan, self.traits, charges, self.story, life)
        self._habits: Habits | None = None
        self._second_stopped_at: int | None = None
        if plan.world.has_habits:
            self._habits = Habits(plan, calendar, self.traits, _random(plan, index, "habits"))
        first = UsageSource(plan, calendar, self.traits, self.story, _random(plan, index, "usage"), self._habits)
        self.sources = [first]
        second = _random(plan, index, "second")
        if second.random() < plan.world.second_product:
            self.sources.append(self._second(plan, calendar, second))

    def _second(self, plan: FleetPlan, calendar: Calendar, random: Random) -> UsageSource:
        """A product of its own: another rate, for the same people, and given up apart."""
        rate = min(max(self.traits.rate * 0.5 * 4 ** random.gauss(0.0, 0.5), plan.rate_min), plan.rate_max)
        story = self.story
        first, last = plan.change_days
        day = first + int(random.random() * (last - first + 1))
        at = plan.start + day * DAY_MS
        stops = random.random() < plan.world.second_product_stops
        if stops and story.change is Change.NONE and self.traits.seen_from < plan.start + (day - first + 1) * DAY_MS:
            story = replace(story, fade_day=day, level=0.0)
            self._second_stopped_at = at
        return UsageSource(plan, calendar, replace(self.traits, rate=rate), story, random, self._habits, SECOND)

    def truth(self) -> Truth:
        """What happens to it, of which the events tell nothing."""
        traits, story = self.traits, self.story
        stopped_at = self._second_stopped_at
        return Truth(
            account_id=traits.account_id,
            name=traits.name,
            rate=traits.rate,
            dispersion=1.0 / traits.size,
            mrr_minor=traits.mrr_minor,
            currency=traits.currency,
            started_at=traits.started_at,
            change=story.change,
            changed_at=story.changed_at,
            lost_at=story.ended_at,
            voluntary=story.voluntary,
            causes=(*story.causes, *([] if stopped_at is None else [Cause("engagement", stopped_at)])),
            habits=() if self._habits is None else self._habits.names,
            second_product=len(self.sources) > 1,
            second_stopped_at=stopped_at,
        )
