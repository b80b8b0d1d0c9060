"""`usage_drop`: activity falls well below the account's own baseline."""

from alerting.lifecycle import Finding
from alerting.words import count, number
from schemas.alerts import AlertReason, Kind, Resolution
from streams.detection.calibration import DROP
from streams.detection.habits import CALM_DAY
from streams.detection.holding import held
from streams.detection.rules import Rules
from streams.detection.signals.base import DAYS_TOLD, Calm, Firing, Judgement
from streams.detection.signals.fallen_source import FallenSource, fall_reason, fallen_source
from streams.detection.signals.gate import muted, severity_of
from streams.detection.signals.quiet_source import QuietSource, quiet_source, source_reason, without_is_normal
from streams.detection.state import Account
from streams.detection.thresholds import SEVERITIES, reached
from streams.detection.window import spread


class UsageDropSignal:
    """Fires when activity falls well below the account's own normal, by weekday and by what the fleet does: when the
    drop channel (S) reaches its threshold. Or when nothing comes from one of the account's main sources although it is
    used, which a busy one would hide (`quiet_source`), or less does and the account does not do more elsewhere for it
    (`fallen_source`). Resolved when all have been below the lowest threshold for the hold time, or when the decline has
    become the new normal.

    It leaves to `usage_silence` what that says already: it neither opens nor escalates to a severity at which silence
    is open. It does not open before the decline has lasted for about `expected_events` expected events; nor by the
    whole of an account that is used less than once in two weeks, as soon as the fleet has shown how long such accounts
    stay away.
    """

    kind = Kind.USAGE_DROP

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def judge(self, account: Account, day: int) -> Judgement:
        """See `DailySignal`. Keeps count of the calm days, in the account's row."""
        rules, habit, alert = self._rules, account.habit, account.alert(self.kind)
        highest = max(self._level(account, day), _level_of(self._source(account)))
        if alert is not None and (highest == 0 or habit.rebaselined):
            over, calm_day = held(habit, day, rules.config.drop_hold_days)
            if over is None and without_is_normal(account):
                over, calm_day = Calm(Resolution.REBASELINED), -1
            account.habits.set(account.row, CALM_DAY, calm_day)
            return over
        if habit.calm_day >= 0:
            account.habits.set(account.row, CALM_DAY, -1)
        told = severity_of(account.alert(Kind.USAGE_SILENCE))
        if highest <= told or (alert is None and told) or muted(account):
            return None
        return Firing(SEVERITIES[highest - 1])

    def _level(self, account: Account, closed: int) -> int:
        rules, habit, thresholds = self._rules, account.habit, self._rules.thresholds
        rate = habit.rate(rules.fleet(closed))
        told = rate * habit.pending_exposure >= rules.config.expected_events and not thresholds.is_seldom(rate)
        return reached(habit.evidence, thresholds.of(rate).drop) if told or account.alert(self.kind) is not None else 0

    def _source(self, account: Account) -> QuietSource | FallenSource | None:
        """The main source that says most; at the same severity one that is silent, and that also where its fall says
        more of it than its silence."""
        quiet, fallen = quiet_source(account, self._rules), fallen_source(account, self._rules)
        if fallen is None or fallen.level <= _level_of(quiet):
            return quiet
        if quiet and quiet.source == fallen.source and not fallen.observed:
            return quiet._replace(level=fallen.level, false_alarms=fallen.false_alarms, drop_score=fallen.score)
        return fallen

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:  # noqa: ARG002  # it speaks of days
        """See `Signal`. What says more stands first."""
        rules = self._rules
        source = self._source(account)
        if source is None:
            return self._fallen(account, firing, None)
        if isinstance(source, QuietSource):
            reason, first = source_reason(source, account, rules), source.last_day
            days, observed, normal = account.closed - first, 0, source.missed
        else:
            reason, first = fall_reason(source, account, rules), source.first_day
            days, observed, normal = account.closed - first + 1, round(source.observed), source.expected
        if self._level(account, account.closed) >= source.level:
            return self._fallen(account, firing, reason)
        by = {}
        if isinstance(source, QuietSource):
            by["clock_days"] = round(source.clock_days, 2)
            if source.drop_score is not None:
                by["drop_score"] = round(source.drop_score, 3)
        return Finding(
            firing.severity,
            rules.calendar.start_of(first),
            reason.text,
            (reason,),
            {
                "observed": observed,
                "expected": round(normal, 2),
                "window_days": days,
                "score": round(source.score, 3),
                **by,
                "false_alarms_per_account_year": float(f"{source.false_alarms:.3g}"),
            },
        )

    def _fallen(self, account: Account, firing: Firing, besides: AlertReason | None) -> Finding:
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
            f"where about {number(expected)} were expected." + ("" if besides is None else f" {besides.text}"),
            (
                AlertReason(
                    code="below_baseline",
                    text=f"{count(observed, 'event')} in {count(days, 'day')}; "
                    f"this account's own normal is about {number(expected)}.",
                    values={"observed": observed, "expected": round(expected, 2), "days": days, "below_percent": share},
                ),
                *(() if besides is None else (besides,)),
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


def _level_of(source: QuietSource | FallenSource | None) -> int:
    return 0 if source is None else source.level
