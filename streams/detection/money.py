"""What an account's billing events add up to: subscriptions, invoices that failed, cards."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar

from schemas.billing import (
    BillingFact,
    CancelReverted,
    CancelScheduled,
    InvoiceVoided,
    PaymentFailed,
    PaymentMethodRemoved,
    PaymentMethodUpdated,
    PaymentSucceeded,
    SubscriptionEnded,
    SubscriptionFact,
    SubscriptionPaused,
    SubscriptionRenewed,
    SubscriptionResumed,
    SubscriptionStarted,
    SubscriptionTerms,
)

T = TypeVar("T")

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_SUBSCRIPTIONS = 32
_INVOICES = 32
_SETTLED = 16
_CARDS = 16


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription as its last event left it. `changed_at`: that event's time; older ones no longer count."""

    subscription_id: str
    changed_at: int
    live: bool = True
    trial: bool = False
    plan: str | None = None
    seats: int | None = None
    mrr_minor: int | None = None
    currency: str | None = None
    interval: str | None = None
    period_end: int | None = None
    renewal_at: int | None = None
    cancel_at: int | None = None
    cancelled_at: int | None = None
    reason: str | None = None
    comment: str | None = None
    paused: bool = False
    resumes_at: int | None = None
    voluntary: bool | None = None

    @property
    def paid(self) -> bool:
        """Running, and not a trial."""
        return self.live and not self.trial

    @property
    def next_charge(self) -> int | None:
        """When money is next asked for; None when it is not known, or will not be."""
        if not self.live or self.cancel_at is not None or self.paused:
            return None
        return self.period_end if self.period_end is not None else self.renewal_at


@dataclass(frozen=True, slots=True)
class FailedInvoice:
    """An invoice whose last attempt failed."""

    invoice_id: str
    failed_at: int
    """When the first attempt that was seen failed."""
    attempt_at: int
    amount_minor: int
    currency: str
    attempt: int
    next_attempt_at: int | None
    failure_code: str | None
    hard: bool

    @property
    def final(self) -> bool:
        """Nothing more will be tried by itself."""
        return self.hard or self.next_attempt_at is None


@dataclass(frozen=True, slots=True)
class Card:
    """A payment method. `ends_on` is the first day (UTC day number) on which it is no longer good; None: it does not end."""

    payment_method_id: str
    changed_at: int
    kind: str
    ends_on: int | None
    default: bool


class Money:
    """Everything known from billing. Ids in dicts by order of appearance, each dict bounded."""

    __slots__ = ("cards", "invoices", "settled", "subscriptions")

    def __init__(self) -> None:
        self.subscriptions: dict[str, Subscription] = {}
        self.invoices: dict[str, FailedInvoice] = {}
        self.settled: dict[str, tuple[int, bool]] = {}
        """Invoices no longer owed, the last one last, with when and whether by payment: a failure that arrives after its
        payment is an old story."""
        self.cards: dict[str, Card] = {}

    def apply(self, fact: BillingFact) -> bool:
        """Fold one billing event in. Returns False for one that is older than what is known already."""
        at = fact.occurred_at
        if isinstance(fact, SubscriptionFact):
            return self._subscription(fact, at)
        if isinstance(fact, PaymentFailed):
            return self._failed(fact, at)
        if isinstance(fact, PaymentSucceeded | InvoiceVoided):
            self.invoices.pop(fact.invoice_id, None)
            self.settled.pop(fact.invoice_id, None)
            paid = isinstance(fact, PaymentSucceeded)
            _put(self.settled, fact.invoice_id, (at, paid), _SETTLED)
            if paid:
                self._charged(at)
            return True
        if isinstance(fact, PaymentMethodUpdated):
            return self._card(fact, at)
        if isinstance(fact, PaymentMethodRemoved):
            return self.cards.pop(fact.payment_method_id, None) is not None
        raise TypeError(f"not a billing event: {type(fact).__name__}")

    @property
    def known(self) -> bool:
        """Whether there has been any billing event that counts."""
        return bool(self.subscriptions or self.cards or self.invoices or self.settled)

    def live(self) -> Iterator[Subscription]:
        """Subscriptions that have not ended."""
        return (subscription for subscription in self.subscriptions.values() if subscription.live)

    @property
    def paused(self) -> bool:
        """Whether every subscription that is left is paused, and there is one."""
        live = list(self.live())
        return bool(live) and all(subscription.paused for subscription in live)

    @property
    def mrr(self) -> tuple[int, str] | None:
        """Monthly recurring revenue of the paid subscriptions: minor units, and their currency. Where there are several
        currencies, that of the first counts, as they cannot be added."""
        paid = [each for each in self.live() if each.paid and each.mrr_minor is not None and each.currency is not None]
        if not paid:
            return None
        currency = paid[0].currency or ""
        return sum(each.mrr_minor or 0 for each in paid if each.currency == currency), currency

    @property
    def card(self) -> Card | None:
        """The default payment method; where none is said to be, the one that changed last."""
        chosen: Card | None = None
        for card in self.cards.values():
            if chosen is None or (card.default, card.changed_at) >= (chosen.default, chosen.changed_at):
                chosen = card
        return chosen

    @property
    def next_charge(self) -> int | None:
        """The nearest charge of all subscriptions."""
        return min((each.next_charge for each in self.live() if each.next_charge is not None), default=None)

    def _subscription(self, fact: SubscriptionFact, at: int) -> bool:
        known = self.subscriptions.get(fact.subscription_id)
        if known is not None and at < known.changed_at:
            return False
        begins = isinstance(fact, SubscriptionStarted | SubscriptionRenewed | SubscriptionResumed)
        if known is None or (begins and not known.live):
            now = Subscription(fact.subscription_id, at)
        elif not known.live:
            return False
        else:
            now = replace(known, changed_at=at)
        if isinstance(fact, SubscriptionTerms):
            now = _with_terms(now, fact)
            if isinstance(fact, SubscriptionRenewed) and now.cancel_at is not None and at >= now.cancel_at:
                now = replace(now, cancel_at=None, cancelled_at=None, reason=None, comment=None)
        elif isinstance(fact, CancelScheduled):
            again = now.cancel_at is not None
            first = now.cancelled_at if again else at
            now = replace(now, cancel_at=fact.effective_at, cancelled_at=first, reason=fact.reason, comment=fact.comment)
        elif isinstance(fact, CancelReverted):
            now = replace(now, cancel_at=None, cancelled_at=None, reason=None, comment=None)
        elif isinstance(fact, SubscriptionPaused):
            now = replace(now, paused=True, resumes_at=fact.resumes_at)
        elif isinstance(fact, SubscriptionResumed):
            now = replace(now, paused=False, resumes_at=None)
        elif isinstance(fact, SubscriptionEnded):
            reason = fact.reason if fact.reason is not None else now.reason
            now = replace(now, live=False, paused=False, resumes_at=None, reason=reason, voluntary=self._voluntary(fact, now))
        if known is None and len(self.subscriptions) >= _SUBSCRIPTIONS:
            ended = next((each.subscription_id for each in self.subscriptions.values() if not each.live), None)
            if ended is not None:
                del self.subscriptions[ended]
        _put(self.subscriptions, fact.subscription_id, now, _SUBSCRIPTIONS)
        return True

    def _voluntary(self, fact: SubscriptionEnded, now: Subscription) -> bool:
        # Said by the event, or told by what came before: a cancellation is a decision, an unpaid invoice is none.
        if fact.voluntary is not None:
            return fact.voluntary
        return now.cancel_at is not None or not self.invoices

    def _failed(self, fact: PaymentFailed, at: int) -> bool:
        known = self.invoices.get(fact.invoice_id)
        if self.settled.get(fact.invoice_id, (-1,))[0] >= at or (known is not None and fact.attempt <= known.attempt):
            return False
        first = known.failed_at if known is not None else at
        self.settled.pop(fact.invoice_id, None)
        invoice = FailedInvoice(
            fact.invoice_id,
            first,
            at,
            fact.amount_minor,
            fact.currency,
            fact.attempt,
            fact.next_attempt_at,
            fact.failure_code,
            bool(fact.hard),
        )
        _put(self.invoices, fact.invoice_id, invoice, _INVOICES)
        return True

    def _card(self, fact: PaymentMethodUpdated, at: int) -> bool:
        known = self.cards.get(fact.payment_method_id)
        if known is not None and at < known.changed_at:
            return False
        default = fact.default if fact.default is not None else known is not None and known.default
        if default:
            for other in self.cards.values():
                if other.default and other.payment_method_id != fact.payment_method_id:
                    self.cards[other.payment_method_id] = replace(other, default=False)
        ends = _month_after(fact.exp_year, fact.exp_month)
        card = Card(fact.payment_method_id, at, fact.kind, ends, default)
        _put(self.cards, fact.payment_method_id, card, _CARDS)
        return True

    def _charged(self, at: int) -> None:
        # A charge that went through after the card's end: the bank has replaced it without telling.
        card = self.card
        if card is not None and card.ends_on is not None and at // 86_400_000 >= card.ends_on:
            self.cards[card.payment_method_id] = replace(card, ends_on=None)

    def encode(self) -> list[Any]:
        """Lists of JSON values."""
        return [
            [_shortened(_values(each)) for each in self.subscriptions.values()],
            [_values(each) for each in self.invoices.values()],
            [[invoice_id, *settled] for invoice_id, settled in self.settled.items()],
            [_values(each) for each in self.cards.values()],
        ]

    @classmethod
    def decode(cls, values: list[Any]) -> "Money":
        """The inverse of `encode`."""
        money = cls()
        subscriptions, invoices, settled, cards = values
        money.subscriptions = {each[0]: Subscription(*each) for each in subscriptions}
        money.invoices = {each[0]: FailedInvoice(*each) for each in invoices}
        money.settled = {invoice_id: (at, paid) for invoice_id, at, paid in settled}
        money.cards = {each[0]: Card(*each) for each in cards}
        return money


def _with_terms(known: Subscription, fact: SubscriptionTerms) -> Subscription:
    """The terms that the event names; what it leaves out is as before."""
    return replace(
        known,
        plan=fact.plan,
        mrr_minor=fact.mrr_minor,
        currency=fact.currency,
        seats=fact.seats if fact.seats is not None else known.seats,
        interval=fact.interval if fact.interval is not None else known.interval,
        period_end=fact.current_period_end if fact.current_period_end is not None else known.period_end,
        renewal_at=fact.renewal_at if fact.renewal_at is not None else known.renewal_at,
        trial=fact.trial if fact.trial is not None else known.trial,
    )


def _month_after(year: int | None, month: int | None) -> int | None:
    """Day number of the first day after a month.

    >>> _month_after(2025, 12)  # 2026-01-01
    20454
    """
    if year is None or month is None:
        return None
    return date(year + month // 12, month % 12 + 1, 1).toordinal() - _EPOCH_DAY


def _put(table: dict[str, T], key: str, value: T, limit: int) -> None:
    """Set; the oldest entry makes room for a new one when there are `limit`."""
    if key not in table and len(table) >= limit:
        del table[next(iter(table))]
    table[key] = value


def _values(each: Subscription | FailedInvoice | Card) -> list[Any]:
    return [getattr(each, name) for name in each.__slots__]


def _shortened(values: list[Any]) -> list[Any]:
    """Without the defaults at the end of a subscription's fields, which is most of them (the first three always stay)."""
    while len(values) > 3 and (values[-1] is None or values[-1] is False):
        values.pop()
    return values
