"""`paused`: a subscription stands still."""

from alerting.lifecycle import Finding
from alerting.words import count
from schemas.alerts import AlertReason, Kind, Resolution, Severity
from streams.detection.config import DAY_MS
from streams.detection.rules import Rules
from streams.detection.signals.base import Calm, Firing, Judgement
from streams.detection.signals.named import named
from streams.detection.signals.taken_in import usage_before
from streams.detection.state import Account
from streams.detection.subscription import Subscription


class PausedSignal:
    """Fires while a subscription is paused; critical in the last days (7) of the pause if nobody has been active in
    the week before. Resolved when it is resumed, when the pause has come to its end, or the subscription has."""

    kind = Kind.PAUSED

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def judge(self, account: Account, at: int) -> Judgement:
        """See `DatedSignal`."""
        paused = _paused(account)
        if not paused:
            goes_on = any(each.live for each in named(account, self.kind))
            return Calm(Resolution.RECOVERED if goes_on else Resolution.EXPIRED)
        ending_at = self._ending_at(paused)
        quiet = ending_at is not None and at >= ending_at and account.last_event_at < ending_at - self._notice
        severity = Severity.CRITICAL if quiet else Severity.WARNING
        return Firing(severity, max(each.paused_at or 0 for each in paused))

    def next_at(self, account: Account) -> int | None:
        """See `DatedSignal`. Whether anybody is back is looked at once, before the pause ends."""
        ending_at = self._ending_at(_paused(account))
        if ending_at is None:
            return None
        return ending_at if account.looked_at < ending_at else ending_at + self._notice

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:
        """See `Signal`."""
        day_text = self._rules.calendar.day_text
        paused = _paused(account)
        first = min(paused, key=lambda each: (each.resumes_at is None, each.resumes_at or 0))
        since = min(each.paused_at or at for each in paused)
        headline = "The subscription is paused"
        evidence: dict[str, int | float] = {"paused_at": since, "subscriptions": len(paused)}
        if first.resumes_at is not None:
            headline += f" until {day_text(first.resumes_at)}"
            days = max(0, -(-(first.resumes_at - at) // DAY_MS))
            evidence |= {"resumes_at": first.resumes_at, "days_left": days}
            if firing.severity is Severity.CRITICAL:
                headline = f"The pause ends in {count(days, 'day')}, and nobody is back"
        reasons = (*(self._reason(each) for each in paused), *usage_before(account))
        return Finding(firing.severity, since, f"{headline}.", reasons, evidence, firing.step)

    @property
    def _notice(self) -> int:
        return self._rules.config.critical_notice_days * DAY_MS

    def _ending_at(self, paused: list[Subscription]) -> int | None:
        ends = [each.resumes_at for each in paused if each.resumes_at is not None]
        return min(ends) - self._notice if ends else None

    def _reason(self, each: Subscription) -> AlertReason:
        day_text = self._rules.calendar.day_text
        values: dict[str, bool | int | float | str] = {"subscription_id": each.subscription_id}
        text = f"{each.plan or each.subscription_id} is paused"
        if each.paused_at is not None:
            values["paused_at"] = each.paused_at
            text += f" since {day_text(each.paused_at)}"
        if each.resumes_at is not None:
            values["resumes_at"] = each.resumes_at
            text += f", and goes on on {day_text(each.resumes_at)}"
        return AlertReason(code="paused", text=f"{text}.", values=values)


def _paused(account: Account) -> list[Subscription]:
    return [each for each in account.subscriptions.live() if each.paused]
