"""`onboarding_stalled`: a new account has not reached its first core action in time, or is hardly used."""

from typing import Final

from alerting.lifecycle import Finding
from alerting.words import count
from schemas.alerts import AlertReason, Kind, Resolution, Severity
from streams.detection.config import DAY_MS
from streams.detection.first_weeks import TELLING, late_after
from streams.detection.newcomer import Newcomer
from streams.detection.rules import Rules
from streams.detection.signals.base import Calm, Firing, Judgement
from streams.detection.state import Account

_BY_RANK: Final = (Severity.WATCH, Severity.WARNING, Severity.CRITICAL)


class OnboardingStalledSignal:
    """Fires when a new account, be it a trial, had no core action (without `key_actions`: no usage at all) for some
    time after its start (14 days). It stays a watch as long as more new accounts come to it still, by themselves, than
    the knob allows: that is learnt of the fleet's own, week by week, from 50 of them on. Critical after twice the time
    after which it is more than a watch. Resolved on the first one.

    Fires also when it is used on far fewer days than new accounts usually are: when at the end of two weeks in a row
    the days so far are a quarter of the median account's or less, and less than a tenth of new accounts had still
    fewer. What is usual is learnt of all accounts at the same age, half of it within half a year, from 50 accounts on.
    It stays a watch where more of such accounts live on than the knob allows. Resolved above a third of the median.

    Either is over after 90 days, when it is new no more. An account is new when its record says when it started, or
    when it is heard of 30 days or more after the fleet was.
    """

    kind = Kind.ONBOARDING_STALLED

    def __init__(self, rules: Rules) -> None:
        config = rules.config
        self._rules = rules
        self._told_after = config.onboarding_days * DAY_MS
        self._over = config.onboarding_over_days * DAY_MS

    def judge(self, account: Account, at: int) -> Judgement:
        """See `DatedSignal`."""
        severity = max([self._late(account, at), self._slow(account, at)])
        if severity >= 0:
            return Firing(_BY_RANK[severity])
        over = account.started_at is None and self._behind(account) is None
        return Calm(Resolution.RECOVERED if over else Resolution.EXPIRED)

    def next_at(self, account: Account) -> int | None:
        """See `DatedSignal`. What an alert that is over was about is judged."""
        start, last = account.started_at, account.alerts.get(self.kind)
        if last is None or not last.is_open:
            late = start + self._told_after if start is not None else None
            return late if late is not None and (last is None or late > last.at) else None
        behind = self._behind(account)
        starts = [each for each in (start, behind.start if behind is not None else None) if each is not None]
        if not starts:
            return None
        ends = max(starts) + self._over
        worse = (
            []
            if start is None
            else [start + after for after, rank in self._steps(account) if rank > last.severity.rank]
        )
        return min([*worse, ends])

    def _steps(self, account: Account) -> tuple[tuple[int, int], ...]:
        """After how many ms without a core action it is how severe."""
        late = late_after(account.newcomer, self._rules.config) * DAY_MS
        return (
            (self._told_after, Severity.WATCH.rank),
            (late, Severity.WARNING.rank),
            (2 * late, Severity.CRITICAL.rank),
        )

    def _late(self, account: Account, at: int) -> int:
        """How severe it is that there is no core action; -1: it is not."""
        start = account.started_at
        if start is None or at - start >= self._over:
            return -1
        return max([rank if at - start >= after else -1 for after, rank in self._steps(account)])

    def _slow(self, account: Account, at: int) -> int:
        """The same of its few days."""
        behind = self._behind(account)
        if behind is None or at - behind.start >= self._over:
            return -1
        return (Severity.WARNING if behind.slow > 1 else Severity.WATCH).rank

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:
        """See `Signal`."""
        start = account.started_at
        if start is None or self._late(account, at) < firing.severity.rank:
            return self._of_few_days(account, firing)
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

    def _of_few_days(self, account: Account, firing: Firing) -> Finding:
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
