"""All that a backtest found, as the summary and the report tell it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.backtest.events import EventShare, UserShare
from streams.backtest.examples import Example
from streams.backtest.load import Load
from streams.backtest.postmortem import PostMortem
from streams.backtest.reading import Reading
from streams.backtest.silence_rule import Rule
from streams.backtest.verdicts import Judged
from streams.detection.calendar import Calendar


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What another setting of the knob would have given."""

    asked: float
    """False alarms per account-year."""
    judged: Judged
    """Without the alarms one by one."""
    load: Load
    """Only the messages are of this setting."""
    followed: "CurvePoint | None" = None
    """Of the setting asked for: what following it beside the engine gave, where that was not the same. It should be."""


@dataclass(frozen=True, slots=True)
class AgeBand:
    """False alarms of accounts of an age: from so many days after the first event, up to the next band."""

    from_days: int
    account_years: float
    false_alarms: int


@dataclass(frozen=True, slots=True)
class Backtest:
    """The result. `asked` is the setting of the knob, in false alarms per account-year."""

    files: Sequence[str]
    asked: float
    reading: Reading
    end: int
    calendar: Calendar
    timezone: str
    duplicates: int
    repeated: int
    """Usage events that count and are like another, without an id that would tell them apart."""
    late: int
    accounts: int
    judged_accounts: int
    phases: Counter[str]
    load: Load
    judged: Judged
    silence_days: int
    ages: Sequence[AgeBand]
    rule: Rule | None
    """The best fixed silence rule."""
    rules: Sequence[Rule]
    """The silence rule at several thresholds."""
    curve: Sequence[CurvePoint]
    """Settings of the knob, ascending, the present one among them."""
    other_messages: int
    """Of those of `load`: on billing, which do not depend on the knob."""
    losses: Sequence[PostMortem]
    """Of the last year, the newest first."""
    events: Sequence[EventShare]
    programs: Sequence[UserShare]
    """Users who are perhaps none."""
    excluded: Mapping[str, int]
    """Usage events that do not count, by setting."""
    learnt_at: int | None
    """When the first thresholds were no longer those of a cold start, in ms; None: never."""
    at_risk: Sequence[tuple[Any, ...]]
    """Accounts with an open alert, what is most at risk first: `accounts.HEADER`."""
    examples: Sequence[Example]
    transitions: int
    notes: list[str] = field(default_factory=list)
    """What a reader of the figures ought to know."""
