"""Stripe's invoices, payment methods and customers, and its envelope."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.events import InputTopic
from schemas.formats.options import Format
from tests.unit.formats.making import AT, DAY, card, customer, ignored, invoice, refused, stripe, told

BILLING, ACCOUNTS, FORM = InputTopic.BILLING, InputTopic.ACCOUNTS, Format.STRIPE


def one(kind: str, of: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    (event,) = told(BILLING, FORM, stripe(kind, of, before))
    return event


def test_a_failed_payment_says_which_attempt_it_was_and_when_the_next_comes() -> None:
    assert one("invoice.payment_failed", invoice()) == {
        "type": "payment.failed",
        "account_id": "acct-1",
        "event_id": "evt_1",
        "occurred_at": "2025-03-01T12:00:00Z",
        "invoice_id": "in_1",
        "amount_minor": 3000,
        "currency": "USD",
        "attempt": 2,
        "next_attempt_at": "2025-03-04T12:00:00Z",
        "schema_version": 1,
    }


def test_the_last_attempt_and_the_banks_code_where_it_is_there() -> None:
    intent = {"id": "pi_1", "last_payment_error": {"code": "card_declined", "decline_code": "stolen_card"}}
    event = one("invoice.payment_failed", invoice(next_payment_attempt=None, payment_intent=intent))
    assert "next_attempt_at" not in event
    assert (event["failure_code"], event["hard"]) == ("stolen_card", True)
    soft = one("invoice.payment_failed", invoice(charge={"id": "ch_1", "failure_code": "insufficient_funds"}))
    assert (soft["failure_code"], soft["hard"]) == ("insufficient_funds", False)


def test_the_older_invoice_has_the_subscriptions_metadata_elsewhere() -> None:
    old = invoice(parent=None, subscription="sub_1", subscription_details={"metadata": {"account_id": "acct-9"}})
    assert one("invoice.payment_failed", old)["account_id"] == "acct-9"
    assert one("invoice.payment_failed", invoice(parent=None))["account_id"] == "stripe:cus_1"


def test_one_payment_is_told_by_two_events_with_one_id() -> None:
    of = invoice(amount_paid=3000, amount_remaining=0, status="paid")
    paid, succeeded = one("invoice.paid", of), one("invoice.payment_succeeded", of)
    assert paid == succeeded
    assert (paid["type"], paid["event_id"], paid["amount_minor"]) == ("payment.succeeded", "paid:in_1", 3000)
    nothing = invoice(amount_due=0, amount_remaining=0, attempt_count=0, status="paid")
    assert ignored(BILLING, FORM, stripe("invoice.paid", nothing)) == "nothing_due"


@pytest.mark.parametrize("kind", ["invoice.voided", "invoice.marked_uncollectible"])
def test_what_nobody_is_asked_for_any_more_is_settled(kind: str) -> None:
    event = one(kind, invoice())
    assert (event["type"], event["invoice_id"]) == ("invoice.voided", "in_1")


@pytest.mark.parametrize("kind", ["attached", "updated", "automatically_updated"])
def test_a_card_has_its_end_and_another_method_has_none(kind: str) -> None:
    event = one(f"payment_method.{kind}", card())
    assert (event["payment_method_id"], event["kind"]) == ("pm_1", "card")
    assert (event["exp_month"], event["exp_year"], event["account_id"]) == (8, 2026, "stripe:cus_1")
    debit = one(f"payment_method.{kind}", card(type="sepa_debit", card=None, sepa_debit={"last4": "3000"}))
    assert debit["kind"] == "sepa_debit"
    assert "exp_month" not in debit


def test_a_method_that_is_detached_was_its_last_customers() -> None:
    event = one("payment_method.detached", card(customer=None), {"customer": "cus_1"})
    assert (event["type"], event["account_id"]) == ("payment_method.removed", "stripe:cus_1")
    assert ignored(BILLING, FORM, stripe("payment_method.updated", card(customer=None))) == "no_account"


def test_a_customer_is_an_alias_of_the_account_that_its_metadata_names() -> None:
    (update,) = told(ACCOUNTS, FORM, stripe("customer.updated", customer(), {"name": "Ever"}))
    assert update == {
        "account_id": "acct-1",
        "updated_at": "2025-03-01T12:00:00Z",
        "aliases": ["stripe:cus_1"],
        "name": "Evergreen",
        "contact": "jenny@example.com",
    }
    assert ignored(ACCOUNTS, FORM, stripe("customer.created", customer(metadata={}))) == "no_account"


def test_a_type_that_says_nothing_on_a_topic_is_no_fault() -> None:
    for kind in (
        "charge.failed",
        "customer.created",
        "customer.subscription.trial_will_end",
        "checkout.session.expired",
    ):
        assert ignored(BILLING, FORM, stripe(kind, {"id": "x"})) == "other_type"
    assert ignored(ACCOUNTS, FORM, stripe("invoice.paid", invoice())) == "other_type"


@pytest.mark.parametrize(
    ("event", "found"),
    [
        (invoice(), ("invalid_field", "object")),
        (stripe("invoice.paid", invoice(), type=None), ("missing_field", "type")),
        (stripe("invoice.paid", invoice(), created=None), ("missing_field", "created")),
        (stripe("invoice.paid", invoice(), created=AT * 1000), ("time_out_of_range", "created")),
        (stripe("invoice.paid", invoice(), id=7), ("invalid_field", "id")),
        (stripe("invoice.paid", invoice(), data={}), ("missing_field", "data.object")),
        (stripe("invoice.paid", invoice(), data=[]), ("invalid_field", "data")),
        (stripe("invoice.voided", invoice(id=None)), ("missing_field", "data.object.id")),
        (
            stripe("invoice.payment_failed", invoice(amount_remaining="3")),
            ("invalid_field", "data.object.amount_remaining"),
        ),
        (
            stripe("payment_method.attached", card(card={"exp_month": 13, "exp_year": 2026})),
            ("invalid_field", "data.object.card.exp_month"),
        ),
    ],
)
def test_a_fault_is_named_by_its_place(event: dict[str, Any], found: tuple[str, str]) -> None:
    assert refused(BILLING, FORM, event) == found


def test_days_are_counted_from_seconds() -> None:
    late = stripe("invoice.payment_failed", invoice(next_payment_attempt=AT + 5 * DAY + 1))
    assert told(BILLING, FORM, late)[0]["next_attempt_at"] == "2025-03-06T12:00:01Z"
