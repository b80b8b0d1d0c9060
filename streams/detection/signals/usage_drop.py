"""`usage_drop`: activity falls well below the account's own baseline."""

from alerting.lifecycle import Finding
from alerting.words import count, number
from schemas.alerts import AlertReason, Kind, Resolution
from streams.detection.calendar import weekday
from streams.detection.drop import Drop
from streams.detection.due import silent_days_until
from streams.detection.rules import Rules
from streams.detection.signals.base import DAYS_TOLD, Calm, Firing, Judgement
from streams.detection.signals.gate import muted
from streams.detection.state import Account
from streams.detection.thresholds import SEVERITIES, false_alarms_a_year, reached
from streams.detection.window import spread


class UsageDropSignal:
    """Fires on the drop channel (S). Resolved when S has been below the lowest threshold for the hold time, or when the
    decline has become the new normal.

    It leaves to `usage_silence` what that says already: it neither opens nor escalates to a severity at which silence
    is open. It does not open before the decline has lasted for about `expected_events` expected events.
    """

    kind = Kind.USAGE_DROP

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def judge(self, account: Account, day: int) -> Judgement:
        """See `DailySignal`. Keeps count of the calm days in the channel's `calm_day`."""
        drop, rules = account.drop, self._rules
        if drop.evidence < rules.thresholds.least_drop and account.alert(self.kind) is None:
            drop.calm_day = -1
            return None
        rate = drop.baseline.rate(rules.fleet(day).median_rate)
        level = reached(drop.evidence, rules.thresholds.of(rate).drop)
        alert = account.alert(self.kind)
        if alert is not None and (level == 0 or drop.rebaselined):
            return self._calm(drop, day)
        drop.calm_day = -1
        if level == 0 or muted(account):
            return None
        expected = rate * drop.baseline.pending_exposure
        if alert is None and (expected < rules.config.expected_events or account.alert(Kind.USAGE_SILENCE) is not None):
            return None
        return Firing(SEVERITIES[level - 1])

    def _calm(self, drop: Drop, day: int) -> Judgement:
        if drop.rebaselined:
            drop.calm_day = -1
            return Calm(Resolution.REBASELINED)
        if drop.calm_day < 0:
            drop.calm_day = day
        if day - drop.calm_day < self._rules.config.drop_hold_days:
            return None
        drop.calm_day = -1
        return Calm(Resolution.RECOVERED)

    def silent_until(self, account: Account) -> int | None:
        """See `DailySignal`."""
        drop, rules = account.drop, self._rules
        closed = account.closed
        alert = account.alert(self.kind)
        calm = drop.calm_day + rules.config.drop_hold_days if alert is not None and drop.calm_day >= 0 else None
        level = alert.severity.rank + 1 if alert is not None else 0
        silent = alert is None and account.alert(Kind.USAGE_SILENCE) is not None
        if level == len(SEVERITIES) or silent or muted(account):
            return calm
        fleet = rules.fleet(closed)
        rate = drop.baseline.rate(fleet.median_rate)
        first = weekday(closed + 1)
        need = rules.thresholds.of(rate).drop[level] - drop.evidence
        days = silent_days_until(need, drop.silent_gains(fleet), first)
        if alert is None:
            weights = [weight * fleet.largest_factor for weight in drop.week.weights(fleet.weekday_profile)]
            need = rules.config.expected_events / rate - drop.baseline.pending_exposure
            days = max(days, silent_days_until(need, weights, first))
        return closed + days if calm is None else min(closed + days, calm)

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:  # noqa: ARG002  # it speaks of days
        """See `Signal`."""
        drop, rules = account.drop, self._rules
        closed = account.closed
        rate = drop.baseline.rate(rules.fleet(closed).median_rate)
        first = drop.left_day if drop.left_day >= 0 else closed
        days = closed - first + 1
        observed = round(drop.baseline.pending_events)
        expected = rate * drop.baseline.pending_exposure
        since = rules.calendar.start_of(first)
        since_text = rules.calendar.day_text(since)
        share = max(0, round(100 * (1 - observed / expected))) if expected > 0 else 0
        false_alarms = false_alarms_a_year(drop.evidence, rate, silence=False)
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
                "score": round(drop.evidence, 3),
                "false_alarms_per_account_year": float(f"{false_alarms:.3g}"),
                "daily": spread(account.daily, closed - DAYS_TOLD + 1, closed),
            },
        )
