"""From what is held of accounts to the notes that tell it."""

from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from heapq import nsmallest
from typing import Any, Final

import orjson

from alerting.catch_up import in_order
from alerting.gathering_rows import AccountRow, HeldAlert
from alerting.notification import AtRisk, Group, Notification, Over, Reminder, Summary, Went, Why
from schemas.alerts import AlertState, Change, Kind
from schemas.instants import parse_instant

SHOWN: Final = 20
"""Accounts that a summary names."""
OVER_SHOWN: Final = 10
"""Alerts that are over that it names."""


def tells(account_id: str, row: AccountRow, route: str, timezone: str) -> Notification | Group:
    """What is held of an account, which is something: one message."""
    held = sorted(row.held.items(), key=lambda item: _urgency(item[1]))
    alerts = tuple(Notification.decode(each.note) for _, each in held)
    if len(held) == 1 and not row.went and (not held[0][1].new or held[0][1].change is Change.OPENED):
        return alerts[0]
    return Group(
        route=route,
        timezone=timezone,
        account_id=account_id,
        alerts=alerts,
        new=tuple(alert_id for alert_id, each in held if each.new),
        went=tuple(Went(kind=kind, severity=severity) for kind, severity in row.went),
    )


def reminds(account_id: str, row: AccountRow, route: str, timezone: str, now: int) -> Reminder:
    """The reminder of an account's unanswered alerts, of which there are some."""
    waiting = [each for each in row.told.values() if each.note]
    return Reminder(
        route=route,
        timezone=timezone,
        account_id=account_id,
        number=row.reminders + 1,
        told_at=min(each.told_at for each in waiting),
        at=now,
        unanswered=tuple(Notification.decode(each.note) for each in waiting),
    )


@dataclass(slots=True)
class Counted:
    """A summary in the making. Accounts are taken in one by one: of most of them a few numbers are left."""

    changed_accounts: int = 0
    new: int = 0
    worse: int = 0
    acknowledged: int = 0
    resolved: int = 0
    went: int = 0
    kinds: Counter[Kind] = field(default_factory=Counter)
    at_risk_minor: Counter[str] = field(default_factory=Counter)
    at: list[int] = field(default_factory=list)
    risks: list[AtRisk] = field(default_factory=list)
    over: list[Over] = field(default_factory=list)
    open_accounts: int = 0

    def take(self, row: AccountRow) -> None:
        """Count what is held of an account."""
        told = [_told(each) for each in row.held.values()]
        self.changed_accounts += 1
        self.went += len(row.went)
        if not told:
            return
        times = [each.at for each in told]
        self.at = [min(self.at[:1] + times), max(self.at[1:] + times)]
        firing = [each for each in told if each.held.firing]
        self._count(row)
        if over := [_over(each) for each in told if each.held.state is AlertState.RESOLVED]:
            self.over = _first_over(self.over + over)
        if firing:
            risk = _at_risk(firing)
            self.open_accounts += 1
            if risk.currency is not None:
                self.at_risk_minor[risk.currency] += round(risk.priority)
            self.risks.append(risk)
            if len(self.risks) >= 4 * SHOWN:
                self.risks = list(in_order(self.risks, SHOWN))

    def _count(self, row: AccountRow) -> None:
        for each in row.held.values():
            if each.state is AlertState.RESOLVED:
                self.resolved += 1
            elif each.firing:
                self.new += each.new
                self.worse += not each.new
                self.kinds[each.kind] += 1
            else:
                self.acknowledged += 1

    def summary(self, route: str, timezone: str, why: Why, number: int, now: int, still_open: int) -> Summary:
        """The note. `number`: one that no other has on the route."""
        first_at, last_at = self.at or (now, now)
        return Summary(
            route=route,
            timezone=timezone,
            summary_id=blake2b(f"{route}/{number}/{now}".encode(), digest_size=8).hexdigest(),
            why=why,
            at=now,
            first_at=first_at,
            last_at=last_at,
            changed_accounts=self.changed_accounts,
            new=self.new,
            worse=self.worse,
            acknowledged=self.acknowledged,
            resolved=self.resolved,
            went=self.went,
            still_open=still_open,
            kinds=dict(self.kinds.most_common()),
            open_accounts=self.open_accounts,
            at_risk_minor=dict(self.at_risk_minor),
            accounts=in_order(self.risks, SHOWN),
            over=tuple(self.over),
        )


def _urgency(held: HeldAlert) -> tuple[bool, int, Kind]:
    return (not held.firing, -held.severity.rank, held.kind)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a summary says of an alert. `transition`: as it is stored, fields that are absent left out."""

    held: HeldAlert
    transition: dict[str, Any]
    at: int


def _told(held: HeldAlert) -> _Told:
    # Not as models: it was checked when it was taken in, and that of ten thousand alerts would hold up all else.
    transition = orjson.loads(held.note)["transition"]
    return _Told(held, transition, parse_instant(transition["at"]))


def _at_risk(firing: list[_Told]) -> AtRisk:
    last = max(firing, key=lambda each: (each.at, each.transition["alert_id"])).transition
    firing = sorted(firing, key=lambda each: (-each.held.severity.rank, each.held.kind))
    return AtRisk(
        account_id=last["account_id"],
        account_name=last.get("account_name"),
        owner=last.get("owner"),
        kinds=tuple((each.held.kind, each.held.severity) for each in firing),
        since=min(parse_instant(each.transition["since"]) for each in firing),
        mrr_minor=last.get("mrr_minor"),
        currency=last.get("currency"),
        priority=max(each.held.priority for each in firing),
        alerts=tuple((each.transition["alert_id"], each.held.revision) for each in firing),
    )


def _over(told: _Told) -> Over:
    each = told.transition
    return Over(
        account_id=each["account_id"], account_name=each.get("account_name"), kind=told.held.kind, lost=told.held.lost
    )


def _first_over(over: list[Over]) -> list[Over]:
    return nsmallest(OVER_SHOWN, over, key=lambda each: (not each.lost, each.account_id, each.kind))
