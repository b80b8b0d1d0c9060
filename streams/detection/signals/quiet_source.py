"""A main source that an account has given up, as far as `usage_drop` tells of it. See `source_days`."""

from typing import Final, NamedTuple

from alerting.words import count, number
from schemas.alerts import AlertReason
from streams.detection.calibration import CLOCK, SILENCE
from streams.detection.facets import FACETS, SOURCES
from streams.detection.fleet import FleetDay
from streams.detection.habits import FIRST_DAY, MONITORED_DAY, REBASELINED, SOURCE, Habit
from streams.detection.rules import Rules
from streams.detection.state import Account
from streams.detection.thresholds import reached

GIVEN_UP: Final = "source_given_up"
"""The code of the reason."""


class QuietSource(NamedTuple):
    """Nothing comes from it, although the account is used."""

    level: int
    """Severity, from 1."""
    source: int
    """Its number."""
    last_day: int
    missed: float
    """Events that were expected of it since, by what the account did otherwise; at least, as that is less for it."""
    score: float
    """E, nats."""
    clock_days: float
    false_alarms: float
    """An account-year, at this score."""
    drop_score: float | None = None
    """S, nats, where the fall says more than the silence, and level and false alarms are by that."""


def main_sources(account: Account, rules: Rules) -> list[tuple[int, Habit]]:
    """The main sources that are judged on the newest closed day, by number; none on a day on which all that came to the
    fleet was from one source."""
    if rules.learnt.sources(account.closed) is None:
        return []
    rows = [facet.of(account.row) for facet in account.habits.facets[SOURCES:FACETS]]
    return [
        (int(values[SOURCE]), Habit(values))
        for values in rows
        if values is not None and values[FIRST_DAY] >= 0 and values[MONITORED_DAY] >= 0
    ]


def quiet_source(account: Account, rules: Rules) -> QuietSource | None:
    """The main source whose silence says most by the newest closed day; None where there is none to tell of."""
    found: QuietSource | None = None
    for source, habit in main_sources(account, rules):
        quiet = _quiet(habit, source, rules.fleet(account.closed), rules)
        if quiet is not None and (found is None or (quiet.level, quiet.missed) > (found.level, found.missed)):
            found = quiet
    return found


def _quiet(habit: Habit, source: int, fleet: FleetDay, rules: Rules) -> QuietSource | None:
    thresholds = rules.learnt.facets.thresholds[SOURCES]
    rate, score, clock_days = habit.rate(fleet), habit.silence(fleet), habit.clock_days
    least, missed = thresholds.of(rate), rate * habit.clock_days
    level = max(reached(score, least.silence), reached(clock_days, least.clock))
    if level == 0 or missed < rules.config.expected_events:
        return None
    heard = ((SILENCE, score), (CLOCK, clock_days))
    false_alarms = min([thresholds.false_alarms(channel, height, rate) for channel, height in heard])
    return QuietSource(level, source, habit.last_day, missed, score, clock_days, false_alarms)


def without_is_normal(account: Account) -> bool:
    """Whether by the newest closed day it is the account's new normal to go without one of its main sources, or to have
    less of it."""
    rows = [facet.of(account.row) for facet in account.habits.facets[SOURCES:FACETS]]
    return any(values is not None and values[REBASELINED] > 0 for values in rows)


def source_reason(quiet: QuietSource, account: Account, rules: Rules) -> AlertReason:
    """What there is to say of it."""
    today = rules.learnt.sources(account.closed)
    assert today is not None  # there is a quiet one
    name = today.names[quiet.source]
    since = rules.calendar.day_text(rules.calendar.start_of(quiet.last_day))
    days = account.closed - quiet.last_day
    return AlertReason(
        code=GIVEN_UP,
        text=f"Nothing has come from {name} for {count(days, 'day')}, since {since}, although the account is used: "
        f"at least {number(quiet.missed)} events are missing.",
        values={"source": name, "days": days, "events_missing": round(quiet.missed, 2)},
    )
