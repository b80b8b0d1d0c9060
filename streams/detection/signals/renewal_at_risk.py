"""`renewal_at_risk`: a contract comes to its renewal while the account is not well."""

from typing import Final, NamedTuple

from alerting.lifecycle import Alert, Finding
from alerting.words import count
from schemas.alerts import ENGAGEMENT_KINDS, AlertReason, Kind, Resolution, Severity
from streams.detection.config import DAY_MS
from streams.detection.health import health
from streams.detection.priority import renewal_of
from streams.detection.reviews import WEEK_MS, review_after
from streams.detection.rules import Rules
from streams.detection.signals.base import Calm, Firing, Judgement
from streams.detection.state import Account

STANDS_ON: Final = (*ENGAGEMENT_KINDS, Kind.CANCEL_INTENT, Kind.NEGATIVE_FEEDBACK)
_LOW: Final = 50
_WELL: Final = 60
"""Health: it opens below the first, and is over at the second."""
_TOLD_WITHIN: Final = WEEK_MS
"""Billing says that a contract is renewed when it has charged it, and a CRM when somebody has written it down."""


class _Risk(NamedTuple):
    renewal_at: int
    health: int
    alerts: list[Alert]


class RenewalAtRiskSignal:
    """Fires in the 13 weeks before a renewal when health is below 50 or an alert on engagement is open that is more
    than a watch; critical in the last four. Looked at once a week, and whenever such an alert changes. Resolved when
    the contract is renewed, which may be told up to a week after its day, when the account is well again, and when
    there is nothing to be renewed any more.

    What renews with every charge is no contract: there the other kinds say enough.
    """

    kind = Kind.RENEWAL_AT_RISK

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def judge(self, account: Account, at: int) -> Judgement:
        """See `DatedSignal`."""
        due = self._due(account)
        if due is not None and due <= at < due + _TOLD_WITHIN:
            return None
        renewal_at = self._renewal(account, at)
        if renewal_at is None:
            return Calm(Resolution.EXPIRED)
        if at < renewal_at - self._notice:
            return Calm(Resolution.RENEWED)
        if at >= renewal_at:
            return Calm(Resolution.EXPIRED)
        risk = self._risk(account, renewal_at, at)
        if risk is None:
            return Calm(Resolution.RECOVERED)
        return Firing(Severity.CRITICAL if at >= self._critical_at(renewal_at) else Severity.WARNING)

    def next_at(self, account: Account) -> int | None:
        """See `DatedSignal`."""
        looked_at, due = account.looked_at, self._due(account)
        if due is not None and due <= looked_at < due + _TOLD_WITHIN:
            return due + _TOLD_WITHIN
        renewal_at = self._renewal(account, looked_at + 1)
        if renewal_at is None:
            return None
        review = review_after(looked_at, renewal_at, self._rules.config.renewal_notice_weeks * 7)
        if review is None or looked_at < renewal_at - self._notice:
            return review
        changed = [alert.at for kind in STANDS_ON if (alert := account.alerts.get(kind)) and alert.at > looked_at]
        return min([review, *changed])

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:
        """See `Signal`."""
        renewal_at = self._renewal(account, at)
        assert renewal_at is not None  # it fires
        risk = self._risk(account, renewal_at, at)
        assert risk is not None
        days = max(0, -(-(renewal_at - at) // DAY_MS))
        headline = f"The contract renews in {count(days, 'day')}; health is {risk.health} of 100"
        if risk.alerts:
            open_ = "is" if len(risk.alerts) == 1 else "are"
            headline += f", and {count(len(risk.alerts), 'alert')} on engagement {open_} open"
        reasons = [
            AlertReason(
                code=alert.kind.value,
                text=alert.finding.headline,
                values={"alert_id": alert.alert_id, "severity": alert.severity.value, "since": alert.finding.since},
            )
            for alert in risk.alerts
        ]
        factors = sorted(health(account, self._rules, at).factors, key=lambda factor: factor.points)
        reasons += [
            AlertReason(code=f"health_{factor.name}", text=factor.text, values={"points": factor.points})
            for factor in factors
            if factor.points < 0
        ]
        return Finding(
            firing.severity,
            min([at, *(alert.finding.since for alert in risk.alerts)]),
            f"{headline}.",
            tuple(reasons),
            {"renewal_at": renewal_at, "days_left": days, "health": risk.health, "alerts": len(risk.alerts)},
            firing.step,
        )

    @property
    def _notice(self) -> int:
        return self._rules.config.renewal_notice_weeks * WEEK_MS

    def _critical_at(self, renewal_at: int) -> int:
        return renewal_at - min(4 * WEEK_MS, self._notice)

    def _due(self, account: Account) -> int | None:
        """The renewal that an open alert is about, if it stands as it was told."""
        alert = account.alert(self.kind)
        due = alert.finding.evidence.get("renewal_at") if alert is not None else None
        if not isinstance(due, int):
            return None
        live = [each for each in account.subscriptions.live() if each.cancel_at is None]
        stands = any(each.renewal_at == due for each in live) or account.profile.number("renewal_at") == due
        return due if stands else None

    def _renewal(self, account: Account, at: int) -> int | None:
        """The next renewal of the contract, if it is one."""
        renewal_at = renewal_of(account, at)
        if renewal_at is None:
            return None
        renewing = [each for each in account.subscriptions.live() if each.renewal_at == renewal_at]
        with_charge = [each for each in renewing if each.interval in ("day", "week", "month")]
        by_itself = [each for each in with_charge if (each.period_end or renewal_at) >= renewal_at]
        return None if renewing and len(by_itself) == len(renewing) else renewal_at

    def _risk(self, account: Account, renewal_at: int, at: int) -> _Risk | None:
        alerts = [alert for kind in STANDS_ON if (alert := account.alert(kind)) is not None]
        alerts = [alert for alert in alerts if alert.severity is not Severity.WATCH]
        now = health(account, self._rules, at).value
        low = _WELL if account.alert(self.kind) is not None else _LOW
        return _Risk(renewal_at, now, alerts) if alerts or now < low else None
