"""What a billing or feedback event reads like in an account's timeline."""

from alerting.words import money
from schemas.billing import (
    BillingFact,
    CancelReverted,
    CancelScheduled,
    InvoiceVoided,
    PaymentFailed,
    PaymentMethodRemoved,
    PaymentSucceeded,
    SubscriptionEnded,
    SubscriptionFact,
    SubscriptionPaused,
    SubscriptionResumed,
    SubscriptionStarted,
    SubscriptionUpdated,
)
from schemas.feedback import CsatGiven, ExitSurvey, FeedbackFact, NpsGiven, TicketChanged
from streams.detection.calendar import Calendar
from streams.detection.feedback import unhappy


def line_of(fact: BillingFact, calendar: Calendar, *, old_plan: str | None, unpaid: bool) -> str | None:
    """One line; None for what is ordinary: a renewal, a payment on time, a card like any other."""
    if isinstance(fact, SubscriptionFact):
        return _subscription(fact, calendar, old_plan)
    match fact:
        case PaymentFailed():
            return f"Payment of {money(fact.amount_minor, fact.currency)} failed at attempt {fact.attempt}."
        case PaymentSucceeded() if unpaid:
            return f"Invoice paid: {money(fact.amount_minor, fact.currency)}."
        case InvoiceVoided() if unpaid:
            return "Invoice voided."
        case PaymentMethodRemoved():
            return "A payment method was removed."
    return None


def feedback_line(fact: FeedbackFact) -> str | None:
    """One line; None for what is ordinary: a score that is not low, a ticket like any other."""
    match fact:
        case NpsGiven() if unhappy("nps", fact.score):
            return f"NPS {fact.score} of 10."
        case CsatGiven() if unhappy("csat", fact.score):
            return f"CSAT {fact.score} of 5."
        case TicketChanged(status="escalated"):
            return f"Support ticket {fact.ticket_id} was escalated."
        case ExitSurvey():
            return f"Exit survey: {fact.reason}." + (f" “{fact.comment}”" if fact.comment else "")
    return None


def _subscription(fact: SubscriptionFact, calendar: Calendar, old_plan: str | None) -> str | None:
    line: str | None = None
    match fact:
        case SubscriptionStarted():
            kind = "Trial" if fact.trial else "Subscription"
            line = f"{kind} started: {fact.plan}, {money(fact.mrr_minor, fact.currency)} a month."
        case SubscriptionUpdated() if old_plan is not None and old_plan != fact.plan:
            line = f"Plan changed from {old_plan} to {fact.plan}, {money(fact.mrr_minor, fact.currency)} a month."
        case CancelScheduled():
            line = f"Cancelled for {calendar.day_text(fact.effective_at)}" + _because(fact.reason)
        case CancelReverted():
            line = "The cancellation was taken back."
        case SubscriptionEnded():
            line = "Subscription ended" + _because(fact.reason)
        case SubscriptionPaused():
            until = f" until {calendar.day_text(fact.resumes_at)}" if fact.resumes_at is not None else ""
            line = f"Paused{until}."
        case SubscriptionResumed():
            line = "Resumed."
    return line


def _because(reason: str | None) -> str:
    return f", reason: {reason}." if reason is not None else "."
