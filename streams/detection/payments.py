"""An account's payments: invoices that could not be charged, and the cards they are charged to."""

from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Final

from schemas.billing import (
    BillingFact,
    InvoiceVoided,
    PaymentFailed,
    PaymentMethodRemoved,
    PaymentMethodUpdated,
    PaymentSucceeded,
)
from streams.detection.bounded import put
from streams.detection.config import DAY_MS

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_INVOICES: Final = 32
_SETTLED: Final = 16
_CARDS: Final = 16


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
    """A payment method. `ends_on` is the first day on which it is no longer good; None: it does not end."""

    payment_method_id: str
    changed_at: int
    kind: str
    ends_on: int | None
    default: bool


class Payments:
    """Invoices and payment methods by id, in order of appearance, each kind bounded."""

    __slots__ = ("cards", "invoices", "settled")

    def __init__(self) -> None:
        self.invoices: dict[str, FailedInvoice] = {}
        """Those whose last attempt failed."""
        self.settled: dict[str, tuple[int, bool]] = {}
        """Invoices no longer owed, the last one last, with when and whether by payment: a failure that arrives after
        its payment is an old story."""
        self.cards: dict[str, Card] = {}

    def __bool__(self) -> bool:
        return bool(self.invoices or self.settled or self.cards)

    @property
    def card(self) -> Card | None:
        """The default payment method; where none is said to be, the one that changed last."""
        return max(self.cards.values(), key=lambda card: (card.default, card.changed_at), default=None)

    def apply(self, fact: BillingFact) -> bool:
        """Fold one event in. Returns False, and does nothing, for one that is older than what is known; an invoice that
        is paid or void is so whenever that is told."""
        match fact:
            case PaymentFailed():
                return self._failed(fact)
            case PaymentSucceeded() | InvoiceVoided():
                self._settle(fact)
                return True
            case PaymentMethodUpdated():
                return self._update(fact)
            case PaymentMethodRemoved():
                return self._remove(fact)
        raise TypeError(f"{type(fact).__name__} is no event of a payment")

    def _failed(self, fact: PaymentFailed) -> bool:
        known = self.invoices.get(fact.invoice_id)
        settled = self.settled.get(fact.invoice_id)
        if (settled is not None and settled[0] >= fact.occurred_at) or (known and fact.attempt <= known.attempt):
            return False
        self.settled.pop(fact.invoice_id, None)
        invoice = FailedInvoice(
            fact.invoice_id,
            known.failed_at if known is not None else fact.occurred_at,
            fact.occurred_at,
            fact.amount_minor,
            fact.currency,
            fact.attempt,
            fact.next_attempt_at,
            fact.failure_code,
            bool(fact.hard),
        )
        put(self.invoices, fact.invoice_id, invoice, _INVOICES)
        return True

    def _settle(self, fact: PaymentSucceeded | InvoiceVoided) -> None:
        at = fact.occurred_at
        paid = isinstance(fact, PaymentSucceeded)
        self.invoices.pop(fact.invoice_id, None)
        self.settled.pop(fact.invoice_id, None)
        put(self.settled, fact.invoice_id, (at, paid), _SETTLED)
        card = self.card
        if paid and card is not None and card.ends_on is not None and at // DAY_MS > card.ends_on:
            # A charge that went through after the card's end: the bank has replaced it without telling.
            self.cards[card.payment_method_id] = replace(card, ends_on=None)

    def _update(self, fact: PaymentMethodUpdated) -> bool:
        known = self.cards.get(fact.payment_method_id)
        if known is not None and fact.occurred_at < known.changed_at:
            return False
        default = fact.default if fact.default is not None else known is not None and known.default
        if default:
            for other in self.cards.values():
                self.cards[other.payment_method_id] = replace(other, default=False)
        ends_on = _month_after(fact.exp_year, fact.exp_month)
        card = Card(fact.payment_method_id, fact.occurred_at, fact.kind, ends_on, default)
        put(self.cards, fact.payment_method_id, card, _CARDS)
        return True

    def _remove(self, fact: PaymentMethodRemoved) -> bool:
        known = self.cards.get(fact.payment_method_id)
        if known is None or fact.occurred_at < known.changed_at:
            return False
        del self.cards[fact.payment_method_id]
        return True

    def encode(self) -> list[Any]:
        """Lists of JSON values."""
        return [
            [_values(each) for each in self.invoices.values()],
            [[invoice_id, at, paid] for invoice_id, (at, paid) in self.settled.items()],
            [_values(each) for each in self.cards.values()],
        ]

    @classmethod
    def decode(cls, values: list[Any]) -> "Payments":
        """The inverse of `encode`."""
        payments = cls()
        invoices, settled, cards = values
        payments.invoices = {each[0]: FailedInvoice(*each) for each in invoices}
        payments.settled = {invoice_id: (at, paid) for invoice_id, at, paid in settled}
        payments.cards = {each[0]: Card(*each) for each in cards}
        return payments


def _month_after(year: int | None, month: int | None) -> int | None:
    """Day number of the first day after a month.

    >>> _month_after(2025, 12)  # 2026-01-01
    20454
    """
    if year is None or month is None:
        return None
    return date(year + month // 12, month % 12 + 1, 1).toordinal() - _EPOCH_DAY


def _values(each: FailedInvoice | Card) -> list[Any]:
    return [getattr(each, field.name) for field in fields(each)]
