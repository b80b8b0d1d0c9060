"""The rule that everybody thinks of first: so many days without an event, the same for all accounts. Pure."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from streams.backtest.activity import Activity
from streams.backtest.incidents import Incident, merged
from streams.backtest.outcomes import Outcomes
from streams.backtest.verdicts import Judged, Span, Verdict, judge
from streams.detection.calendar import Calendar

LONGEST = 365


class Rule(NamedTuple):
    """The rule at one threshold, and what it would have been worth."""

    days: int
    judged: Judged
    messages: int
    """As an alert of ours sends: when an alarm is raised, and when it is over. Of the span that `rule_of` was given."""


def alarms_of_rule(
    days: int,
    activity: Activity,
    spans: Mapping[str, Span],
    calendar: Calendar,
    end: int,
    messages: list[int] | None = None,
) -> dict[str, list[Incident]]:
    """An alarm at the close of the last of `days` silent days, until the next event; only for accounts that are judged
    at that time, and taken together as the engine's are. `messages` gets the times at which an alarm, not yet taken
    together with others, begins and ends."""
    last_closed = calendar.last_closed(end)
    found = {}
    for account, (active, _) in activity.items():
        span = spans.get(account)
        if span is None or span.monitored_at is None:
            continue
        first_judged = calendar.day_of(span.monitored_at)
        gaps = list(_gaps(account, active, days, first_judged, last_closed, calendar))
        if messages is not None:
            messages += (each.opened_at for each in gaps)
            messages += (each.closed_at for each in gaps if each.closed_at is not None)
        own = list(merged(gaps))
        if own:
            found[account] = own
    return found


def _gaps(
    account: str, active: "array[int]", days: int, first_judged: int, last_closed: int, calendar: Calendar
) -> Iterator[Incident]:
    # Most days follow closely: those that do not are picked out at once, as millions are gone through for each rule.
    for place in (np.diff(np.frombuffer(active, np.intc)) > days).nonzero()[0].tolist():
        before, day = active[place], active[place + 1]
        if before + days >= first_judged:
            opened = calendar.close_of(before + days)
            yield Incident(account, opened, max(opened, calendar.start_of(day)), calendar.start_of(before))
    before = active[-1]
    if last_closed - before >= days and before + days >= first_judged:
        yield Incident(account, calendar.close_of(before + days), None, calendar.start_of(before))


@dataclass(frozen=True, slots=True)
class History:
    """What rules are tried on. Times in milliseconds."""

    activity: Activity
    outcomes: Outcomes
    spans: Mapping[str, Span]
    calendar: Calendar
    since: int
    """Messages count from here on."""
    end: int


def rule_of(days: int, history: History) -> Rule:
    """The rule at one threshold."""
    end = history.end
    messages: list[int] = []
    alarms = alarms_of_rule(days, history.activity, history.spans, history.calendar, end, messages)
    judged = judge(alarms, history.outcomes, history.spans, end).without_alarms()
    return Rule(days, judged, sum(at >= history.since for at in messages))


def telling(rules: Sequence[Rule]) -> list[Rule]:
    """Rules without those that are quicker than the one with the most false alarms: their alarms follow one another so
    closely that they are counted as one, which has an account alarming nearly all the time."""
    shortest = max(rules, key=lambda rule: rule.judged.count(Verdict.FALSE)).days if rules else 0
    return [rule for rule in rules if rule.days >= shortest]


def best_rule(most_false: int, tried: Sequence[Rule], history: History) -> Rule | None:
    """The quickest rule with at most so many false alarms, chosen in the knowledge of what happened; None when even a
    year of silence gives more. `tried` are some of the rules, of which only `telling` ones count."""
    low, high = min((rule.days for rule in telling(tried)), default=1), LONGEST
    best: Rule | None = None
    while low <= high:
        middle = (low + high) // 2
        rule = rule_of(middle, history)
        if rule.judged.count(Verdict.FALSE) <= most_false:
            best, high = rule, middle - 1
        else:
            low = middle + 1
    return best
