"""Each account at the end: its state, what it is at risk of, and how long it was judged."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from schemas.alerts import Change, Kind, Resolution
from schemas.instants import format_instant
from schemas.picture import AccountPicture
from streams.backtest.ledger import Told
from streams.backtest.verdicts import Found
from streams.detection.standing import Standing

HEADER = (
    *("account_id", "account_name", "phase", "health", "priority", "mrr_minor", "currency", "open_alerts"),
    *("last_event_at", "events_total", "events_28d", "expected_28d", "renewal_at", "owner", "team"),
    *("judged_from", "channel", "score", "alert_takes", "lost_at", "flagged_at", "days"),
)
"""`channel` is what stands nearest to an alert at the end: at `score` account-years to a false alarm that comes as far,
where an alert takes `alert_takes`.
`days` as in summary.json: from the loss to the alarm that was right about it, or the other way round."""
_KNOWN_LATER = 3
"""Columns at the end that are filled in when alarms have been held against outcomes."""


def row_of(picture: AccountPicture, monitored_at: int | None, standing: Standing | None) -> tuple[Any, ...]:
    """A line of accounts.csv: the columns of `HEADER` up to what became of the account. Money in minor units, times in
    RFC 3339."""
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
        _time(monitored_at),
        *(("", "", "") if standing is None else _channel(standing)),
    )


def _channel(standing: Standing) -> tuple[Any, ...]:
    return standing.name, round(standing.years, 2), round(standing.needed, 2)


def by_risk(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Orders rows: by money at risk, then by health."""
    return -row[4], row[3], row[0]


def _time(at: int | None) -> str:
    return "" if at is None else format_instant(at)


def write_accounts(path: Path, rows: Iterable[tuple[Any, ...]], losses: Iterable[Found]) -> None:
    """accounts.csv, what is most at risk first: by priority, then by health."""
    became = {loss.account: _became(loss) for loss in losses}
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEADER)
        for row in sorted(rows, key=by_risk):
            writer.writerow((*row, *became.get(row[0], ("",) * _KNOWN_LATER)))


def _became(loss: Found) -> tuple[Any, ...]:
    flagged = "" if loss.incident is None else _time(loss.incident.opened_at)
    return _time(loss.at), flagged, "" if loss.days is None else round(loss.days, 2)


def decisions(told: Iterable[Told], lost: Mapping[str, int | None]) -> dict[str, int]:
    """When each account scheduled the cancellation that it did not take back, or come back from: `lost` has when each
    was lost in the end, None for one that is not."""
    decided: dict[str, int] = {}
    carried_out: dict[str, int] = {}
    for each in told:
        if each.kind is not Kind.CANCEL_SCHEDULED:
            continue
        if each.change is Change.OPENED:
            decided[each.account] = each.at
            carried_out.pop(each.account, None)
        elif each.resolution is Resolution.LOST:
            carried_out[each.account] = each.at
        elif each.resolution is not None:
            decided.pop(each.account, None)
    for account, at in carried_out.items():
        last = lost.get(account)
        if last is None or at < last:
            decided.pop(account, None)
    return decided
