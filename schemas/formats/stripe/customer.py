"""`customer.created` and `customer.updated`, on the accounts topic: which account a customer is."""

from schemas.events import InputTopic
from schemas.formats.draft import Draft
from schemas.formats.outcome import Ignored, Outcome
from schemas.formats.stripe.account import account_in, alias_of
from schemas.formats.stripe.happening import Happening


def described(happening: Happening) -> Outcome:
    """An account update that names the customer as an alias. A customer without an account in its metadata says
    nothing."""
    customer = happening.object
    metadata = customer.object("metadata")
    account = account_in(metadata, happening.key)
    if account is None:
        return Ignored.NO_ACCOUNT
    customer_id = customer.text("id")
    draft = Draft(InputTopic.ACCOUNTS)
    draft.put("account_id", account, metadata.place(happening.key))
    draft.put("updated_at", happening.at, "created")
    draft.put("aliases", None if customer_id is None else (alias_of(customer_id),), customer.place("id"))
    draft.put("name", customer.text("name"), customer.place("name"))
    draft.put("contact", customer.text("email"), customer.place("email"))
    return (draft.event(),)
