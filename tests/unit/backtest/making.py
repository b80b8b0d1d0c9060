"""Short ways to transitions and days for the tests of the figures."""

from array import array
from collections.abc import Mapping
from pathlib import Path

from schemas.alerts import AlertState, Change, Kind, Severity
from streams.backtest.activity import Activity
from streams.backtest.incidents import Incident
from streams.backtest.ledger import Told
from streams.backtest.verdicts import Span

DAY_MS = 86_400_000
FIRST = 20_094
"""Day 0 of the tests: Monday, 6 January 2025."""


def at(day: float) -> int:
    return round((FIRST + day) * DAY_MS)


def told(
    day: float,
    change: Change,
    severity: Severity = Severity.WARNING,
    *,
    account: str = "a",
    alert: str = "1",
    kind: Kind = Kind.USAGE_SILENCE,
) -> Told:
    state = AlertState.RESOLVED if change is Change.RESOLVED else AlertState.FIRING
    message = severity is not Severity.WATCH
    return Told(
        account, alert, 1, kind, change, state, severity, at(day), at(day - 2), None, message, (Path("none"), 0, 0)
    )


def alarm(opened: float, closed: float | None = None, account: str = "a") -> Incident:
    return Incident(account, at(opened), None if closed is None else at(closed))


def span(last: float, monitored: float | None = 0.0, decided: float | None = None) -> Span:
    return Span(at(last), None if monitored is None else at(monitored), None if decided is None else at(decided))


def activity(days: Mapping[str, list[int]]) -> Activity:
    """One event on each of these days."""
    return Activity(
        {
            account: (array("i", [FIRST + day for day in own]), array("q", [1] * len(own)))
            for account, own in days.items()
        }
    )
