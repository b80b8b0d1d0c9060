"""`payment_method.*`: https://docs.stripe.com/api/payment_methods/object."""

from schemas.formats.fields import Fields
from schemas.formats.outcome import Ignored, Outcome
from schemas.formats.stripe.happening import Happening


def updated(happening: Happening) -> Outcome:
    """A customer has a payment method, or it was changed, by the customer or by the bank. Which one is charged is not
    said here: the one that changed last is taken for it."""
    method = happening.object
    if happening.customer is None:
        return Ignored.NO_ACCOUNT  # nobody's yet
    kind = method.text("type")
    card = method.object("card") if kind == "card" else Fields({})  # nothing else ends
    happening.tell(
        "payment_method.updated",
        payment_method_id=(method.text("id"), "id"),
        kind=(kind, "type"),
        exp_month=(card.whole("exp_month"), "card.exp_month"),
        exp_year=(card.whole("exp_year"), "card.exp_year"),
    )
    return tuple(happening.events)


def detached(happening: Happening) -> Outcome:
    """It is the customer's no longer: only what was before says whose it was."""
    if happening.customer is None:
        return Ignored.NO_ACCOUNT
    happening.tell("payment_method.removed", payment_method_id=(happening.object.text("id"), "id"))
    return tuple(happening.events)
