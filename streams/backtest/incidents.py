"""Alarms as people meet them: the alerts on an account's engagement, taken together."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from alerting.routing import TOLD_KINDS
from schemas.alerts import ENGAGEMENT_KINDS, AlertState, Kind, Severity
from streams.backtest.ledger import Told
from streams.detection.config import DAY_MS

ENGAGEMENT = TOLD_KINDS.intersection(ENGAGEMENT_KINDS)
"""Kinds that the rate of false alarms asked for is about, and that people are told of: the others are in shadow, where
nobody meets them."""
APART_DAYS = 28
"""What begins sooner after the end of the one before belongs to it."""


class Incident(NamedTuple):
    """One time that an account's engagement was alarming: an alert, or several that overlap or follow one another
    within 28 days. Times in milliseconds; `closed_at` None: it still is."""

    account: str
    opened_at: int
    closed_at: int | None
    since: int = 0
    """When the decline began, as the first alert had it."""
    kinds: tuple[Kind, ...] = ()
    alert_ids: tuple[str, ...] = ()


def incidents(told: Iterable[Told]) -> dict[str, list[Incident]]:
    """The incidents of each account that had one, from its transitions in their order. Watches are none."""
    spans: dict[str, list[Incident]] = {}
    begun: dict[tuple[str, str], Told] = {}
    for each in told:
        if each.kind not in ENGAGEMENT:
            continue
        key = (each.account, each.alert_id)
        if each.state is AlertState.RESOLVED:
            first = begun.pop(key, None)
            if first is not None:
                spans.setdefault(each.account, []).append(_span(first, each.at))
        elif each.severity is not Severity.WATCH and key not in begun:
            begun[key] = each
    for first in begun.values():
        spans.setdefault(first.account, []).append(_span(first, None))
    return {account: list(merged(sorted(own, key=lambda one: one.opened_at))) for account, own in spans.items()}


def _span(first: Told, closed_at: int | None) -> Incident:
    return Incident(first.account, first.at, closed_at, first.since, (first.kind,), (first.alert_id,))


def merged(spans: Iterable[Incident]) -> Iterator[Incident]:
    """An account's spans, by their opening, with those that are not apart taken as one."""
    current: Incident | None = None
    for span in spans:
        if current is None:
            current = span
        elif current.closed_at is not None and span.opened_at - current.closed_at >= APART_DAYS * DAY_MS:
            yield current
            current = span
        else:
            closed = None if None in (current.closed_at, span.closed_at) else max(current.closed_at, span.closed_at)  # type: ignore[type-var]
            current = Incident(
                span.account,
                current.opened_at,
                closed,
                current.since,
                tuple(dict.fromkeys(current.kinds + span.kinds)),
                tuple(dict.fromkeys(current.alert_ids + span.alert_ids)),
            )
    if current is not None:
        yield current
