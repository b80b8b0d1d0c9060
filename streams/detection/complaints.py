"""What people at an account complain about: bad scores, and tickets that go badly."""

from typing import NamedTuple

from schemas.alerts import Severity
from streams.detection.config import DAY_MS, DetectionConfig
from streams.detection.feedback import Feedback

_SEVERAL_UNHAPPY = 3


class Complaint(NamedTuple):
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


def complaints(feedback: Feedback | None, config: DetectionConfig) -> list[Complaint]:
    """All that is known of, those included that do not count yet, or no more."""
    if feedback is None:
        return []
    found: list[Complaint] = []
    for each in feedback.scores:
        if each.negative:
            severity = Severity.WARNING if each.scale == "nps" else Severity.WATCH
            subject = f"{each.scale}/{each.user if each.user is not None else each}"
            found.append(Complaint(subject, each.scale, each.at, each.at, severity, each.score))
    opened = sorted(each.opened_at for each in feedback.tickets.values())
    for ticket_id, ticket in feedback.tickets.items():
        if not ticket.open:
            continue
        since, subject = ticket.opened_at, f"ticket/{ticket_id}"
        codes = [("ticket_open_long", since + config.ticket_open_days * DAY_MS, Severity.WARNING)]
        within = since - config.tickets_within_days * DAY_MS
        if len([each for each in opened if within < each <= since]) >= config.tickets_repeated:
            codes.append(("tickets_repeated", since, Severity.WARNING))
        if ticket.escalated_at is not None:
            codes.append(("ticket_escalated", ticket.escalated_at, Severity.CRITICAL))
        for code, starts_at, severity in codes:
            found.append(Complaint(subject, code, starts_at, since, severity, -1, ticket_id, ticket.priority))
    return found


def active(found: list[Complaint], at: int, config: DetectionConfig) -> list[Complaint]:
    """Those that count at a time."""
    return [each for each in found if each.starts_at <= at < each.starts_at + config.feedback_days * DAY_MS]


def worst(counting: list[Complaint]) -> Severity:
    """How bad these are, of which there is one at least: three unhappy are critical, whoever they are."""
    if len({each.subject for each in counting}) >= _SEVERAL_UNHAPPY:
        return Severity.CRITICAL
    return max((each.severity for each in counting), key=lambda severity: severity.rank)
