"""`cancel_scheduled`: someone cancelled, and the subscription runs out."""

from alerting.lifecycle import Finding
from alerting.words import count, money
from schemas.alerts import AlertReason, Kind, Resolution, Severity
from streams.detection.config import DAY_MS
from streams.detection.rules import Rules
from streams.detection.signals.base import Calm, Firing, Judgement
from streams.detection.signals.leaving import may_go, reason_values
from streams.detection.signals.named import named
from streams.detection.signals.taken_in import usage_before
from streams.detection.state import Account
from streams.detection.subscription import Subscription


class CancelScheduledSignal:
    """Fires while a subscription is set to end; critical in the last days (7) before. The cancellation of another one
    escalates. Resolved when it is reverted; when the subscription ends, as lost if it was the account's last paid one.

    Of accounts that may go (see `LetGo`) it stays a watch.
    """

    kind = Kind.CANCEL_SCHEDULED

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def judge(self, account: Account, at: int) -> Judgement:
        """See `DatedSignal`."""
        cancelled = _cancelled(account)
        if not cancelled:
            goes_on = any(each.live for each in named(account, self.kind))
            return Calm(Resolution.REVERTED if goes_on else Resolution.EXPIRED)
        severity = Severity.CRITICAL if at >= self._critical_at(cancelled) else Severity.WARNING
        if all(may_go(account, each, self._rules) for each in cancelled):
            severity = Severity.WATCH
        return Firing(severity, max(each.cancelled_at or 0 for each in cancelled))

    def next_at(self, account: Account) -> int | None:
        """See `DatedSignal`."""
        alert = account.alert(self.kind)
        cancelled = _cancelled(account)
        if alert is None or alert.severity is Severity.CRITICAL or not cancelled:
            return None
        if all(may_go(account, each, self._rules) for each in cancelled):
            return None
        return self._critical_at(cancelled)

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:
        """See `Signal`."""
        cancelled = _cancelled(account)
        first = min(cancelled, key=_end)
        days = max(0, -(-(_end(first) - at) // DAY_MS))
        mrr = sum(each.mrr_minor or 0 for each in cancelled if each.paid and each.currency == first.currency)
        headline = (
            f"Cancellation is set for {self._rules.calendar.day_text(_end(first))}, {count(days, 'day')} from now"
        )
        headline += f", and ends {money(mrr, first.currency)} a month." if mrr and first.currency else "."
        evidence: dict[str, int | float] = {
            "days_left": days,
            "cancel_at": _end(first),
            "subscriptions": len(cancelled),
        }
        if mrr:
            evidence["mrr_minor"] = mrr
        return Finding(
            firing.severity,
            min(each.cancelled_at or at for each in cancelled),
            headline,
            (*(self._reason(each) for each in cancelled), *usage_before(account)),
            evidence,
            firing.step,
        )

    def _reason(self, subscription: Subscription) -> AlertReason:
        day = self._rules.calendar.day_text(_end(subscription))
        values: dict[str, bool | int | float | str] = {
            "subscription_id": subscription.subscription_id,
            "cancel_at": _end(subscription),
            **reason_values(subscription, self._rules),
        }
        why = f"no reason given; it ends on {day}."
        if subscription.reason is not None:
            why = f"the reason given is “{subscription.reason}”; it ends on {day}."
        name = subscription.plan or subscription.subscription_id
        return AlertReason(code="cancelled", text=f"{name} was cancelled: {why}", values=values)

    def _critical_at(self, cancelled: list[Subscription]) -> int:
        return min(_end(each) for each in cancelled) - self._rules.config.critical_notice_days * DAY_MS


def _cancelled(account: Account) -> list[Subscription]:
    return [each for each in account.subscriptions.live() if each.cancel_at is not None]


def _end(subscription: Subscription) -> int:
    return subscription.cancel_at or 0
