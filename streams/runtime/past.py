"""Alerts of the past at a home partition: marked, so that nobody is told of each, and told as one message.

The mark is a header of the transition's record. It is set when the transition is written, once and for all, and not
when it is read: however long that takes, what is not marked is told by itself, and what is marked is counted here, in
the same transaction. What is counted is a row of the changelog; it is deleted with the message, in one transaction too.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from itertools import chain
from time import monotonic
from typing import Final

from alerting.catch_up import PastCounts, in_order
from alerting.lifecycle import Alert
from alerting.notification import AtRisk, CatchUp
from alerting.routing import Route, home_route, route
from schemas.alerts import Change, Kind, Severity, Transition
from streams.detection.odds import Odds
from streams.detection.priority import money_at_risk
from streams.detection.state import Account, standing_of

ROW: Final = b"\0past"
PAST_MS: Final = 86_400_000
"""In wall mode a transition that is older than this when it is written is of the past."""
QUIET_SECONDS: Final = 2.0
"""What comes together is told together."""
AGAIN_SECONDS: Final = 3_600.0
"""A home that has told of its past does so again after this long at the earliest: events may be late all day."""


class Past:
    """What a home partition has to tell of the past. `stored`: its row, if there is one. Raises `StateError`."""

    def __init__(self, routes: Sequence[Route], stored: bytes | None) -> None:
        self.counts = PastCounts.decode(stored)
        self._routes = routes
        self._stored = stored
        self._raised: dict[tuple[str, Kind], bool] = {}
        self._noted_at = self._told_at = -AGAIN_SECONDS

    def note(self, transition: Transition, before: bytes | None) -> None:
        """Count a transition of the past; `before` is what was stored of its account before this flush."""
        if not route(transition, self._routes):
            return
        key = (transition.account_id, transition.kind)
        raised = self._raised.get(key)
        if raised is None:
            raised = before is not None and self._has_raised(before, transition.kind)
        self.counts = self.counts.count(transition, raised=raised)
        self._raised[key] = transition.change is not Change.RESOLVED
        self._noted_at = monotonic()

    @property
    def due(self) -> bool:
        """There is something to tell, and nothing more of it came for a moment."""
        now = monotonic()
        return bool(self.counts) and now - self._noted_at >= QUIET_SECONDS and now - self._told_at >= AGAIN_SECONDS

    def changed(self) -> list[bytes | None]:
        """The row's new value, where it has one (None: it is deleted). To be asked for once a flush."""
        self._raised.clear()
        value = self.counts.encode() if self.counts != PastCounts() else None
        if value == self._stored:
            return []
        self._stored = value
        return [value]

    def message(
        self,
        rows: Iterable[tuple[bytes, bytes]],
        account_of: Callable[[str], Account],
        odds: Odds,
        *,
        partition: int,
        place: str,
        at: int,
        timezone: str,
    ) -> CatchUp | None:
        """What there is to tell, of which nothing is left then; None where there is nobody to be told. `rows` are those
        of all accounts, `place` is one that no other message has, `at` the time (ms)."""
        counts, self.counts, self._told_at = self.counts, PastCounts(), monotonic()
        assert counts.first_at is not None
        home = home_route(self._routes)
        if home is None:
            return None
        names = (key.decode() for key, value in rows if self._has_raised(value))
        found = [each for name in names if (each := self._at_risk(account_of(name), counts, odds)) is not None]
        risk: dict[str, int] = {}
        for each in found:
            if each.currency is not None:
                risk[each.currency] = risk.get(each.currency, 0) + round(each.priority)
        return CatchUp(
            route=home,
            timezone=timezone,
            catch_up_id=blake2b(f"{partition}/{place}".encode(), digest_size=8).hexdigest(),
            part=partition,
            at=at,
            first_at=counts.first_at,
            last_at=counts.last_at,
            opened=counts.opened,
            resolved=counts.resolved,
            open_alerts=sum(len(each.kinds) for each in found),
            open_accounts=len(found),
            at_risk_minor=risk,
            accounts=in_order(found),
        )

    def _has_raised(self, stored: bytes, kind: Kind | None = None) -> bool:
        """Whether a stored account has an open alert (of this kind) that somebody is told of."""
        for each in standing_of(stored).split("|")[1].split("+"):
            name, _, severity = each.partition(".")
            if each and kind in {None, name} and self._is_told(Kind(name), Severity(severity)):
                return True
        return False

    def _is_told(self, kind: Kind, severity: Severity) -> bool:
        return any(each.may_tell(kind, severity) for each in self._routes)

    def _at_risk(self, account: Account, counts: PastCounts, odds: Odds) -> AtRisk | None:
        alerts = [each for each in account.alerts.values() if each.is_open and self._is_of(each, counts)]
        if not alerts:
            return None
        mrr_minor, currency = account.mrr
        alerts.sort(key=lambda each: (-each.severity.rank, each.kind))
        kinds = tuple((each.kind, each.severity) for each in alerts)
        return AtRisk(
            account_id=account.id,
            account_name=account.profile.text("name"),
            owner=account.profile.text("owner"),
            kinds=kinds,
            since=min(each.finding.since for each in alerts),
            mrr_minor=mrr_minor,
            currency=currency,
            priority=money_at_risk(mrr_minor, kinds, odds, account.profile.text("tier")),
            alerts=tuple((each.alert_id, each.revision) for each in alerts),
        )

    def _is_of(self, alert: Alert, counts: PastCounts) -> bool:
        """Whether an open alert is one of those that nobody was told of."""
        assert counts.first_at is not None
        of_then = alert.opened_at <= counts.last_at and alert.at >= counts.first_at
        return of_then and self._is_told(alert.kind, alert.severity)


def with_flush(
    rows: Iterable[tuple[bytes, bytes]], flush: Iterable[tuple[str, bytes]]
) -> Iterable[tuple[bytes, bytes]]:
    """The rows of a partition's accounts as they will be once a flush is committed."""
    new = {account.encode(): value for account, value in flush}
    there = ((key, value) for key, value in rows if not key.startswith(b"\0") and key not in new)
    return chain(there, new.items())
