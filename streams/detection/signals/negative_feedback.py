"""`negative_feedback`: somebody at the account is unhappy, and says so."""

from alerting.lifecycle import Finding
from alerting.words import count
from schemas.alerts import AlertReason, Kind, Resolution
from streams.detection.complaints import Complaint, active, complaints, worst
from streams.detection.config import DAY_MS
from streams.detection.rules import Rules
from streams.detection.signals.base import Calm, Firing, Judgement
from streams.detection.state import Account


class NegativeFeedbackSignal:
    """Fires on an NPS of 0 to 6, a CSAT of 1 or 2, and a ticket that is escalated, open for long (7 days) or one of
    several (3) that were opened within some days (14). Further ones escalate; critical when a ticket is escalated or
    three are unhappy. Resolved when no such thing is left: a person's later score is better, anybody's positive one
    where nobody says who gave it, the ticket is closed; or each of them is old (30 days).
    """

    kind = Kind.NEGATIVE_FEEDBACK

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._config = rules.config

    def judge(self, account: Account, at: int) -> Judgement:
        """See `DatedSignal`."""
        known = complaints(account.feedback, self._config)
        counting = active(known, at, self._config)
        if not counting:
            return Calm(Resolution.EXPIRED if known else Resolution.RECOVERED)
        return Firing(worst(counting), max(each.starts_at for each in counting))

    def next_at(self, account: Account) -> int | None:
        """See `DatedSignal`. What an alert that is over was about is judged."""
        last = account.alerts.get(self.kind)
        known = complaints(account.feedback, self._config)
        judged = last.finding.step if last is not None and last.is_open else account.looked_at
        moments = [each.starts_at for each in known if each.starts_at > judged]
        told = [each.starts_at for each in known if each.starts_at <= judged]
        if last is not None and last.is_open and told:
            moments.append(max(told) + self._config.feedback_days * DAY_MS)
        return min(moments, default=None)

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:
        """See `Signal`. The headline is that of the newest complaint."""
        counting = active(complaints(account.feedback, self._config), at, self._config)
        newest = max(counting, key=lambda each: each.starts_at)
        others = len({each.subject for each in counting}) - 1
        text = self._text(newest, at)
        headline = f"{text}; {count(others, 'other complaint')} in {self._config.feedback_days} days."
        subjects = {each.subject for each in counting}
        return Finding(
            firing.severity,
            min(each.since for each in counting),
            headline if others else f"{text}.",
            tuple(self._reason(each, at) for each in counting),
            {"complaints": len(subjects), "open_tickets": len([each for each in subjects if each[:7] == "ticket/"])},
            firing.step,
        )

    def _reason(self, complaint: Complaint, at: int) -> AlertReason:
        values: dict[str, bool | int | float | str] = {"since": complaint.since}
        if complaint.score >= 0:
            values["score"] = complaint.score
        if complaint.ticket_id:
            values["ticket_id"] = complaint.ticket_id
        if complaint.priority is not None:
            values["priority"] = complaint.priority
        day = self._rules.calendar.day_text(complaint.since)
        named = "" if not complaint.ticket_id else f" “{complaint.ticket_id}”"
        text = (
            f"{self._text(complaint, at, named)}, since {day}." if named else f"{self._text(complaint, at)} on {day}."
        )
        return AlertReason(code=complaint.code, text=text, values=values)

    def _text(self, complaint: Complaint, at: int, named: str = "") -> str:
        match complaint.code:
            case "nps":
                return f"Somebody gave an NPS of {complaint.score} of 10"
            case "csat":
                return f"Somebody gave a CSAT of {complaint.score} of 5"
            case "ticket_escalated":
                return f"A support ticket{named} is escalated"
            case "tickets_repeated":
                several = f"{self._config.tickets_repeated} or more in {self._config.tickets_within_days} days"
                return f"A support ticket{named} is one of {several}"
        return f"A support ticket{named} has been open for {count((at - complaint.since) // DAY_MS, 'day')}"
