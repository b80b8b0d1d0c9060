"""`downgrade`: less is paid a month: for a lower plan or price, or as one of several subscriptions has ended."""

from alerting.lifecycle import Finding
from alerting.words import money
from schemas.alerts import AlertReason, Kind, Resolution, Severity
from streams.detection.config import DAY_MS
from streams.detection.contraction import REPLACED_WITHIN
from streams.detection.rules import Rules
from streams.detection.signals.base import Calm, Firing, Judgement
from streams.detection.signals.leaving import may_go, reason_values
from streams.detection.signals.named import named
from streams.detection.state import Account
from streams.detection.subscription import Subscription


class DowngradeSignal:
    """Fires when less is paid for a subscription than before, other than for fewer seats of the same plan, which is
    `seats_reduced`; critical when half of the account's MRR is gone, or more. A further step down is told again.
    Resolved when the price is back, or after some time (30 days): then it is the account's plan.

    Fires too, a day later, when one of several paid subscriptions has ended that nobody had cancelled before (`ended`),
    as far as nothing makes up for it that begins or goes up within a day before, or at any time after. With the last
    paid one the account is lost. Of ends for a reason for which accounts may go (see `LetGo`) it stays a watch.
    """

    kind = Kind.DOWNGRADE

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def judge(self, account: Account, at: int) -> Judgement:
        """See `DatedSignal`."""
        lowered = self._lowered(account, at)
        if not lowered:
            if any(_is_lower(each) and at < _since(each) for each in named(account, self.kind)):
                return None  # what had gone down has ended: whether it is replaced is seen in a day
            return Calm(Resolution.EXPIRED if self._stays(account) else Resolution.REVERTED)
        gone, before = _gone(account, lowered)
        severity = Severity.CRITICAL if 2 * gone >= before else Severity.WARNING
        if all(not each.live and may_go(account, each, self._rules) for each in lowered):
            severity = Severity.WATCH
        return Firing(severity, max([_since(each) for each in lowered]))

    def next_at(self, account: Account) -> int | None:
        """See `DatedSignal`."""
        moments = [_since(each) for each in account.subscriptions.by_id.values() if _is_lower(each)]
        if account.alert(self.kind) is not None:
            moments += [moment + self._told for moment in moments]
        return min([moment for moment in moments if moment > account.looked_at], default=None)

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:
        """See `Signal`. The headline is that of the last step down."""
        lowered = sorted(self._lowered(account, at), key=lambda each: -_since(each))
        last = lowered[0]
        gone, before = _gone(account, lowered)
        return Finding(
            firing.severity,
            min(at, *(each.lowered_at or at for each in lowered)),
            f"{_what(last)}: {money(gone, last.currency or '')} a month less, of {money(before, last.currency or '')}.",
            tuple(self._reason(each) for each in lowered),
            {"mrr_before_minor": before, "mrr_less_minor": gone},
            firing.step,
        )

    def _lowered(self, account: Account, at: int) -> list[Subscription]:
        every = [each for each in account.subscriptions.by_id.values() if _is_lower(each)]
        return [each for each in every if _since(each) <= at < _since(each) + self._told]

    def _stays(self, account: Account) -> bool:
        """Whether what the alert told of is how it is now, or cannot be compared with that."""
        alert = account.alert(self.kind)
        told = alert.finding.reasons if alert is not None else ()
        currencies = {str(each.values.get("subscription_id")): each.values.get("currency") for each in told}
        return any(
            each.lowered_at is not None or each.currency != currencies[each.subscription_id]
            for each in named(account, self.kind)
        )

    def _reason(self, each: Subscription) -> AlertReason:
        before, now = each.mrr_before or 0, each.mrr_minor or 0 if each.live else 0
        currency = each.currency or ""
        values: dict[str, bool | int | float | str] = {
            "subscription_id": each.subscription_id,
            "mrr_before_minor": before,
            "mrr_minor": now,
            "currency": currency,
        }
        if not each.live:
            day, decided = self._rules.calendar.day_text(each.changed_at), bool(each.voluntary)
            why = "by decision" if decided else "for want of payment"
            why += f", the reason given is “{each.reason}”" if each.reason is not None else ", no reason given"
            text = f"{each.plan or each.subscription_id} ended on {day} {why}: {money(before, currency)} a month less."
            values |= {"voluntary": decided, **reason_values(each, self._rules)}
            return AlertReason(code="ended", text=text, values=values)
        text = f"{each.subscription_id}: {money(before, currency)} a month before, {money(now, currency)} now."
        if each.plan is not None and each.plan_before is not None:
            values |= {"plan_before": each.plan_before, "plan": each.plan}
        return AlertReason(code="lowered", text=text, values=values)

    @property
    def _told(self) -> int:
        return self._rules.config.contraction_days * DAY_MS


def _is_lower(each: Subscription) -> bool:
    """What it costs less is to be told: an end that was announced has been told by then."""
    return each.lowered_at is not None and (each.live or each.ended_unannounced)


def _since(each: Subscription) -> int:
    """When that is told: of what has ended, once nothing has replaced it."""
    return (each.lowered_at or 0) + (REPLACED_WITHIN if each.gone else 0)


def _what(last: Subscription) -> str:
    if not last.live:
        return f"The subscription {last.plan or last.subscription_id} has ended, and others go on"
    changed = last.plan is not None and last.plan_before is not None and last.plan != last.plan_before
    return f"The plan went from {last.plan_before} to {last.plan}" if changed else "The price went down"


def _gone(account: Account, lowered: list[Subscription]) -> tuple[int, int]:
    """What is no longer paid a month, and what was, in the currency of the last step down."""
    currency = max(lowered, key=_since).currency
    gone = sum(
        (each.mrr_before or 0) - (each.mrr_minor or 0 if each.live else 0)
        for each in lowered
        if each.currency == currency
    )
    now = sum(each.mrr_minor or 0 for each in account.subscriptions.live() if each.paid and each.currency == currency)
    return gone, now + gone
