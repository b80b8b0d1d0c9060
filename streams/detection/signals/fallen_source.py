"""A main source of which less comes than it did, as far as `usage_drop` tells of it. See `source_days`.

Use that moves to another source looks the same from there. So it is told only where the account as a whole lacks most
of what is missing from the source, by its own normal and over the same days.
"""

from typing import Final, NamedTuple

from alerting.words import count, number
from schemas.alerts import AlertReason
from streams.detection.calibration import DROP
from streams.detection.facets import SOURCES
from streams.detection.habits import Habit
from streams.detection.health import expected
from streams.detection.rules import Rules
from streams.detection.signals.quiet_source import main_sources
from streams.detection.state import Account
from streams.detection.thresholds import reached
from streams.detection.window import total

FALLEN: Final = "source_fallen"
"""The code of the reason."""
_LACKS: Final = 0.9
"""Of what is missing from a source, the account as a whole lacks so much at least where it has not moved."""
_OLD: Final = 0.25
"""So much of a baseline is taken to be from before a fall at least."""


class FallenSource(NamedTuple):
    """Less comes from it than by what the account does otherwise, and the account does less for it."""

    level: int
    """Severity, from 1."""
    source: int
    """Its number."""
    first_day: int
    """When the fall began, as estimated."""
    observed: float
    """Events since ..."""
    expected: float
    """... and how many there would be, by what the account did on these days."""
    score: float
    """S, nats."""
    false_alarms: float
    """An account-year, at this score."""


def fallen_source(account: Account, rules: Rules) -> FallenSource | None:
    """The main source whose fall says most by the newest closed day; None where there is none to tell of."""
    thresholds, found = rules.learnt.facets.thresholds[SOURCES], None
    for source, habit in main_sources(account, rules):
        rate = habit.rate(rules.fleet(account.closed))
        normal = rate * habit.pending_exposure
        level = reached(habit.evidence, thresholds.of(rate).drop)
        if level == 0 or normal < rules.config.expected_events or moved(account, habit, rules):
            continue
        if found is None or (level, normal - habit.pending_events) > (found.level, found.expected - found.observed):
            false_alarms = thresholds.false_alarms(DROP, habit.evidence, rate)
            found = FallenSource(
                level, source, habit.left_day, habit.pending_events, normal, habit.evidence, false_alarms
            )
    return found


def moved(account: Account, habit: Habit, rules: Rules) -> bool:
    """Whether the account does elsewhere what is missing from a source with the numbers `habit`. Asked of its newest
    days where the fall is longer than days are kept. What has become normal for the whole meanwhile, as its own fall is
    too small to hold that up, is put back."""
    closed, whole, fleet = account.closed, account.habit, rules.fleet(account.closed)
    first = max(habit.left_day, closed - rules.config.kept_days + 1)
    missing = habit.rate(fleet) * habit.pending_exposure - habit.pending_events
    share = (closed - first + 1) / (closed - habit.left_day + 1)
    normal = expected(account, rules, first, closed)
    lacks = normal - total(account.daily, first, closed)
    before = whole.learnt_before(normal / whole.rate(fleet), fleet)
    return lacks < _LACKS * missing * share * max(before, _OLD)


def fall_reason(fallen: FallenSource, account: Account, rules: Rules) -> AlertReason:
    """What there is to say of it."""
    today = rules.learnt.sources(account.closed)
    assert today is not None  # there is a source
    name, observed = today.names[fallen.source], round(fallen.observed)
    since = rules.calendar.day_text(rules.calendar.start_of(fallen.first_day))
    below = max(0, round(100 * (1 - fallen.observed / fallen.expected)))
    return AlertReason(
        code=FALLEN,
        text=f"Use of {name} is {below}% below normal since {since}: {count(observed, 'event')} where about "
        f"{number(fallen.expected)} were expected, and the account does no more elsewhere for it.",
        values={
            "source": name,
            "days": account.closed - fallen.first_day + 1,
            "observed": observed,
            "expected": round(fallen.expected, 2),
            "below_percent": below,
        },
    )
