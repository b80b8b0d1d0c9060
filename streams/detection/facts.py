"""Billing and feedback events and account updates: what they change in an account, and whether it is lost or back."""

from dataclasses import replace

from alerting.words import span
from schemas.accounts import AccountUpdate
from schemas.alerts import Resolution
from schemas.billing import (
    BillingFact,
    CancelScheduled,
    PaymentFailed,
    PaymentSucceeded,
    SubscriptionEnded,
    SubscriptionFact,
    SubscriptionStarted,
)
from schemas.errors import Reason
from schemas.feedback import ExitSurvey, FeedbackFact
from schemas.pseudonyms import numbers_of
from streams.detection.afterwards import Afterwards
from streams.detection.book import Book
from streams.detection.champions import Champions
from streams.detection.config import DAY_MS
from streams.detection.feedback import Feedback
from streams.detection.history import feedback_line, line_of
from streams.detection.loss import Loss, loss_of
from streams.detection.profile import ALIAS
from streams.detection.renamed import rename
from streams.detection.results import Refusal, Results
from streams.detection.rules import Rules
from streams.detection.signals.gate import note
from streams.detection.starts import start, start_by_event
from streams.detection.state import Account
from streams.detection.subscription import Subscription
from streams.detection.subscriptions import BEGINS
from streams.detection.tally import Tally
from streams.detection.timeline import Entry


class Facts:
    """Folds facts into an account. The signals on billing are judged afterwards, by the engine."""

    def __init__(self, rules: Rules, book: Book, tally: Tally) -> None:
        self._rules = rules
        self._book = book
        self._tally = tally
        self._afterwards = Afterwards(rules)

    def update(self, account: Account, update: AccountUpdate, out: Results) -> None:
        """An account update. An account that turns out to be the company's own has no alerts."""
        started_at = account.profile.number("started_at")
        account.profile.apply(update)
        said = account.profile.number("started_at")
        if said is not None and said != started_at:
            start(account, said, self._rules)
        self._champions(account, update)
        if account.profile.internal:
            account.outcomes.pending.clear()
            account.following = account.newcomer = None
            self._book.resolve_all(account, update.updated_at, Resolution.EXPIRED, out)

    def claimed(self, account: Account, by: str, at: int, out: Results) -> Refusal | None:
        """Another account has this id as an alias: what comes under it is counted there, and this one is over. Unless
        it has a record of its own. Returns a refusal, or None."""
        profile = account.profile
        if profile.updated_at >= 0:
            detail = "names the id of an account that has a record of its own on this topic: no such id is an alias"
            return Refusal(Reason.IMPOSSIBLE_ALIAS, "aliases", detail)
        if profile.alias_of != by:
            profile.fields[ALIAS] = by
            account.outcomes.pending.clear()
            self._book.resolve_all(account, at, Resolution.EXPIRED, out)
            self._write(account, at, "account.alias", f"An alias of {by} by now, where what comes is counted.")
        return None

    def own_again(self, account: Account, at: int) -> None:
        """The id is an account's own again: something has come that is counted here."""
        del account.profile.fields[ALIAS]
        account.deadline = -1
        self._write(account, at, "account.own", "No alias of another account any more.")
        note(account)

    def _champions(self, account: Account, update: AccountUpdate) -> None:
        """Who is named, and who is reported to have left. Their ids are known here as those of usage events are."""
        champions = account.champions
        named = account.profile.fields.get("champions") or []
        if "champions" in update.model_fields_set and (named or champions is not None):
            if champions is None:
                champions = account.champions = Champions()
            champions.name(tuple([self._user(account, name) for name in named]), update.updated_at)
        if champions is not None and "contacts_left" in update.model_fields_set:
            left = {self._user(account, name) for name in update.contacts_left or ()}
            champions.leave(left, self._rules.calendar.day_of(update.updated_at))

    def _user(self, account: Account, name: str) -> int:
        """What a user whom a fact names is known as here."""
        user, before = numbers_of(name, self._rules.config.user_key)
        if before is not None:
            rename(account, before, user)
        return user

    def billing(self, account: Account, fact: BillingFact, out: Results) -> None:
        """A billing event. One that is older than what is known has no effect."""
        if isinstance(fact, CancelScheduled | SubscriptionEnded) and not self._rules.config.keep_comments:
            fact = fact.model_copy(update={"comment": None})
        unpaid = bool(account.payments.invoices)
        before: Subscription | None = None
        if isinstance(fact, SubscriptionFact):
            before = account.subscriptions.by_id.get(fact.subscription_id)
            told = self._rules.config.contraction_days * DAY_MS
            new = account.subscriptions.apply(fact, unpaid=unpaid, told=told)
        else:
            new = account.payments.apply(fact)
        if not new:
            self._tally.outdated += 1
            return
        if isinstance(fact, PaymentSucceeded):
            self._tally.payments_succeeded += 1
        elif isinstance(fact, PaymentFailed):
            self._tally.payments_failed += 1
        if (
            isinstance(fact, SubscriptionStarted)
            and len(account.subscriptions.by_id) == 1
            and account.last_event_at < 0
        ):
            start_by_event(account, fact.occurred_at, self._rules)
        old_plan = before.plan if before is not None else None
        line = line_of(fact, self._rules.calendar, old_plan=old_plan, unpaid=unpaid)
        if line is not None:
            code: str = fact.type  # type: ignore[attr-defined]  # every class has it, their base has not
            self._write(account, fact.occurred_at, code, line)
        if isinstance(fact, SubscriptionEnded):
            self._ended(account, fact, before, out)
        elif account.loss is not None and (
            isinstance(fact, BEGINS) or any(each.paid for each in account.subscriptions.live())
        ):
            self._returned(account, account.loss, fact.occurred_at)

    def _returned(self, account: Account, loss: Loss, at: int) -> None:
        account.loss = None
        self._tally.revived += 1
        if at <= loss.at:  # another subscription was there all along, which is heard of only now
            self._afterwards.not_lost(account, loss)
            self._write(account, at, "account.returned", "It was not lost: it had another subscription.")
            return
        self._afterwards.returned(account)
        account.feedback = account.intent = None  # what was said and done about the old contract
        account.started_at = account.newcomer = None
        if account.champions is not None:
            account.champions = account.champions.begun_anew()
        account.habits.clear(account.row)
        account.payments.invoices.clear()  # what the old contract owed is not the new one's
        self._write(account, at, "account.returned", "Back as a customer; its habits are learnt anew.")

    def feedback(self, account: Account, fact: FeedbackFact) -> None:
        """A feedback event. One that is older than what is known has no effect. An exit survey is kept with the
        account's end, be it before or after."""
        config = self._rules.config
        if isinstance(fact, ExitSurvey) and not config.keep_comments:
            fact = fact.model_copy(update={"comment": None})
        user = None if fact.user_id is None else self._user(account, fact.user_id)
        feedback = account.feedback if account.feedback is not None else Feedback()
        if not feedback.apply(fact, user):
            self._tally.outdated += 1
            return
        account.feedback = feedback
        if account.loss is not None:
            _explained(account)
        line = feedback_line(fact)
        if line is not None:
            code: str = fact.type  # type: ignore[attr-defined]  # every class has it, their base has not
            self._write(account, fact.occurred_at, f"feedback.{code}", line)

    def _ended(self, account: Account, fact: SubscriptionEnded, before: Subscription | None, out: Results) -> None:
        """The account is lost when it was the last paid subscription, or a trial and nothing is left at all."""
        live = list(account.subscriptions.live())
        was_trial = before is not None and before.trial
        if account.loss is not None or any(each.paid for each in live) or (was_trial and live):
            return
        ended = account.subscriptions.by_id[fact.subscription_id]
        at = fact.occurred_at
        account.loss = loss_of(ended, at, account.alerts.values())
        loss = _explained(account)
        if not account.profile.internal:
            self._afterwards.lost(account)
            self._tally.count_loss(loss, self._rules.reasons.class_of(loss.reason, loss.comment))
        why = "by decision" if loss.voluntary else "for want of payment"
        why += f", reason: {loss.reason}." if loss.reason is not None else "."
        if loss.foreseen_by is not None and loss.foreseen_at is not None:
            ahead = span(loss.decided_at - loss.foreseen_at)
            why += f" Foreseen {ahead} before it was decided, by {loss.foreseen_by.value.replace('_', ' ')}."
        self._write(account, at, "account.lost", f"Lost: the last paid subscription has ended, {why}")
        self._book.resolve_all(account, at, Resolution.LOST, out)

    def _write(self, account: Account, at: int, code: str, text: str) -> None:
        account.timeline.add(Entry(at, code, text), self._rules.config.timeline_kept)


def _explained(account: Account) -> Loss:
    """The account's loss, with what the exit survey says where nothing else told why."""
    loss, survey = account.loss, account.feedback.survey if account.feedback is not None else None
    assert loss is not None
    if loss.reason is None and survey is not None:
        comment = loss.comment if loss.comment is not None else survey.comment
        account.loss = loss = replace(loss, reason=survey.reason, comment=comment)
    return loss
