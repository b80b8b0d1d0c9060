"""Each account at the end: its state, what it is at risk of, and how long it was judged."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from schemas.alerts import Change, Kind, Resolution
from schemas.instants import format_instant
from schemas.picture import AccountPicture
from streams.backtest.ledger import Told
from streams.backtest.verdicts import Span
from streams.detection.rules import Rules
from streams.detection.state import Account

HEADER = (
    *("account_id", "account_name", "phase", "health", "priority", "mrr_minor", "currency", "open_alerts"),
    *("last_event_at", "events_total", "events_28d", "expected_28d", "renewal_at", "owner", "team"),
)


def row_of(picture: AccountPicture) -> tuple[Any, ...]:
    """A line of accounts.csv: the columns of `HEADER`. Money in minor units, times in RFC 3339."""
    engagement, billing = picture.engagement, picture.billing
    return (
        picture.account_id,
        picture.account_name or "",
        picture.phase.value,
        picture.health,
        picture.priority,
        "" if billing.mrr_minor is None else billing.mrr_minor,
        billing.currency or "",
        " ".join(f"{each.kind.value}:{each.severity.value}" for each in picture.alerts),
        _time(engagement.last_event_at),
        engagement.events_total,
        engagement.events_28d,
        "" if engagement.expected_28d is None else engagement.expected_28d,
        _time(billing.renewal_at),
        picture.owner or "",
        picture.team or "",
    )


def by_risk(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Orders rows: by money at risk, then by health."""
    return -row[4], row[3], row[0]


def _time(at: int | None) -> str:
    return "" if at is None else format_instant(at)


def write_accounts(path: Path, rows: Iterable[tuple[Any, ...]]) -> None:
    """accounts.csv, what is most at risk first: by priority, then by health."""
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEADER)
        ordered = sorted(rows, key=by_risk)
        writer.writerows(ordered)


def decisions(told: Iterable[Told]) -> dict[str, int]:
    """When each account scheduled the cancellation that it did not take back."""
    decided: dict[str, int] = {}
    for each in told:
        if each.kind is not Kind.CANCEL_SCHEDULED:
            continue
        if each.change is Change.OPENED:
            decided[each.account] = each.at
        elif each.resolution not in (None, Resolution.LOST):
            decided.pop(each.account, None)
    return decided


def span_of(account: Account, rules: Rules, decided: Mapping[str, int]) -> Span:
    """What is known of the account besides its alarms."""
    day = account.habit.monitored_day
    monitored = None if day < 0 else rules.calendar.close_of(day)
    return Span(account.last_event_at, monitored, decided.get(account.id))
