"""One home's share of a history: its accounts' events in order of time through the live engine."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from streams.backtest.activity import Activity
from streams.backtest.ending import Ending, ending_of
from streams.backtest.events import EventTally
from streams.backtest.job import Job
from streams.backtest.knob import Knob, Shadow
from streams.backtest.ledger import Ledger, Told
from streams.backtest.reading import TOPICS, USAGE, event_of, fields_of_item
from streams.backtest.repeats import Repeats
from streams.detection.engine import Engine
from streams.detection.fleet_log import FleetLog
from streams.detection.home import Log
from streams.detection.replay import Replay, Share
from streams.detection.usage_rule import UsageRule
from streams.produce.ordering import Item


@dataclass(frozen=True, slots=True)
class HomeResult:
    """What became of a home's accounts. Several add up to what one home of all accounts gives."""

    told: list[Told]
    endings: list[Ending]
    activity: Activity
    events: EventTally
    shadows: list[Shadow]
    """By the settings of the job."""
    duplicates: int
    repeated: int
    """Usage events that count and are like another, without an id that would tell them apart."""
    late: int
    excluded: Counter[str]
    """Usage events that do not count, by setting."""
    learnt_at: int | None
    """When the first thresholds were no longer those of a cold start, in ms; None: never."""


@dataclass(frozen=True, slots=True)
class Course:
    """What has to be known of the whole history before any of it is judged. Times in milliseconds."""

    first_at: int
    end: int
    topics: tuple[int, ...]
    """Those with events, as indexes of `TOPICS`."""


def run_home(
    job: Job,
    course: Course,
    partition: int,
    blocks: Iterable[list[Item]],
    *,
    log: Log,
    wait: Callable[[], None],
    alerts: Path,
    progress: Callable[[int, int], None],
) -> HomeResult:
    """Take all of a home's items, and let the time go on until the end. `log` is where homes agree on the fleet's days,
    and `wait` comes back when there is more in it. Transitions are written to the file `alerts`. `progress` is told
    how many events were taken since the last time, and the time (ms)."""
    engine = Engine(job.config, FleetLog(job.config, job.homes))
    calendar = engine.rules.calendar
    activity, tally, ledger, repeats = Activity(), EventTally(job.rule), Ledger(alerts), Repeats()
    excluded = Counter[str]()
    learnt_at: int | None = None
    names = [job.names[topic] for topic in TOPICS]

    def day_closed() -> None:
        nonlocal learnt_at
        if learnt_at is None and engine.rules.thresholds.learnt:
            learnt_at = calendar.close_of(engine.habits.closed)
        knob.closed()
        activity.forget_before(engine.habits.closed + 1)

    replay = Replay(
        engine,
        out_of_order=job.out_of_order,
        user_key=job.user_key,
        share=Share(log, partition, wait, course.first_at, {TOPICS[topic]: names[topic] for topic in course.topics}),
        closed=day_closed,
    )
    knob = Knob(engine, job.settings, replay.account, activity.first_event)
    take_usage, usage = replay.take_usage, names[USAGE]
    for block in blocks:
        for item in block:
            if item[1] == USAGE:
                tally.add(item[3], item[2], item[4], item[0])
        kept = counted(block, job.rule, excluded)
        activity.fold(kept, calendar)
        repeats.take(kept)
        for item in kept:
            if item[1] == USAGE:
                take_usage(usage, fields_of_item(item))
            else:
                replay.take(TOPICS[item[1]], names[item[1]], event_of(item))
        _drain(replay, ledger)
        progress(len(block), block[-1][0])
    replay.end(course.end)
    _drain(replay, ledger)
    ledger.close()
    endings = [ending_of(account, engine, course.end) for account in replay.each_account()]
    counts = engine.tally
    return HomeResult(
        told=ledger.told,
        endings=endings,
        activity=activity,
        events=tally,
        shadows=knob.end(),
        duplicates=counts.duplicates,
        repeated=repeats.count,
        late=counts.late,
        excluded=excluded,
        learnt_at=learnt_at,
    )


def counted(block: list[Item], rule: UsageRule | None, excluded: Counter[str]) -> list[Item]:
    """Those that count; the others are told to `excluded`, by setting."""
    if rule is None:
        return block
    kept = []
    for item in block:
        by = rule.excludes(item[3], item[4]) if item[1] == USAGE else None
        if by is None:
            kept.append(item)
        else:
            excluded[by.value] += 1
    return kept


def _drain(replay: Replay, ledger: Ledger) -> None:
    """Transitions are kilobytes each: a long history's would not all fit into memory."""
    if replay.transitions:
        ledger.take(replay.transitions)
        replay.transitions.clear()
