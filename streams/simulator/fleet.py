"""The fleet: every account's events, merged into one stream in order of event time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from heapq import heapify, heapreplace
from random import Random

from schemas.events import InputTopic
from streams.simulator.billing import facts
from streams.simulator.event import SimulatedEvent
from streams.simulator.plan import DAY_MS, FleetPlan
from streams.simulator.story import Story, draw_change, draw_charges, draw_story
from streams.simulator.traits import Traits, draw_traits
from streams.simulator.truth import Truth
from streams.simulator.usage import HOLIDAY_LEVEL, UsageSource, is_holiday

_MINUTES = tuple(f"T{minute // 60:02d}:{minute % 60:02d}:" for minute in range(1440))
_SECONDS = tuple(f"{second:02d}Z" for second in range(60))
_INDEX_BITS = 24
_INDEX_MASK = (1 << _INDEX_BITS) - 1


def _random(plan: FleetPlan, index: int, purpose: str) -> Random:
    return Random(f"{plan.seed}/{index}/{purpose}")  # noqa: S311 - a simulation has to be repeatable


class _Account:
    """One account's parts, all drawn from random sources that belong to it alone."""

    __slots__ = ("facts", "story", "traits", "usage")

    def __init__(self, plan: FleetPlan, index: int) -> None:
        life = _random(plan, index, "life")
        self.traits: Traits = draw_traits(plan, index, life)
        change = draw_change(plan, life)
        charges = draw_charges(plan, self.traits, change, life)
        self.story: Story = draw_story(plan, self.traits, change, charges, life)
        self.facts = facts(plan, self.traits, charges, self.story, life)
        self.usage = UsageSource(plan, self.traits, self.story, _random(plan, index, "usage"))

    def truth(self) -> Truth:
        traits, story = self.traits, self.story
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
            causes=tuple(story.causes),
        )


def truths(plan: FleetPlan) -> tuple[Truth, ...]:
    """What happens to each account of the plan, in order of account number. Needs none of the events."""
    return tuple(_Account(plan, index).truth() for index in range(plan.accounts))


def simulate(plan: FleetPlan) -> Iterator[SimulatedEvent]:
    """The plan's events in order of event time, from `plan.start` to `plan.end`.

    Usage is drawn a day at a time as plain integers (second of the day and account), and an event is made only when it
    is asked for; billing events wait in a heap with one entry an account. So memory follows the size of the fleet and
    of its one day, and not the length of the span.

    >>> first = next(simulate(FleetPlan(accounts=2, days=1)))
    >>> first.topic.value, first.value["account_id"]
    ('accounts', 'acct-00001')
    """
    if plan.accounts > _INDEX_MASK:
        raise ValueError(f"at most {_INDEX_MASK} accounts can be simulated, not {plan.accounts}")
    accounts = [_Account(plan, index) for index in range(plan.accounts)]
    sources = [account.usage for account in accounts]
    pending: list[tuple[int, int, SimulatedEvent]] = []
    for index, account in enumerate(accounts):
        fact = next(account.facts, None)
        if fact is not None:
            pending.append((fact.at, index, fact))
    heapify(pending)
    streams = [account.facts for account in accounts]
    del accounts
    never = (1 << 62, -1, SimulatedEvent(1 << 62, InputTopic.BILLING, {}))
    pending.append(never)
    for day in range(plan.days):
        start = plan.start + day * DAY_MS
        for at, text, source in _usage(plan, sources, day, start):
            while pending[0][0] <= at:
                _, index, fact = pending[0]
                following = next(streams[index], None)
                heapreplace(pending, never if following is None else (following.at, index, following))
                yield fact
            yield SimulatedEvent(at, InputTopic.USAGE, source.value(text))
    while pending[0][0] < plan.end:
        _, index, fact = pending[0]
        following = next(streams[index], None)
        heapreplace(pending, never if following is None else (following.at, index, following))
        yield fact


def _usage(plan: FleetPlan, sources: list[UsageSource], day: int, start: int) -> Iterator[tuple[int, str, UsageSource]]:
    """One day's usage in order of time: when (ms, and as text) and whose."""
    weekday = (start // DAY_MS + 3) % 7  # day number 0, 1 January 1970, was a Thursday
    level = HOLIDAY_LEVEL if plan.holidays and is_holiday(start) else 1.0
    keys: list[int] = []
    for index, source in enumerate(sources):
        if source.traits.seen_from >= start + DAY_MS:
            continue
        if source.story.ended_at is not None and source.story.ended_at < start:
            continue
        keys.extend([second << _INDEX_BITS | index for second in source.seconds(day, weekday, level)])
    keys.sort()
    date = datetime.fromtimestamp(start / 1000, UTC).strftime("%Y-%m-%d")
    for key in keys:
        second = key >> _INDEX_BITS
        text = date + _MINUTES[second // 60] + _SECONDS[second % 60]
        yield start + second * 1000, text, sources[key & _INDEX_MASK]
