"""`key_action_stopped`: the configured core actions stop although the account is used."""

from alerting.lifecycle import Finding
from alerting.words import count, number
from schemas.alerts import AlertReason, Kind, Resolution
from streams.detection.calibration import CLOCK, DROP, SILENCE
from streams.detection.facets import KEY_ACTIONS
from streams.detection.rules import Rules
from streams.detection.signals.base import Calm, Firing, Judgement
from streams.detection.signals.gate import muted, said_already
from streams.detection.state import Account
from streams.detection.thresholds import SEVERITIES, reached
from streams.detection.window import total


class KeyActionStoppedSignal:
    """Fires while there is no core action although the account is used: when one of the three channels of its core
    actions reaches its threshold. Resolved on a core action, by the engine.

    Their channels move only on days on which the account is active. It leaves to the alerts on activity as a whole what
    those say at the same severity, and does not open before about `expected_events` core actions are missing.
    """

    kind = Kind.KEY_ACTION_STOPPED

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def judge(self, account: Account, day: int) -> Judgement:
        """See `DailySignal`."""
        rules = self._rules
        if not rules.config.key_actions:
            return Calm(Resolution.EXPIRED)
        habit = account.habits.facet(KEY_ACTIONS, account.row)
        if habit is None or habit.monitored_day < 0 or habit.last_day >= day:
            return None
        fleet = rules.fleet(day)
        rate = habit.rate(fleet)
        levels = rules.learnt.facets.thresholds[KEY_ACTIONS].of(rate)
        level = max(
            reached(habit.silence(fleet), levels.silence),
            reached(habit.clock_days, levels.clock),
            reached(habit.evidence, levels.drop),
        )
        if level <= said_already(account) or muted(account):
            return None
        if account.alert(self.kind) is None and rate * habit.clock_days < rules.config.expected_events:
            return None
        return Firing(SEVERITIES[level - 1])

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:  # noqa: ARG002  # it speaks of days
        """See `Signal`."""
        rules, closed = self._rules, account.closed
        habit = account.habits.facet(KEY_ACTIONS, account.row)
        assert habit is not None  # it fires
        fleet = rules.fleet(closed)
        rate = habit.rate(fleet)
        since = rules.calendar.start_of(habit.last_day)
        since_text = rules.calendar.day_text(since)
        days = closed - habit.last_day
        missed = rate * habit.clock_days
        others = total(account.daily, habit.last_day + 1, closed)
        score = habit.silence(fleet)
        thresholds = rules.learnt.facets.thresholds[KEY_ACTIONS]
        heard = ((SILENCE, score), (CLOCK, habit.clock_days), (DROP, habit.evidence))
        false_alarms = min([thresholds.false_alarms(channel, height, rate) for channel, height in heard])
        return Finding(
            firing.severity,
            since,
            f"No core action for {count(days, 'day')}, although the account is used: about {number(missed)} were "
            "expected.",
            (
                AlertReason(
                    code="core_actions_missing",
                    text=f"Last core action on {since_text}; about {number(missed)} are missing since.",
                    values={"days": days, "actions_missing": round(missed, 2)},
                ),
                AlertReason(
                    code="used_otherwise",
                    text=f"There were {count(others, 'event')} of other kinds in the {count(days, 'day')} after it.",
                    values={"events": others},
                ),
            ),
            {
                "observed": 0,
                "expected": round(missed, 2),
                "window_days": days,
                "score": round(score, 3),
                "clock_days": round(habit.clock_days, 2),
                "false_alarms_per_account_year": float(f"{false_alarms:.3g}"),
            },
        )
