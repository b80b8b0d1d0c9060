"""`breadth_decline`: fewer people use the account than is its own normal."""

from typing import Final

from alerting.lifecycle import Finding
from alerting.words import count, number
from schemas.alerts import AlertReason, Kind
from streams.detection.calendar import is_week_end
from streams.detection.calibration import DROP
from streams.detection.facets import BREADTH, USER
from streams.detection.habits import CALM_DAY
from streams.detection.holding import held
from streams.detection.rules import Rules
from streams.detection.signals.base import Firing, Judgement
from streams.detection.signals.gate import muted, said_already
from streams.detection.state import Account
from streams.detection.thresholds import SEVERITIES, reached

_A_WEEK: Final = 7.0 / USER
"""From what a day's count is to users a week."""


class BreadthDeclineSignal:
    """Fires on the drop channel of the distinct users of each week in which the account is active, as the week
    ends; resolved as `usage_drop` is.

    It leaves to the alerts on activity as a whole what those say at the same severity, and does not open before about
    `expected_events` users have been missing for a week each.
    """

    kind = Kind.BREADTH_DECLINE

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def judge(self, account: Account, day: int) -> Judgement:
        """See `DailySignal`. Keeps count of the calm days, in the account's row."""
        rules, facet = self._rules, account.habits.facets[BREADTH]
        habit = account.habits.facet(BREADTH, account.row)
        if habit is None or habit.monitored_day < 0 or not is_week_end(day):
            return None
        rate = habit.rate(rules.fleet(day))
        level = reached(habit.evidence, rules.learnt.facets.thresholds[BREADTH].of(rate).drop)
        alert = account.alert(self.kind)
        if alert is not None and (level == 0 or habit.rebaselined):
            over, calm_day = held(habit, day, rules.config.drop_hold_days)
            facet.set(account.row, CALM_DAY, calm_day)
            return over
        if habit.calm_day >= 0:
            facet.set(account.row, CALM_DAY, -1)
        if level <= said_already(account) or muted(account):
            return None
        missed = (rate * habit.pending_exposure - habit.pending_events) / USER
        if alert is None and missed < rules.config.expected_events:
            return None
        return Firing(SEVERITIES[level - 1])

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:  # noqa: ARG002  # it speaks of days
        """See `Signal`."""
        rules, closed = self._rules, account.closed
        habit = account.habits.facet(BREADTH, account.row)
        assert habit is not None  # it fires
        rate = habit.rate(rules.fleet(closed))
        first = (habit.left_day if habit.left_day >= 0 else closed) - 6  # the Monday of its first week
        days = closed - first + 1
        usual = _A_WEEK * rate
        observed = _A_WEEK * habit.pending_events / habit.pending_exposure if habit.pending_exposure > 0 else usual
        since = rules.calendar.start_of(first)
        share = max(0, round(100 * (1 - observed / usual)))
        false_alarms = rules.learnt.facets.thresholds[BREADTH].false_alarms(DROP, habit.evidence, rate)
        return Finding(
            firing.severity,
            since,
            f"Fewer people use it, {share}% below normal since {rules.calendar.day_text(since)}: about "
            f"{number(observed)} a week where {number(usual)} are usual.",
            (
                AlertReason(
                    code="fewer_users",
                    text=f"About {number(observed)} active users a week, for {count(days // 7, 'week')}; this "
                    f"account's own normal is about {number(usual)}.",
                    values={
                        "observed": round(observed, 2),
                        "expected": round(usual, 2),
                        "days": days,
                        "below_percent": share,
                    },
                ),
            ),
            {
                "observed": round(observed, 2),
                "expected": round(usual, 2),
                "window_days": days,
                "score": round(habit.evidence, 3),
                "false_alarms_per_account_year": float(f"{false_alarms:.3g}"),
            },
        )
