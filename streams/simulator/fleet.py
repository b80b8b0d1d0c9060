"""The fleet: every account's events, merged into one stream in order of event time; or only its counts a day."""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import heapify, heapreplace

from schemas.events import InputTopic
from streams.simulator.account import Account
from streams.simulator.calendar import Calendar
from streams.simulator.event import SimulatedEvent
from streams.simulator.plan import DAY_MS, FleetPlan
from streams.simulator.traits import EVENT_TABLE
from streams.simulator.truth import Truth
from streams.simulator.usage import UsageSource

_MINUTES = tuple(f"T{minute // 60:02d}:{minute % 60:02d}:" for minute in range(1440))
_SECONDS = tuple(f"{second:02d}Z" for second in range(60))
_INDEX_BITS = 24
_INDEX_MASK = (1 << _INDEX_BITS) - 1


def truths(plan: FleetPlan) -> tuple[Truth, ...]:
    """What happens to each account of the plan, in order of account number. Needs none of the events."""
    calendar = Calendar(plan)
    return tuple(Account(plan, calendar, index).truth() for index in range(plan.accounts))


@dataclass(frozen=True, slots=True)
class DailyCounts:
    """An account's usage as counts a day. By source: the events of each day, and how many were to be expected if it had
    no story (what an observer would know who knew everything but the story)."""

    truth: Truth
    counts: Mapping[str, "array[int]"]
    expected: Mapping[str, "array[float]"]


def daily_counts(plan: FleetPlan, event: str | None = None) -> Iterator[DailyCounts]:
    """The usage of each account, in order of account number, as `simulate` would have it: the same distribution from
    the same code, at a fraction of the cost, and not the same draws. With `event` only those of this name count.

    >>> [account] = daily_counts(FleetPlan(accounts=1, days=30))
    >>> list(account.counts), len(account.counts["product"])
    (['product'], 30)
    """
    calendar = Calendar(plan)
    share = 1.0 if event is None else EVENT_TABLE.count(event) / len(EVENT_TABLE)
    renamed = min((rename.day for rename in plan.world.renames if rename.event == event), default=plan.days)
    for index in range(plan.accounts):
        account = Account(plan, calendar, index)
        first = max(0, (account.traits.seen_from - plan.start) // DAY_MS)
        counts: dict[str, array[int]] = {}
        expected: dict[str, array[float]] = {}
        means = [array("d", bytes(8 * plan.days)) for _ in account.sources]
        numbers = [array("l", [0]) * plan.days for _ in account.sources]
        for day in range(first, plan.days):
            for source, mean, number in zip(account.sources, means, numbers, strict=True):
                ordinary = source.ordinary(day)
                mean[day] = ordinary * share
                number[day] = source.count(day, ordinary, share if day < renamed else 0.0)
        for source, mean, number in zip(account.sources, means, numbers, strict=True):
            counts[source.source], expected[source.source] = number, mean
        yield DailyCounts(account.truth(), counts, expected)


def simulate(plan: FleetPlan) -> Iterator[SimulatedEvent]:
    """The plan's events in order of event time, from `plan.start` to `plan.end`.

    Usage is drawn a day at a time as plain integers (second of the day and account), and an event is made only when it
    is asked for; billing events wait in a heap with one entry an account. So memory follows the size of the fleet and
    of its one day, and not the length of the span.

    >>> first = next(simulate(FleetPlan(accounts=2, days=1)))
    >>> first.topic.value, first.value["account_id"]
    ('accounts', 'acct-00001')
    """
    if 2 * plan.accounts > _INDEX_MASK:
        raise ValueError(f"at most {_INDEX_MASK // 2} accounts can be simulated, not {plan.accounts}")
    calendar = Calendar(plan)
    accounts = [Account(plan, calendar, index) for index in range(plan.accounts)]
    sources = [source for account in accounts for source in account.sources]
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
        for at, text, source in _usage(sources, day, start, calendar.date(day)):
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


def _usage(sources: list[UsageSource], day: int, start: int, date: str) -> Iterator[tuple[int, str, UsageSource]]:
    """One day's usage in order of time: when (ms, and as text) and whose."""
    keys: list[int] = []
    for index, source in enumerate(sources):
        if source.traits.seen_from >= start + DAY_MS:
            continue
        if source.story.ended_at is not None and source.story.ended_at < start:
            continue
        keys.extend([second << _INDEX_BITS | index for second in source.seconds(day)])
    keys.sort()
    for key in keys:
        second = key >> _INDEX_BITS
        text = date + _MINUTES[second // 60] + _SECONDS[second % 60]
        yield start + second * 1000, text, sources[key & _INDEX_MASK]
