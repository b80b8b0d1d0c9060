"""`card_expiring`: the default card ends before the next charge."""

from typing import NamedTuple

from alerting.lifecycle import Finding
from schemas.alerts import AlertReason, Kind, Resolution, Severity
from streams.detection.charges import charges_around
from streams.detection.config import DAY_MS
from streams.detection.rules import Rules
from streams.detection.signals.base import Calm, Firing, Judgement
from streams.detection.state import Account


class _Threat(NamedTuple):
    """A charge that the card will not live to see."""

    opens_at: int
    """From when on it is the next charge, and the card's end is near."""
    charge_at: int | None
    """None: its day is not known."""
    end: int
    """The moment from which the card is no longer good."""


class CardExpiringSignal:
    """Fires from some days (30) before the card's end, once no charge comes before that end any more; it is critical in
    the week before the charge that will fail. A later card, none at all, or no charge to come resolves it.

    Charges are expected at the end of the period that is paid for, and again after every interval of the subscription.
    Where they are not known, one is taken to come right after the card's end.
    """

    kind = Kind.CARD_EXPIRING

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def judge(self, account: Account, at: int) -> Judgement:
        """See `DatedSignal`."""
        card, end = account.payments.card, self._card_end(account)
        if card is not None and (end is None or at < end - self._notice):  # one that has no end is as good
            return Calm(Resolution.REPLACED)
        threat = self._threat(account)
        if threat is None or at < threat.opens_at:
            return Calm(Resolution.EXPIRED)
        return Firing(Severity.CRITICAL if at >= self._critical_at(threat) else Severity.WARNING)

    def next_at(self, account: Account) -> int | None:
        """See `DatedSignal`."""
        threat = self._threat(account)
        if threat is None:
            return None
        alert = account.alert(self.kind)
        if alert is None:
            return threat.opens_at
        return None if alert.severity is Severity.CRITICAL else self._critical_at(threat)

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:
        """See `Signal`."""
        threat = self._threat(account)
        assert threat is not None  # it fires
        day_text = self._rules.calendar.day_text
        last_day = day_text(threat.end - 1)
        evidence: dict[str, int | float] = {
            "card_end": threat.end,
            "days_left": max(0, -(-(threat.end - at) // DAY_MS)),
        }
        values: dict[str, bool | int | float | str] = {"card_end": threat.end}
        charge = "and later charges will fail"
        if threat.charge_at is not None:
            charge = f"before the next charge on {day_text(threat.charge_at)}"
            evidence["next_charge_at"] = values["next_charge_at"] = threat.charge_at
        return Finding(
            firing.severity,
            min(at, threat.opens_at),
            f"The default card {'ended' if at >= threat.end else 'ends'} on {last_day}, {charge}.",
            (AlertReason(code="card_ends", text=f"The card is good to {last_day}.", values=values),),
            evidence,
        )

    @property
    def _notice(self) -> int:
        return self._rules.config.card_notice_days * DAY_MS

    def _card_end(self, account: Account) -> int | None:
        card = account.payments.card
        return self._rules.calendar.start_of(card.ends_on) if card is not None and card.ends_on is not None else None

    def _threat(self, account: Account) -> _Threat | None:
        end = self._card_end(account)
        if end is None:
            return None
        if not account.subscriptions:  # billing that tells of cards and payments only
            return _Threat(end - self._notice, None, end)
        threats = []
        for each in account.subscriptions.live():
            if each.cancel_at is None and not each.paused:
                before, after = (
                    charges_around(each.next_charge, each.interval, end)
                    if each.next_charge is not None
                    else (None, None)
                )
                threats.append(_Threat(max(end - self._notice, before or 0), after, end))
        charges = [threat.charge_at for threat in threats if threat.charge_at is not None]
        opens = [threat.opens_at for threat in threats]
        return _Threat(min(opens), min(charges, default=None), end) if opens else None

    def _critical_at(self, threat: _Threat) -> int:
        charge_at = threat.charge_at if threat.charge_at is not None else threat.end
        return charge_at - self._rules.config.critical_notice_days * DAY_MS
