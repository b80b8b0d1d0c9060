"""Objects of Stripe's own mock, of before 2025-03-31 and from then on, in the envelope that webhooks get: each is read,
and says what a person reads in it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas.events import InputTopic
from schemas.formats.options import Format
from schemas.formats.outcome import Ignored
from schemas.formats.reader import read
from schemas.formats.stripe.event import ACCOUNTS, BILLING
from tests.corpus.foreign import stripe_object
from tests.corpus.foreign.stripe_objects import SHAPES
from tests.unit.formats.making import AT, DAY, ignored, told

pytestmark = pytest.mark.parametrize("shape", SHAPES)
TYPES = {**BILLING, **ACCOUNTS}
OTHERS = {"charge.failed": "charge", "price.updated": "price", "payment_intent.payment_failed": "payment_intent"}
NAMED = {"metadata": {"account_id": "acct-1"}}
USUAL = {"pause_collection": None, "cancel_at": None, "cancel_at_period_end": False, "trial_end": None, **NAMED}
"""What a subscription has that just runs: the mock makes up the rest."""


def event(shape: str, kind: str, of: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    """The mock's own event, of another type and with another object."""
    envelope = stripe_object(shape, "event")
    data = {"object": of} if before is None else {"object": of, "previous_attributes": before}
    return envelope | {"type": kind, "data": data, "created": AT}


def one(shape: str, kind: str, of: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    topic = InputTopic.ACCOUNTS if kind in ACCOUNTS else InputTopic.BILLING
    (found,) = told(topic, Format.STRIPE, event(shape, kind, of, before))
    return found


def subscription(shape: str, **fields: Any) -> dict[str, Any]:
    """A subscription that just runs until a month after `AT`."""
    found = stripe_object(shape, "subscription") | USUAL | fields
    (item,) = found["items"]["data"]
    item["price"]["transform_quantity"] = None
    owner = found if shape == "old" else item
    assert "current_period_end" in owner
    owner |= {"current_period_start": AT, "current_period_end": AT + 31 * DAY}
    return found


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_object_is_read_as_it_comes_from_the_mock(shape: str, kind: str) -> None:
    name = kind.split(".")[-2]
    topic = InputTopic.ACCOUNTS if kind in ACCOUNTS else InputTopic.BILLING
    for each in [name, "expanded_subscription"] if name == "subscription" else [name]:
        found = read(topic, Format.AUTO, orjson.dumps(event(shape, kind, stripe_object(shape, each))))
        assert isinstance(found, tuple | Ignored), found


@pytest.mark.parametrize("kind", sorted(OTHERS))
def test_other_objects_say_nothing(shape: str, kind: str) -> None:
    assert ignored(InputTopic.BILLING, Format.STRIPE, event(shape, kind, stripe_object(shape, OTHERS[kind]))) == (
        "other_type"
    )


def test_a_subscription_says_what_it_costs_and_when_it_is_paid_next(shape: str) -> None:
    found = one(shape, "customer.subscription.created", subscription(shape))
    product = stripe_object(shape, "subscription")["items"]["data"][0]["price"]["product"]
    assert found.pop("subscription_id").startswith("sub_")
    assert found == {
        "type": "subscription.started",
        "account_id": "acct-1",
        "event_id": "evt_1",
        "occurred_at": "2025-03-01T12:00:00Z",
        "plan": product,
        "mrr_minor": 2000,
        "currency": "USD",
        "seats": 1,
        "interval": "month",
        "current_period_end": "2025-04-01T12:00:00Z",
        "trial": False,
        "schema_version": 1,
    }


def test_a_cancellation_at_the_periods_end_is_set_for_that_end(shape: str) -> None:
    now = subscription(shape, cancel_at_period_end=True)
    now["cancellation_details"] |= {
        "feedback": "too_expensive",
        "comment": "Budget",
        "reason": "cancellation_requested",
    }
    changed = event(shape, "customer.subscription.updated", now, {"cancel_at_period_end": False})
    _, cancelled = told(InputTopic.BILLING, Format.STRIPE, changed)
    assert (cancelled["type"], cancelled["effective_at"]) == ("subscription.cancel_scheduled", "2025-04-01T12:00:00Z")
    assert (cancelled["reason"], cancelled["comment"]) == ("too_expensive", "Budget")
    ended = one(shape, "customer.subscription.deleted", now | {"status": "canceled"})
    assert (ended["type"], ended["voluntary"], ended["reason"]) == ("subscription.ended", True, "too_expensive")


def test_a_new_period_is_a_renewal_in_either_shape(shape: str) -> None:
    now = subscription(shape)
    start = {"current_period_start": AT - 31 * DAY}
    before = start if shape == "old" else {"items": {"data": [now["items"]["data"][0] | start]}}
    assert one(shape, "customer.subscription.updated", now, before)["type"] == "subscription.renewed"


def test_whose_it_is_is_said_by_the_customer_where_the_event_has_it_as_a_whole(shape: str) -> None:
    now = stripe_object(shape, "expanded_subscription") | USUAL | {"metadata": {}}
    customer = now["customer"]
    assert one(shape, "customer.subscription.resumed", now)["account_id"] == f"stripe:{customer['id']}"
    now["customer"] = customer | NAMED
    assert one(shape, "customer.subscription.resumed", now)["account_id"] == "acct-1"


def test_an_invoice_that_was_not_paid_says_how_often_it_was_tried(shape: str) -> None:
    invoice = stripe_object(shape, "invoice")
    invoice |= {"attempt_count": 2, "next_payment_attempt": AT + 3 * DAY, "customer": "cus_1"}
    where = {"metadata": {"account_id": "acct-1"}, "subscription": "sub_1"}
    invoice |= {"subscription_details": where} if shape == "old" else {"parent": {"subscription_details": where}}
    failed = one(shape, "invoice.payment_failed", invoice)
    assert (failed["account_id"], failed["invoice_id"], failed["amount_minor"]) == ("acct-1", "in_1", 1000)
    assert (failed["attempt"], failed["next_attempt_at"]) == (2, "2025-03-04T12:00:00Z")


def test_a_card_has_its_end(shape: str) -> None:
    card = stripe_object(shape, "payment_method") | {"customer": "cus_1"}
    found = one(shape, "payment_method.attached", card)
    end = (card["card"]["exp_month"], card["card"]["exp_year"])
    assert (found["account_id"], found["payment_method_id"]) == ("stripe:cus_1", "pm_1")
    assert (found["kind"], found["exp_month"], found["exp_year"]) == ("card", *end)


def test_a_customer_is_an_alias_of_its_account(shape: str) -> None:
    customer = stripe_object(shape, "customer") | NAMED
    found = one(shape, "customer.created", customer)
    assert (found["account_id"], found["aliases"]) == ("acct-1", [f"stripe:{customer['id']}"])
    assert (found["name"], found["contact"]) == ("Evergreen", "jenny@example.com")
