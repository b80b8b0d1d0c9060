"""`onboarding_stalled`: a new account has not reached its first core action in time, or is hardly used."""

from alerting.lifecycle import Finding
from alerting.words import count
from schemas.alerts import AlertReason, Kind, Resolution, Severity
from streams.detection.config import DAY_MS
from streams.detection.first_weeks import TELLING
from streams.detection.newcomer import Newcomer
from streams.detection.rules import Rules
from streams.detection.signals.base import Calm, Firing, Judgement
from streams.detection.state import Account


class OnboardingStalledSignal:
    """Fires when a new account, be it a trial, had no core action (without `key_actions`: no usage at all) for some
    time after its start (14 days); critical after twice as long. Resolved on the first one.

    Fires also when it is used on far fewer days than new accounts usually are: when at the end of two weeks in a row
    the days so far are a quarter of the median account's or less, and less than a tenth of new accounts had still
    fewer. What is usual is learnt of all accounts at the same age, half of it within half a year, from 50 accounts on.
    Resolved above a third of the median.

    Either is over after 90 days, when it is new no more. An account is new when its record says when it started, or
    when it is heard of 30 days or more after the fleet was.
    """

    kind = Kind.ONBOARDING_STALLED

    def __init__(self, rules: Rules) -> None:
        config = rules.config
        self._rules = rules
        self._late = config.onboarding_days * DAY_MS
        self._over = config.onboarding_over_days * DAY_MS

    def judge(self, account: Account, at: int) -> Judgement:
        """See `DatedSignal`."""
        start, behind = account.started_at, self._behind(account)
        if start is not None and self._late <= at - start < self._over:
            return Firing(Severity.CRITICAL if at - start >= 2 * self._late else Severity.WARNING)
        if behind is not None and at - behind.start < self._over:
            return Firing(Severity.WARNING)
        return Calm(Resolution.RECOVERED if start is None and behind is None else Resolution.EXPIRED)

    def next_at(self, account: Account) -> int | None:
        """See `DatedSignal`. What an alert that is over was about is judged."""
        start, last = account.started_at, account.alerts.get(self.kind)
        if last is None or not last.is_open:
            late = start + self._late if start is not None else None
            return late if late is not None and (last is None or late > last.at) else None
        behind = self._behind(account)
        starts = [each for each in (start, behind.start if behind is not None else None) if each is not None]
        if not starts:
            return None
        ends = max(starts) + self._over
        if start is None or last.severity is Severity.CRITICAL:
            return ends
        worse = start + 2 * self._late
        return worse if worse < start + self._over else ends

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:
        """See `Signal`."""
        start = account.started_at
        if start is None or at - start < self._late:
            return self._slow(account, firing)
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

    def _slow(self, account: Account, firing: Firing) -> Finding:
        newcomer = account.newcomer
        assert newcomer is not None  # it fires
        weeks, days, day = newcomer.weeks, newcomer.days, self._rules.calendar.day_text(newcomer.start)
        users = len(account.people.last_seen)
        by = f", by {count(users, 'person') if users == 1 else f'{users:,} people'}" if users else ""
        return Finding(
            firing.severity,
            newcomer.start,
            f"Used on {count(days, 'day')} in its first {weeks} weeks; {newcomer.usual:,} are usual for a new account.",
            (
                AlertReason(
                    code="slow_start",
                    text=f"The account started on {day}: {count(account.events_total, 'event')} since then{by}.",
                    values={"started_at": newcomer.start, "days": days, "usual_days": newcomer.usual},
                ),
            ),
            {"weeks": weeks, "active_days": days, "usual_active_days": newcomer.usual},
            firing.step,
        )

    def _behind(self, account: Account) -> Newcomer | None:
        newcomer = account.newcomer
        return newcomer if newcomer is not None and newcomer.low >= TELLING else None
