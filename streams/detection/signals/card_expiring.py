"""`card_expiring`: the default card ends before the next charge."""

from alerting.lifecycle import Finding
from schemas.alerts import AlertReason, Kind, Resolution, Severity
from streams.detection.config import DAY_MS
from streams.detection.rules import Rules
from streams.detection.signals.base import Calm, Firing, Judgement
from streams.detection.state import Account


class CardExpiringSignal:
    """Fires from some days (30) before the card's end when the next charge comes after it, as far as that is known;
    it is critical in the week before that charge. A later card, none at all, or no charge to come resolves it."""

    kind = Kind.CARD_EXPIRING

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def judge(self, account: Account, at: int) -> Judgement:
        """See `DatedSignal`."""
        end = self.card_end(account)
        if end is None or at < end - self._rules.config.card_notice_days * DAY_MS:
            return Calm(Resolution.REPLACED if account.payments.card is not None else Resolution.EXPIRED)
        charge = self._charge_after(account, end)
        if charge is None:
            return Calm(Resolution.EXPIRED)
        return Firing(Severity.CRITICAL if at >= self._critical_at(charge) else Severity.WARNING)

    def next_at(self, account: Account) -> int | None:
        """See `DatedSignal`."""
        end = self.card_end(account)
        charge = self._charge_after(account, end) if end is not None else None
        if end is None or charge is None:
            return None
        alert = account.alert(self.kind)
        if alert is None:
            return end - self._rules.config.card_notice_days * DAY_MS
        return None if alert.severity is Severity.CRITICAL else self._critical_at(charge)

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:
        """See `Signal`."""
        day_text = self._rules.calendar.day_text
        end = self.card_end(account)
        assert end is not None  # it fires
        next_charge = self._charge_after(account, end)
        known = next_charge if any(each.next_charge == next_charge for each in account.subscriptions.live()) else None
        last_day = day_text(end - 1)
        ends = f"{'ended' if at >= end else 'ends'} on {last_day}"
        charge = f"before the next charge on {day_text(known)}" if known is not None else "and later charges will fail"
        evidence: dict[str, int | float] = {"card_end": end, "days_left": max(0, -(-(end - at) // DAY_MS))}
        values: dict[str, bool | int | float | str] = {"card_end": end}
        if known is not None:
            evidence["next_charge_at"] = values["next_charge_at"] = known
        return Finding(
            firing.severity,
            min(at, end - self._rules.config.card_notice_days * DAY_MS),
            f"The default card {ends}, {charge}.",
            (AlertReason(code="card_ends", text=f"The card is good to {last_day}.", values=values),),
            evidence,
        )

    def card_end(self, account: Account) -> int | None:
        """The moment from which the default card is no longer good; None without a card that ends."""
        card = account.payments.card
        return self._rules.calendar.start_of(card.ends_on) if card is not None and card.ends_on is not None else None

    def _charge_after(self, account: Account, end: int) -> int | None:
        """The first charge that the card will not live to see; None when none is to come, or one comes before. A
        charge whose day is not known is taken to come right after the end."""
        subscriptions = list(account.subscriptions.live())
        if not subscriptions:
            return None if account.subscriptions else end
        charged = [each for each in subscriptions if each.cancel_at is None and not each.paused]
        failing = [each.next_charge if each.next_charge is not None else end for each in charged]
        return min((charge for charge in failing if charge >= end), default=None)

    def _critical_at(self, charge: int) -> int:
        return charge - self._rules.config.critical_notice_days * DAY_MS
