"""Billing events and account updates: what they change in an account, in words, and whether it is lost or back."""

from schemas.accounts import AccountUpdate
from schemas.alerts import Resolution
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
    SubscriptionRenewed,
    SubscriptionResumed,
    SubscriptionStarted,
    SubscriptionUpdated,
)
from streams.detection.book import Book
from streams.detection.results import Results
from streams.detection.rules import Rules
from streams.detection.state import Account, Loss
from streams.detection.tally import Tally
from streams.detection.timeline import Entry
from streams.detection.words import amount


class Facts:
    """Folds facts into an account. The signals on billing are judged afterwards, by the engine."""

    def __init__(self, rules: Rules, book: Book, tally: Tally) -> None:
        self._rules = rules
        self._book = book
        self._tally = tally

    def update(self, account: Account, update: AccountUpdate, out: Results) -> None:
        """An account update. An account that turns out to be the company's own has no alerts."""
        account.profile.apply(update)
        if account.profile.internal:
            self._book.resolve_all(account, update.updated_at, Resolution.EXPIRED, out)

    def billing(self, account: Account, fact: BillingFact, out: Results) -> None:
        """A billing event."""
        money = account.money
        before = money.subscriptions.get(fact.subscription_id) if isinstance(fact, SubscriptionFact) else None
        was_failing = bool(money.invoices)
        old_plan = before.plan if before is not None else None
        if not money.apply(fact):
            self._tally.outdated += 1
            return
        at = fact.occurred_at
        line = self._line(fact, old_plan, was_failing)
        if line is not None:
            account.timeline.add(Entry(at, fact_code(fact), line), self._rules.config.timeline_kept)
        if isinstance(fact, SubscriptionEnded):
            was_paid = before is None or not before.trial
            none_paid = not any(each.paid for each in money.live())
            if account.loss is None and none_paid and (was_paid or not list(money.live())):
                self._lose(account, fact, out)
        elif account.loss is not None and isinstance(fact, SubscriptionStarted | SubscriptionRenewed | SubscriptionResumed):
            self._revive(account, at)

    def _lose(self, account: Account, fact: SubscriptionEnded, out: Results) -> None:
        ended = account.money.subscriptions[fact.subscription_id]
        account.loss = Loss(fact.occurred_at, bool(ended.voluntary), ended.reason)
        self._tally.lost += 1
        line = "Lost: the last paid subscription has ended, " + ("by decision" if ended.voluntary else "for want of payment")
        line += f", reason: {ended.reason}." if ended.reason is not None else "."
        account.timeline.add(Entry(fact.occurred_at, "account.lost", line), self._rules.config.timeline_kept)
        self._book.resolve_all(account, fact.occurred_at, Resolution.LOST, out)

    def _revive(self, account: Account, at: int) -> None:
        account.loss = None
        account.restart()
        self._tally.revived += 1
        entry = Entry(at, "account.returned", "Back as a customer; its habits are learnt anew.")
        account.timeline.add(entry, self._rules.config.timeline_kept)

    def _line(self, fact: BillingFact, old_plan: str | None, was_failing: bool) -> str | None:
        """What the timeline says; None for what is ordinary (a renewal, a payment on time, a card like any other)."""
        day_text = self._rules.calendar.day_text
        match fact:
            case SubscriptionStarted():
                kind = "Trial" if fact.trial else "Subscription"
                return f"{kind} started: {fact.plan}, {amount(fact.mrr_minor, fact.currency)} a month."
            case SubscriptionUpdated() if old_plan is not None and old_plan != fact.plan:
                return f"Plan changed from {old_plan} to {fact.plan}, {amount(fact.mrr_minor, fact.currency)} a month."
            case CancelScheduled():
                reason = f", reason: {fact.reason}" if fact.reason is not None else ""
                return f"Cancelled for {day_text(fact.effective_at)}{reason}."
            case CancelReverted():
                return "The cancellation was taken back."
            case SubscriptionEnded():
                return "Subscription ended" + (f", reason: {fact.reason}." if fact.reason is not None else ".")
            case SubscriptionPaused():
                return "Paused" + (f" until {day_text(fact.resumes_at)}." if fact.resumes_at is not None else ".")
            case SubscriptionResumed():
                return "Resumed."
            case PaymentFailed():
                return f"Payment of {amount(fact.amount_minor, fact.currency)} failed at attempt {fact.attempt}."
            case PaymentSucceeded() if was_failing:
                return f"Invoice paid: {amount(fact.amount_minor, fact.currency)}."
            case InvoiceVoided() if was_failing:
                return "Invoice voided."
            case PaymentMethodRemoved():
                return "A payment method was removed."
        return None


def fact_code(fact: BillingFact) -> str:
    """The event's type, as the timeline's code."""
    return str(getattr(fact, "type"))  # noqa: B009  # every concrete class has it, the common base does not

