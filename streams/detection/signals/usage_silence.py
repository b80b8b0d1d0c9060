"""`usage_silence`: no activity for longer than this account ever explains."""

from typing import NamedTuple

from alerting.lifecycle import Finding
from alerting.words import count, number
from schemas.alerts import AlertReason, Kind
from streams.detection.calibration import DROP
from streams.detection.rules import Rules
from streams.detection.signals.base import DAYS_TOLD, Firing, Judgement
from streams.detection.signals.gate import muted
from streams.detection.state import Account
from streams.detection.thresholds import SEVERITIES, Thresholds, reached
from streams.detection.window import spread


class Scores(NamedTuple):
    """S above its floor and E, in nats, and days on the clock."""

    drop: float
    silence: float
    clock: float


def level_of(scores: Scores, rate: float, thresholds: Thresholds, *, by_drop: bool) -> int:
    """How severe the silence of an account with `rate` events a day is, from 1 for a watch; 0 where it is none.
    `by_drop`: the drop channel may raise it by itself, unless the account is used too seldom for it."""
    level = thresholds.silence_level(rate, *scores)
    raised = level and by_drop and not thresholds.is_seldom(rate)
    return max(level, reached(scores.drop, thresholds.of(rate).drop)) if raised else level


def tells(missed: float, rate: float, rules: Rules) -> bool:
    """Whether a silence that has cost `missed` events says anything: they are enough, or as the account is used so
    seldom that they are not what it is told by."""
    return missed >= rules.config.expected_events or rules.thresholds.is_seldom(rate)


class UsageSilenceSignal:
    """Fires when there is no activity for longer than the account's own history explains: when that is rare enough by
    the silence channel (E), by the clock, or by these and the drop channel (S) together. Resolved on activity, by the
    engine.

    It does not open before the silence has cost about `expected_events` events. How severe it is goes by the drop
    channel alone, too, where that stands higher, unless `usage_drop` has an alert of its own. Neither holds for
    accounts that are used less than once in two weeks: as soon as the fleet has shown how long such accounts stay away,
    that alone, the clock, says how rare their silence is.
    """

    kind = Kind.USAGE_SILENCE

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def judge(self, account: Account, day: int) -> Judgement:
        """See `DailySignal`."""
        habit = account.habit
        if habit.last_day >= day:  # also when the next day, still open, has activity
            return None
        rules = self._rules
        fleet = rules.fleet(day)
        rate = habit.rate(fleet)
        by_drop = account.alert(Kind.USAGE_DROP) is None
        scores = Scores(habit.evidence, habit.silence(fleet), habit.clock_days)
        level = level_of(scores, rate, rules.thresholds, by_drop=by_drop)
        if level == 0 or muted(account):
            return None
        if account.alert(self.kind) is None and not tells(rate * habit.clock_days, rate, rules):
            return None
        return Firing(SEVERITIES[level - 1])

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:  # noqa: ARG002  # it speaks of days
        """See `Signal`."""
        rules, closed = self._rules, account.closed
        fleet = rules.fleet(closed)
        habit = account.habit
        rate = habit.rate(fleet)
        score = habit.silence(fleet)
        since = account.last_event_at
        # A late event does not end a silence, but it is the last activity all the same.
        quiet_days = closed - max(habit.last_day, rules.calendar.day_of(since))
        active_rate = min(habit.active_rate(fleet), 1.0)
        # Of a long silence the rate of events has come down to it, that of active days has not; none has fewer events.
        missed = max(rate, active_rate) * habit.clock_days
        false_alarms = rules.thresholds.silence_false_alarms(rate, habit.evidence, score, habit.clock_days)
        seldom = rules.thresholds.is_seldom(rate)
        if account.alert(Kind.USAGE_DROP) is None and not seldom:
            false_alarms = min(false_alarms, rules.thresholds.false_alarms(DROP, habit.evidence, rate))
        active_a_week = 7.0 * active_rate
        since_text = rules.calendar.day_text(since)
        compared = " Accounts that are used so seldom are compared with each other." if seldom else ""
        usual = (
            f"usually active on {number(active_a_week)} days a week"
            if active_a_week >= 1
            else f"usually active about every {number(7.0 / active_a_week)} days"
            if active_a_week * 4 >= 1
            else f"usually active about every {number(1.0 / (active_a_week / 7 * 30))} months"
        )
        reasons = (
            AlertReason(
                code="silent_for",
                text=f"Last activity on {since_text}, none on the {count(quiet_days, 'day')} after it.",
                values={"days": quiet_days},
            ),
            AlertReason(
                code="usual_activity",
                text=f"The account is {usual}; about {number(missed)} events are missing.{compared}",
                values={"active_days_a_week": round(active_a_week, 2), "events_missing": round(missed, 2)},
            ),
        )
        return Finding(
            firing.severity,
            since,
            f"No activity for {count(quiet_days, 'day')}; this account is {usual}.",
            reasons,
            {
                "observed": 0,
                "expected": round(missed, 2),
                "window_days": quiet_days,
                "score": round(score, 3),
                "clock_days": round(habit.clock_days, 2),
                "drop_score": round(habit.evidence, 3),
                "false_alarms_per_account_year": float(f"{false_alarms:.3g}"),
                "daily": spread(account.daily, closed - DAYS_TOLD + 1, closed),
            },
        )
