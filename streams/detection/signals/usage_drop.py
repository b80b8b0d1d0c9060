"""`usage_drop`: activity falls well below the account's own baseline."""

from alerting.lifecycle import Finding
from alerting.words import count, number
from schemas.alerts import AlertReason, Kind
from streams.detection.calibration import DROP
from streams.detection.habits import CALM_DAY
from streams.detection.holding import held
from streams.detection.rules import Rules
from streams.detection.signals.base import DAYS_TOLD, Firing, Judgement
from streams.detection.signals.gate import muted
from streams.detection.state import Account
from streams.detection.thresholds import SEVERITIES, reached
from streams.detection.window import spread


class UsageDropSignal:
    """Fires when activity falls well below the account's own normal, by weekday and by what the fleet does: when the
    drop channel (S) reaches its threshold. Resolved when S has been below the lowest threshold for the hold time,
    or when the decline has become the new normal.

    It leaves to `usage_silence` what that says already: it neither opens nor escalates to a severity at which silence
    is open. It does not open before the decline has lasted for about `expected_events` expected events.
    """

    kind = Kind.USAGE_DROP

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def judge(self, account: Account, day: int) -> Judgement:
        """See `DailySignal`. Keeps count of the calm days, in the account's row."""
        rules, habit = self._rules, account.habit
        fleet = rules.fleet(day)
        rate = habit.rate(fleet)
        level = reached(habit.evidence, rules.thresholds.of(rate).drop)
        alert = account.alert(self.kind)
        if alert is not None and (level == 0 or habit.rebaselined):
            over, calm_day = held(habit, day, rules.config.drop_hold_days)
            account.habits.set(account.row, CALM_DAY, calm_day)
            return over
        if habit.calm_day >= 0:
            account.habits.set(account.row, CALM_DAY, -1)
        if level == 0 or muted(account):
            return None
        expected = rate * habit.pending_exposure
        if alert is None and (expected < rules.config.expected_events or account.alert(Kind.USAGE_SILENCE) is not None):
            return None
        return Firing(SEVERITIES[level - 1])

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:  # noqa: ARG002  # it speaks of days
        """See `Signal`."""
        habit, rules = account.habit, self._rules
        closed = account.closed
        rate = habit.rate(rules.fleet(closed))
        first = habit.left_day if habit.left_day >= 0 else closed
        days = closed - first + 1
        observed = round(habit.pending_events)
        expected = rate * habit.pending_exposure
        since = rules.calendar.start_of(first)
        since_text = rules.calendar.day_text(since)
        share = max(0, round(100 * (1 - observed / expected))) if expected > 0 else 0
        false_alarms = rules.thresholds.false_alarms(DROP, habit.evidence, rate)
        return Finding(
            firing.severity,
            since,
            f"Activity is {share}% below normal since {since_text}: {count(observed, 'event')} "
            f"where about {number(expected)} were expected.",
            (
                AlertReason(
                    code="below_baseline",
                    text=f"{count(observed, 'event')} in {count(days, 'day')}; "
                    f"this account's own normal is about {number(expected)}.",
                    values={"observed": observed, "expected": round(expected, 2), "days": days, "below_percent": share},
                ),
            ),
            {
                "observed": observed,
                "expected": round(expected, 2),
                "window_days": days,
                "score": round(habit.evidence, 3),
                "false_alarms_per_account_year": float(f"{false_alarms:.3g}"),
                "daily": spread(account.daily, closed - DAYS_TOLD + 1, closed),
            },
        )
