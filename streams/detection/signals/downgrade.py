"""`downgrade`: a subscription's plan or price goes down."""

from alerting.lifecycle import Finding
from alerting.words import money
from schemas.alerts import AlertReason, Kind, Resolution, Severity
from streams.detection.config import DAY_MS
from streams.detection.rules import Rules
from streams.detection.signals.base import Calm, Firing, Judgement
from streams.detection.state import Account
from streams.detection.subscriptions import Subscription


class DowngradeSignal:
    """Fires when less is paid for a subscription than before, other than for fewer seats of the same plan, which is
    `seats_reduced`; critical when half of the account's MRR is gone, or more. A further step down is told again.
    Resolved when the price is back, or after some time (30 days): then it is the account's plan."""

    kind = Kind.DOWNGRADE

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def judge(self, account: Account, at: int) -> Judgement:
        """See `DatedSignal`."""
        lowered = _lowered(account)
        if not lowered:
            ended = any(each.lowered_at is not None for each in account.subscriptions.by_id.values())
            return Calm(Resolution.EXPIRED if ended or self._other_currency(account) else Resolution.REVERTED)
        newest = max(each.lowered_at or 0 for each in lowered)
        if at >= newest + self._told:
            return Calm(Resolution.EXPIRED)
        gone, before = _gone(account, lowered)
        return Firing(Severity.CRITICAL if 2 * gone >= before else Severity.WARNING, newest)

    def next_at(self, account: Account) -> int | None:
        """See `DatedSignal`."""
        lowered = _lowered(account)
        if account.alert(self.kind) is None or not lowered:
            return None
        return max(each.lowered_at or 0 for each in lowered) + self._told

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:
        """See `Signal`. The headline is that of the last step down."""
        lowered = _lowered(account)
        last = max(lowered, key=lambda each: each.lowered_at or 0)
        gone, before = _gone(account, lowered)
        changed = last.plan is not None and last.plan_before is not None and last.plan != last.plan_before
        what = f"The plan went from {last.plan_before} to {last.plan}" if changed else "The price went down"
        return Finding(
            firing.severity,
            min(at, *(each.lowered_at or at for each in lowered)),
            f"{what}: {money(gone, last.currency or '')} a month less, of {money(before, last.currency or '')}.",
            tuple(_reason(each) for each in lowered),
            {"mrr_before_minor": before, "mrr_less_minor": gone},
            firing.step,
        )

    def _other_currency(self, account: Account) -> bool:
        """Whether what is paid now is in another currency than what it was compared with."""
        alert = account.alert(self.kind)
        told = [reason.values for reason in alert.finding.reasons] if alert is not None else []
        by_id = account.subscriptions.by_id
        known = [(by_id.get(str(each.get("subscription_id"))), each.get("currency")) for each in told]
        return any(each is not None and each.currency != currency for each, currency in known)

    @property
    def _told(self) -> int:
        return self._rules.config.contraction_days * DAY_MS


def _lowered(account: Account) -> list[Subscription]:
    return [each for each in account.subscriptions.live() if each.lowered_at is not None]


def _gone(account: Account, lowered: list[Subscription]) -> tuple[int, int]:
    """What is no longer paid a month, and what was, in the currency of the last step down."""
    currency = max(lowered, key=lambda each: each.lowered_at or 0).currency
    gone = sum((each.mrr_before or 0) - (each.mrr_minor or 0) for each in lowered if each.currency == currency)
    now = sum(each.mrr_minor or 0 for each in account.subscriptions.live() if each.paid and each.currency == currency)
    return gone, now + gone


def _reason(each: Subscription) -> AlertReason:
    before, now = each.mrr_before or 0, each.mrr_minor or 0
    currency = each.currency or ""
    values: dict[str, bool | int | float | str] = {
        "subscription_id": each.subscription_id,
        "mrr_before_minor": before,
        "mrr_minor": now,
        "currency": currency,
    }
    text = f"{each.subscription_id}: {money(before, currency)} a month before, {money(now, currency)} now."
    if each.plan is not None and each.plan_before is not None:
        values |= {"plan_before": each.plan_before, "plan": each.plan}
    return AlertReason(code="lowered", text=text, values=values)
