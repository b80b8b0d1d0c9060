"""`onboarding_stalled`: a new account has not reached its first core action in time."""

from alerting.lifecycle import Finding
from alerting.words import count
from schemas.alerts import AlertReason, Kind, Resolution, Severity
from streams.detection.config import DAY_MS
from streams.detection.rules import Rules
from streams.detection.signals.base import Calm, Firing, Judgement
from streams.detection.state import Account


class OnboardingStalledSignal:
    """Fires when a new account, be it a trial, had no core action (without `key_actions`: no usage at all) for some
    time after its start (14 days); critical after twice as long. Resolved on the first one; and after 90 days, when it
    is new no more. Which accounts are new: see `starts`.
    """

    kind = Kind.ONBOARDING_STALLED

    def __init__(self, rules: Rules) -> None:
        config = rules.config
        self._rules = rules
        self._late = config.onboarding_days * DAY_MS
        self._over = config.onboarding_over_days * DAY_MS

    def judge(self, account: Account, at: int) -> Judgement:
        """See `DatedSignal`."""
        start = account.started_at
        if start is None:
            return Calm(Resolution.RECOVERED)
        if not self._late <= at - start < self._over:
            return Calm(Resolution.EXPIRED)
        return Firing(Severity.CRITICAL if at - start >= 2 * self._late else Severity.WARNING)

    def next_at(self, account: Account) -> int | None:
        """See `DatedSignal`. What an alert that is over was about is judged."""
        start, last = account.started_at, account.alerts.get(self.kind)
        if start is None:
            return None
        if last is None or not last.is_open:
            late = start + self._late
            return late if last is None or late > last.at else None
        worse = start + 2 * self._late
        return worse if last.severity is not Severity.CRITICAL and worse < start + self._over else start + self._over

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:
        """See `Signal`."""
        start = account.started_at
        assert start is not None  # it fires
        days, day = (at - start) // DAY_MS, self._rules.calendar.day_text(start)
        what = "core action" if self._rules.config.key_actions else "usage"
        used = "It was used, but without one" if account.events_total else "There was no usage at all"
        events = account.events_total
        return Finding(
            firing.severity,
            start,
            f"No {what} in the first {count(days, 'day')} of a new account.",
            (
                AlertReason(
                    code="no_core_action",
                    text=f"The account started on {day}. {used}: {count(events, 'event')} so far.",
                    values={"started_at": start, "events": events},
                ),
            ),
            {"days_since_start": days, "events": events},
            firing.step,
        )
