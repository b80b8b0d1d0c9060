"""Billing events: one class a type, told apart by `type`."""

from typing import Annotated, Literal, Self, get_args

from pydantic import ConfigDict, Field, TypeAdapter, model_validator

from schemas.base import AccountId, Comment, Currency, Model, Money, Name, SchemaVersion, Seats, rejection
from schemas.instants import Instant

Interval = Literal["day", "week", "month", "quarter", "year"]


class BillingFact(Model):
    """What every billing event says."""

    account_id: AccountId
    occurred_at: Instant
    event_id: Name | None = None
    """Unique within the account; recommended, as it makes a repeated event harmless."""
    schema_version: SchemaVersion = 1


class SubscriptionFact(BillingFact):
    """What every `subscription.*` event says."""

    subscription_id: Name = "default"


class SubscriptionTerms(SubscriptionFact):
    """The whole terms from now on; an optional field that is absent is not known to have changed."""

    plan: Name
    mrr_minor: Money
    """Monthly recurring revenue in minor units of `currency`."""
    currency: Currency
    seats: Seats | None = None
    interval: Interval | None = None
    current_period_end: Instant | None = None
    """When the period that is paid for ends, and the next charge is due."""
    renewal_at: Instant | None = None
    """When the contract ends unless renewed."""
    trial: bool | None = None


class SubscriptionStarted(SubscriptionTerms):
    """A subscription began (a trial, when `trial` is true)."""

    type: Literal["subscription.started"] = "subscription.started"


class SubscriptionUpdated(SubscriptionTerms):
    """Plan, seats, price or period changed."""

    type: Literal["subscription.updated"] = "subscription.updated"


class SubscriptionRenewed(SubscriptionTerms):
    """A new period or contract began."""

    type: Literal["subscription.renewed"] = "subscription.renewed"


class CancelScheduled(SubscriptionFact):
    """Someone cancelled; the subscription runs on until `effective_at`."""

    type: Literal["subscription.cancel_scheduled"] = "subscription.cancel_scheduled"
    effective_at: Instant
    reason: Name | None = None
    comment: Comment | None = None


class CancelReverted(SubscriptionFact):
    """A scheduled cancellation was taken back."""

    type: Literal["subscription.cancel_reverted"] = "subscription.cancel_reverted"


class SubscriptionEnded(SubscriptionFact):
    """The subscription is over. `voluntary` false: it ended for want of payment, say."""

    type: Literal["subscription.ended"] = "subscription.ended"
    reason: Name | None = None
    comment: Comment | None = None
    voluntary: bool | None = None


class SubscriptionPaused(SubscriptionFact):
    """Paused, until `resumes_at` when that is known."""

    type: Literal["subscription.paused"] = "subscription.paused"
    resumes_at: Instant | None = None


class SubscriptionResumed(SubscriptionFact):
    """A pause is over."""

    type: Literal["subscription.resumed"] = "subscription.resumed"


class PaymentFailed(BillingFact):
    """An attempt to charge failed. `next_attempt_at` absent: this was the last one."""

    type: Literal["payment.failed"] = "payment.failed"
    invoice_id: Name
    amount_minor: Money
    currency: Currency
    attempt: Annotated[int, Field(ge=1, le=1_000)]
    """1 for the first attempt."""
    next_attempt_at: Instant | None = None
    failure_code: Name | None = None
    hard: bool | None = None
    """A hard decline: trying again with the same card is useless."""


class PaymentSucceeded(BillingFact):
    """An invoice was paid."""

    type: Literal["payment.succeeded"] = "payment.succeeded"
    invoice_id: Name
    amount_minor: Money
    currency: Currency


class InvoiceVoided(BillingFact):
    """An invoice need not be paid any more."""

    type: Literal["invoice.voided"] = "invoice.voided"
    invoice_id: Name


class PaymentMethodUpdated(BillingFact):
    """A payment method is new or changed. `default`: it is the one that is charged."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {
                    "required": ["exp_month", "exp_year"],
                    "properties": {"exp_month": {"type": "integer"}, "exp_year": {"type": "integer"}},
                },
                {"properties": {"exp_month": {"type": "null"}, "exp_year": {"type": "null"}}},
            ]
        }
    )

    type: Literal["payment_method.updated"] = "payment_method.updated"
    payment_method_id: Name
    kind: Name
    """`card`, `sepa_debit` and the like; only a card ends."""
    exp_month: Annotated[int, Field(ge=1, le=12)] | None = None
    exp_year: Annotated[int, Field(ge=1990, le=2099)] | None = None
    """Four digits. The card is good to the end of its month."""
    default: bool | None = None

    @model_validator(mode="after")
    def _month_and_year_together(self) -> Self:
        if (self.exp_month is None) != (self.exp_year is None):
            field = "exp_month" if self.exp_month is None else "exp_year"
            raise rejection("missing_field", field, "exp_month and exp_year go together")
        return self


class PaymentMethodRemoved(BillingFact):
    """A payment method is gone."""

    type: Literal["payment_method.removed"] = "payment_method.removed"
    payment_method_id: Name


BillingEvent = Annotated[
    SubscriptionStarted
    | SubscriptionUpdated
    | SubscriptionRenewed
    | CancelScheduled
    | CancelReverted
    | SubscriptionEnded
    | SubscriptionPaused
    | SubscriptionResumed
    | PaymentFailed
    | PaymentSucceeded
    | InvoiceVoided
    | PaymentMethodUpdated
    | PaymentMethodRemoved,
    Field(discriminator="type"),
]
"""One value of the billing topic. For `isinstance` use the classes, or `BillingFact` for all of them."""

BILLING_CLASSES: tuple[type[BillingFact], ...] = get_args(get_args(BillingEvent)[0])
BILLING_EVENT: TypeAdapter[BillingEvent] = TypeAdapter(BillingEvent)
