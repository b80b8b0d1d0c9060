"""Accounts to be shown as plots, and what is drawn of each. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from schemas.alerts import AlertState, Change, Severity
from streams.backtest.activity import Activity
from streams.backtest.band import Usual, usual_range
from streams.backtest.incidents import ENGAGEMENT
from streams.backtest.ledger import Told, read_whole
from streams.backtest.verdicts import Found, Judged, Verdict
from streams.detection.calendar import Calendar

_BEFORE = 120
_AFTER = 45


@dataclass(frozen=True, slots=True)
class Mark:
    """A transition in a plot."""

    day: int
    label: str
    severity: Severity | None
    """None: it was resolved."""


@dataclass(frozen=True, slots=True)
class Explained:
    """What an alert said when it opened or escalated, in numbers that can be read off the plot."""

    day: int
    label: str
    since_day: int
    """When the decline began: the first day of it, or the last active one."""
    headline: str
    observed: float | None
    expected: float | None
    """Events in the days that are judged."""
    window_days: int | None
    rarity: float | None
    """False alarms per account-year at its score."""


@dataclass(frozen=True, slots=True)
class Example:
    """One account's plot. Days are day numbers, `counts` and `usual` one a day from `first` on."""

    account: str
    title: str
    first: int
    counts: tuple[int, ...]
    usual: tuple[Usual | None, ...]
    marks: tuple[Mark, ...]
    lost_day: int | None
    alerts: tuple[Explained, ...] = ()


def choose(judged: Judged, activity: Activity, told: Iterable[Told], calendar: Calendar, end: int) -> list[Example]:
    """Up to six accounts: losses that were found, losses that were missed, false alarms, alarms that are open."""
    own: dict[str, list[Told]] = {}
    for each in told:
        if each.kind in ENGAGEMENT:
            own.setdefault(each.account, []).append(each)
    losses = {loss.account: loss for loss in judged.losses}

    def busiest(accounts: Iterable[str], count: int) -> list[str]:
        unique = [each for each in dict.fromkeys(accounts) if each in activity]
        # The middle ones: neither the busiest, whose case is clear, nor those with hardly an event.
        unique.sort(key=lambda account: (len(activity[account][0]), account))
        middle = len(unique) // 2
        return unique[middle : middle + count]

    def alarmed(verdict: Verdict) -> list[str]:
        return [alarm.account for alarm, each in judged.alarms if each is verdict]

    picked = [
        *((account, "A loss that was found") for account in busiest(alarmed(Verdict.RIGHT), 2)),
        *((account, "A loss that was missed") for account in busiest(_missed(judged.losses), 1)),
        *((account, "A false alarm") for account in busiest(alarmed(Verdict.FALSE), 2)),
        *((account, "An alarm that is open: not decided yet") for account in busiest(alarmed(Verdict.UNDECIDED), 1)),
    ]
    last = calendar.last_closed(end)
    shown: dict[str, Example] = {}
    for account, title in picked:
        if account not in shown:
            shown[account] = _example(
                account, title, activity, own.get(account, []), losses.get(account), calendar.day_of, last
            )
    return list(shown.values())


def _missed(losses: Iterable[Found]) -> list[str]:
    return [loss.account for loss in losses if loss.judged and loss.incident is None]


def _example(
    account: str,
    title: str,
    activity: Activity,
    told: list[Told],
    loss: Found | None,
    day_of: Callable[[int], int],
    last: int,
) -> Example:
    counts = dict(zip(*activity[account], strict=True))
    opened = [each for each in told if each.severity is not Severity.WATCH]
    around = day_of(opened[-1].at) if opened else (day_of(loss.at) if loss is not None else last)
    first, until = max(around - _BEFORE, min(counts) - 7), min(around + _AFTER, last)
    lost = until if loss is None else min(max(day_of(loss.at), first - 1), until)
    marks = tuple(
        Mark(
            day_of(each.at),
            f"{each.kind.value.replace('_', ' ')}: {each.change.value}, {each.severity.value}",
            None if each.state is AlertState.RESOLVED else each.severity,
        )
        for each in told
        if first <= day_of(each.at) <= until
    )
    return Example(
        account,
        title,
        first,
        tuple(counts.get(day, 0) for day in range(first, until + 1)),
        tuple(usual_range(counts, first, min(until, lost), _frozen(told, day_of, last)) + [None] * (until - lost)),
        marks,
        None if loss is None else day_of(loss.at),
        tuple(
            _explained(each, day_of)
            for each in told
            if first <= day_of(each.at) <= until
            and each.severity is not Severity.WATCH
            and each.change in (Change.OPENED, Change.ESCALATED)
        ),
    )


def _explained(told: Told, day_of: Callable[[int], int]) -> Explained:
    whole = read_whole(told)
    evidence = whole["evidence"]
    return Explained(
        day_of(told.at),
        f"{told.kind.value.replace('_', ' ')}: {told.change.value}, {told.severity.value}",
        day_of(told.since),
        whole["headline"],
        *(evidence.get(name) for name in ("observed", "expected", "window_days", "false_alarms_per_account_year")),
    )


def _frozen(told: list[Told], day_of: Callable[[int], int], last: int) -> list[tuple[int, int]]:
    """From the beginning of each decline, as its alert has it, until the alert is resolved."""
    spans: list[tuple[int, int]] = []
    since: dict[str, int] = {}
    for each in told:
        if each.state is AlertState.RESOLVED:
            begun = since.pop(each.alert_id, None)
            if begun is not None:
                spans.append((begun, day_of(each.at)))
        else:
            since.setdefault(each.alert_id, day_of(each.since) + 1)
    return spans + [(begun, last) for begun in since.values()]
