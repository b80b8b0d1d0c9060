"""`cancel_intent`: somebody did what precedes leaving."""

from alerting.lifecycle import Finding
from alerting.words import count
from schemas.alerts import AlertReason, Kind, Resolution, Severity
from streams.detection.config import DAY_MS
from streams.detection.intent import Intent
from streams.detection.rules import Rules
from streams.detection.signals.base import Calm, Firing, Judgement
from streams.detection.state import Account


class CancelIntentSignal:
    """Fires on a usage event that the setting `intent_events` names; another one of them, and the same one on a later
    day, escalates. Critical from the second such step on. Resolved after some time (30 days) without."""

    kind = Kind.CANCEL_INTENT

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._keeps = rules.config.intent_days * DAY_MS

    def judge(self, account: Account, at: int) -> Judgement:
        """See `DatedSignal`."""
        intent = account.intent
        if intent is None or at >= intent.last_at + self._keeps:
            return Calm(Resolution.EXPIRED)
        return Firing(Severity.CRITICAL if intent.steps > 1 else Severity.WARNING, intent.steps)

    def next_at(self, account: Account) -> int | None:
        """See `DatedSignal`."""
        intent = account.intent
        if intent is None or account.alert(self.kind) is None:
            return None
        return intent.last_at + self._keeps

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:  # noqa: ARG002  # it speaks of events
        """See `Signal`."""
        intent = account.intent
        assert intent is not None  # it fires
        times = sum(many for many, _ in intent.events.values())
        names = sorted(intent.events, key=lambda name: (-intent.events[name][1], name))
        headline = f"Somebody did what precedes leaving: “{names[0]}”"
        headline += f", and {count(len(names) - 1, 'other such thing')}" if len(names) > 1 else ""
        headline += f", {count(times, 'time')} in all." if times > 1 else "."
        return Finding(
            firing.severity,
            intent.since,
            headline,
            tuple(self._reason(intent, name) for name in names),
            {"intent_events": times, "event_names": len(names)},
            firing.step,
        )

    def _reason(self, intent: Intent, name: str) -> AlertReason:
        times, last_at = intent.events[name]
        return AlertReason(
            code="intent_event",
            text=f"“{name}” came {count(times, 'time')}, last on {self._rules.calendar.day_text(last_at)}.",
            values={"event": name, "times": times, "last_at": last_at},
        )
