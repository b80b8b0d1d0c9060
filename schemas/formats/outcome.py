"""What becomes of a foreign record, besides events and dead letters."""

from enum import StrEnum

from schemas.errors import Rejected
from schemas.events import InputEvent


class Ignored(StrEnum):
    """Why a sound record says nothing here. The value is the metric label."""

    OTHER_TYPE = "other_type"
    """An event of a type that says nothing on this topic."""
    INACTIVE = "inactive"
    """Segment: `context.active` is false, so nobody did anything."""
    ANONYMOUS = "anonymous"
    """Segment: neither an account nor a user is named: a visitor of the web site."""
    NOT_BEGUN = "not_begun"
    """Stripe: a subscription whose first payment has not come, or never came."""
    NOTHING_DUE = "nothing_due"
    """Stripe: an invoice of nothing, as for a trial; no payment was tried."""
    NO_ACCOUNT = "no_account"
    """Stripe: a customer whose metadata names no account, or a payment method that is no customer's."""


Outcome = tuple[InputEvent, ...] | Rejected | Ignored
"""The native events that a record holds, one at least; or why it holds none."""
