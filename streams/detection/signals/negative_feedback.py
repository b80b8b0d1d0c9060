"""`negative_feedback`: somebody at the account is unhappy, and says so."""

from typing import NamedTuple

from alerting.lifecycle import Finding
from alerting.words import count
from schemas.alerts import AlertReason, Kind, Resolution, Severity
from streams.detection.config import DAY_MS
from streams.detection.feedback import Feedback
from streams.detection.rules import Rules
from streams.detection.signals.base import Calm, Firing, Judgement
from streams.detection.state import Account


class _Complaint(NamedTuple):
    """One thing that is wrong."""

    subject: str
    """`nps`, `csat` or `ticket`, and which of them: a ticket that is escalated and open for long is one subject."""
    code: str
    starts_at: int
    """From when on it counts; for `feedback_days` it does."""
    since: int
    severity: Severity
    score: int = -1
    ticket_id: str = ""
    priority: str | None = None


class NegativeFeedbackSignal:
    """Fires on an NPS of 0 to 6, a CSAT of 1 or 2, and a ticket that is escalated, open for long (7 days) or one of
    several (3) that were opened within some days (14). Further ones escalate; critical when a ticket is escalated or
    three are unhappy. Resolved when no such thing is left: a person's later score is better, anybody's positive one
    where nobody says who gave it, the ticket is closed; or each of them is old (30 days).
    """

    kind = Kind.NEGATIVE_FEEDBACK

    def __init__(self, rules: Rules) -> None:
        config = rules.config
        self._rules = rules
        self._counts_for = config.feedback_days * DAY_MS
        self._long = config.ticket_open_days * DAY_MS
        self._within = config.tickets_within_days * DAY_MS
        self._several = config.tickets_repeated

    def judge(self, account: Account, at: int) -> Judgement:
        """See `DatedSignal`."""
        complaints = self._complaints(account.feedback)
        active = self._active(complaints, at)
        if not active:
            return Calm(Resolution.EXPIRED if complaints else Resolution.RECOVERED)
        worst = max((each.severity for each in active), key=lambda severity: severity.rank)
        if len({each.subject for each in active}) >= 3:
            worst = Severity.CRITICAL
        return Firing(worst, max(each.starts_at for each in active))

    def next_at(self, account: Account) -> int | None:
        """See `DatedSignal`. What an alert that is over was about is judged."""
        last = account.alerts.get(self.kind)
        complaints = self._complaints(account.feedback)
        judged = last.finding.step if last is not None and last.is_open else account.looked_at
        moments = [each.starts_at for each in complaints if each.starts_at > judged]
        told = [each.starts_at for each in complaints if each.starts_at <= judged]
        if last is not None and last.is_open and told:
            moments.append(max(told) + self._counts_for)
        return min(moments, default=None)

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:
        """See `Signal`. The headline is that of the newest complaint."""
        active = self._active(self._complaints(account.feedback), at)
        newest = max(active, key=lambda each: each.starts_at)
        others = len({each.subject for each in active}) - 1
        text = self._text(newest, at)
        headline = f"{text}; {count(others, 'other complaint')} in {self._rules.config.feedback_days} days."
        subjects = {each.subject for each in active}
        return Finding(
            firing.severity,
            min(each.since for each in active),
            headline if others else f"{text}.",
            tuple(self._reason(each, at) for each in active),
            {"complaints": len(subjects), "open_tickets": len([each for each in subjects if each[:7] == "ticket/"])},
            firing.step,
        )

    def _complaints(self, feedback: Feedback | None) -> list[_Complaint]:
        if feedback is None:
            return []
        found: list[_Complaint] = []
        for each in feedback.scores:
            if each.negative:
                severity = Severity.WARNING if each.scale == "nps" else Severity.WATCH
                subject = f"{each.scale}/{each.user if each.user is not None else each}"
                found.append(_Complaint(subject, each.scale, each.at, each.at, severity, each.score))
        opened = sorted(each.opened_at for each in feedback.tickets.values())
        for ticket_id, ticket in feedback.tickets.items():
            if not ticket.open:
                continue
            since, subject = ticket.opened_at, f"ticket/{ticket_id}"
            codes = [("ticket_open_long", since + self._long, Severity.WARNING)]
            if len([each for each in opened if since - self._within < each <= since]) >= self._several:
                codes.append(("tickets_repeated", since, Severity.WARNING))
            if ticket.escalated_at is not None:
                codes.append(("ticket_escalated", ticket.escalated_at, Severity.CRITICAL))
            for code, starts_at, severity in codes:
                found.append(_Complaint(subject, code, starts_at, since, severity, -1, ticket_id, ticket.priority))
        return found

    def _active(self, complaints: list[_Complaint], at: int) -> list[_Complaint]:
        return [each for each in complaints if each.starts_at <= at < each.starts_at + self._counts_for]

    def _reason(self, complaint: _Complaint, at: int) -> AlertReason:
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

    def _text(self, complaint: _Complaint, at: int, named: str = "") -> str:
        match complaint.code:
            case "nps":
                return f"Somebody gave an NPS of {complaint.score} of 10"
            case "csat":
                return f"Somebody gave a CSAT of {complaint.score} of 5"
            case "ticket_escalated":
                return f"A support ticket{named} is escalated"
            case "tickets_repeated":
                return f"A support ticket{named} is one of {self._several} or more in {self._within // DAY_MS} days"
        return f"A support ticket{named} has been open for {count((at - complaint.since) // DAY_MS, 'day')}"
