"""`invoice.*`: https://docs.stripe.com/api/invoices/object."""

from typing import Final

from schemas.formats.fields import Fields
from schemas.formats.outcome import Ignored, Outcome
from schemas.formats.stripe.happening import Happening
from schemas.formats.stripe.money import iso_minor

HARD: Final = frozenset(
    {
        "authentication_required",
        "highest_risk_level",
        "incorrect_number",
        "lost_card",
        "pickup_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
        "transaction_not_allowed",
    }
)
"""After these Stripe itself does not try the card again: https://docs.stripe.com/billing/revenue-recovery/smart-retries."""


def failed(happening: Happening) -> Outcome:
    """An attempt to charge failed. The bank's code is there when the event has the payment, or its charge, as a whole;
    Stripe's webhooks have its id alone."""
    invoice = happening.object
    code = _failure_code(invoice)
    amount = "amount_remaining" if "amount_remaining" in invoice else "amount_due"
    happening.tell(
        "payment.failed",
        invoice_id=(invoice.text("id"), "id"),
        amount_minor=(_amount(invoice, amount), amount),
        currency=(invoice.text("currency"), "currency"),
        attempt=(max(invoice.whole("attempt_count") or 1, 1), "attempt_count"),
        next_attempt_at=(invoice.seconds("next_payment_attempt"), "next_payment_attempt"),
        failure_code=(code, "charge"),
        hard=(None if code is None else code in HARD, "charge"),
    )
    return tuple(happening.events)


def paid(happening: Happening) -> Outcome:
    """An invoice was paid. Stripe says so by two events, `invoice.paid` and `invoice.payment_succeeded`: the event's id
    is made of the invoice's, so that the second is a duplicate."""
    invoice = happening.object
    if invoice.whole("amount_due") == 0 and not invoice.whole("attempt_count"):
        return Ignored.NOTHING_DUE
    invoice_id = invoice.text("id")
    happening.tell(
        "payment.succeeded",
        None if invoice_id is None else f"paid:{invoice_id}",
        invoice_id=(invoice_id, "id"),
        amount_minor=(_amount(invoice, "amount_paid"), "amount_paid"),
        currency=(invoice.text("currency"), "currency"),
    )
    return tuple(happening.events)


def settled(happening: Happening) -> Outcome:
    """An invoice is void, or was given up: nobody is asked for it any more."""
    happening.tell("invoice.voided", invoice_id=(happening.object.text("id"), "id"))
    return tuple(happening.events)


def _amount(invoice: Fields, name: str) -> int | None:
    amount = invoice.whole(name)
    return None if amount is None else iso_minor(amount, invoice.text("currency"))


def _failure_code(invoice: Fields) -> str | None:
    error = invoice.expanded("payment_intent").object("last_payment_error")
    return error.text("decline_code") or error.text("code") or invoice.expanded("charge").text("failure_code")
