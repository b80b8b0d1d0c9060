"""The rule that everybody thinks of first: so many days without an event, the same for all accounts. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

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


def alarms_of_rule(
    days: int, activity: Activity, spans: Mapping[str, Span], calendar: Calendar, end: int
) -> dict[str, list[Incident]]:
    """An alarm at the close of the last of `days` silent days, until the next event; only for accounts that are judged
    at that time, and taken together as the engine's are."""
    last_closed = calendar.last_closed(end)
    found = {}
    for account, (active, _) in activity.items():
        span = spans.get(account)
        if span is None or span.monitored_at is None:
            continue
        first_judged = calendar.day_of(span.monitored_at)
        own = list(merged(_gaps(account, active, days, first_judged, last_closed, calendar)))
        if own:
            found[account] = own
    return found


def _gaps(
    account: str, active: Sequence[int], days: int, first_judged: int, last_closed: int, calendar: Calendar
) -> Iterator[Incident]:
    before = active[0]
    for day in active[1:]:
        if day - before > days and before + days >= first_judged:
            opened = calendar.close_of(before + days)
            yield Incident(account, opened, max(opened, calendar.start_of(day)), calendar.start_of(before))
        before = day
    if last_closed - before >= days and before + days >= first_judged:
        yield Incident(account, calendar.close_of(before + days), None, calendar.start_of(before))


def best_rule(
    most_false: int, activity: Activity, outcomes: Outcomes, spans: Mapping[str, Span], calendar: Calendar, end: int
) -> Rule | None:
    """The quickest rule with at most so many false alarms, chosen in the knowledge of what happened; None when even a
    year of silence gives more."""

    def tried(days: int) -> Rule:
        alarms = alarms_of_rule(days, activity, spans, calendar, end)
        return Rule(days, judge(alarms, outcomes, spans, end))

    low, high = 1, LONGEST
    best: Rule | None = None
    while low <= high:
        middle = (low + high) // 2
        rule = tried(middle)
        if rule.judged.count(Verdict.FALSE) <= most_false:
            best, high = rule, middle - 1
        else:
            low = middle + 1
    return best


def rules(
    thresholds: Sequence[int],
    activity: Activity,
    outcomes: Outcomes,
    spans: Mapping[str, Span],
    calendar: Calendar,
    end: int,
) -> list[Rule]:
    """The rule at several thresholds."""
    return [
        Rule(days, judge(alarms_of_rule(days, activity, spans, calendar, end), outcomes, spans, end))
        for days in thresholds
    ]
