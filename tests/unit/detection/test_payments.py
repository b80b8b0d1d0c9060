"""What payment events add up to."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.alerts import Kind, Resolution
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.payments import Payments
from tests.unit.detection.building import Run, at, billing, bills


def told(*events: tuple[str, int, dict[str, Any]]) -> tuple[Payments, list[bool]]:
    payments = Payments()
    return payments, [payments.apply(billing(name, at(day), **fields)) for name, day, fields in events]


def test_an_attempt_that_was_seen_already_or_is_older_changes_nothing() -> None:
    payments, taken = told(
        ("payment.failed", 3, {"attempt": 2}),
        ("payment.failed", 3, {"attempt": 2}),
        ("payment.failed", 0, {"attempt": 1}),
    )
    assert taken == [True, False, False]
    assert payments.invoices["in-1"].attempt == 2


def test_a_card_that_changed_since_is_not_removed() -> None:
    removed = ("payment_method.removed", 2, {"payment_method_id": "a"})
    payments, taken = told(("payment_method.updated", 5, {"payment_method_id": "a"}), removed)
    assert (taken, payments.card is not None) == ([True, False], True)


def test_a_failure_older_than_the_payment_is_an_old_story_and_a_younger_one_is_new() -> None:
    assert told(("payment.succeeded", 5, {}), ("payment.failed", 4, {}))[1] == [True, False]
    assert told(("payment.succeeded", 5, {}), ("payment.failed", 6, {}))[1] == [True, True]


@pytest.mark.parametrize(
    ("fields", "final"),
    [
        ({"next_attempt_at": at(9)}, False),
        ({"next_attempt_at": at(9), "hard": True}, True),
        ({}, True),
    ],
)
def test_it_is_final_when_nothing_more_will_be_tried(fields: dict[str, Any], final: bool) -> None:
    payments, _ = told(("payment.failed", 0, fields))
    assert payments.invoices["in-1"].final is final


def test_the_card_that_counts_is_the_default_one_else_the_last() -> None:
    def card(name: str, **fields: Any) -> dict[str, Any]:
        return {"payment_method_id": name, "exp_month": 5, "exp_year": 2026} | fields

    payments, _ = told(("payment_method.updated", 0, card("a")), ("payment_method.updated", 1, card("b")))
    assert payments.card is not None
    assert payments.card.payment_method_id == "b"
    payments, _ = told(
        ("payment_method.updated", 0, card("a", default=True)),
        ("payment_method.updated", 1, card("b")),
        ("payment_method.updated", 2, card("c", default=True)),
        ("payment_method.updated", 3, card("a")),
    )
    assert payments.card is not None
    assert payments.card.payment_method_id == "c"
    assert [each.default for each in payments.cards.values()] == [False, False, True]
    assert payments.apply(billing("payment_method.removed", at(4), payment_method_id="c"))
    assert not payments.apply(billing("payment_method.removed", at(4), payment_method_id="c"))
    assert payments.card.payment_method_id == "a"


def test_a_charge_after_the_cards_end_says_that_the_bank_has_replaced_it() -> None:
    card = ("payment_method.updated", 0, {"exp_month": 1, "exp_year": 2025})
    assert told(card, ("payment.succeeded", 20, {}))[0].cards["card-1"].ends_on is not None
    assert told(card, ("payment.succeeded", 40, {}))[0].cards["card-1"].ends_on is None
    assert told(card, ("invoice.voided", 40, {}))[0].cards["card-1"].ends_on is not None


def test_a_card_that_a_payment_method_without_an_end_takes_the_place_of_is_replaced() -> None:
    run = Run(Engine(DetectionConfig()))
    run.apply(bills("subscription.started", at(0), interval="month", current_period_end=at(30)))
    run.apply(bills("payment_method.updated", at(0), exp_month=1, exp_year=2025, default=True))
    (resolved,) = run.apply(
        bills("payment_method.updated", at(20), payment_method_id="debit-1", kind="sepa_debit", default=True)
    )
    assert (resolved.kind, resolved.resolution) == (Kind.CARD_EXPIRING, Resolution.REPLACED)


def test_what_is_kept_is_bounded() -> None:
    payments = Payments()
    for number in range(100):
        payments.apply(billing("payment.failed", at(number), invoice_id=f"in-{number}"))
        payments.apply(billing("payment.succeeded", at(number), invoice_id=f"paid-{number}"))
        payments.apply(billing("payment_method.updated", at(number), payment_method_id=f"card-{number}"))
    assert (len(payments.invoices), len(payments.settled), len(payments.cards)) == (32, 16, 16)
    assert list(payments.invoices)[-1] == "in-99"


def test_stored_and_read_back_they_are_the_same() -> None:
    payments, _ = told(
        ("payment.failed", 0, {"failure_code": "expired_card", "next_attempt_at": at(3)}),
        ("payment.failed", 0, {"invoice_id": "in-2", "hard": True}),
        ("invoice.voided", 1, {"invoice_id": "in-3"}),
        ("payment_method.updated", 1, {"exp_month": 12, "exp_year": 2025, "default": True}),
        ("payment_method.updated", 1, {"payment_method_id": "iban", "kind": "sepa_debit"}),
    )
    read = Payments.decode(payments.encode())
    assert read.encode() == payments.encode()
    assert (read.invoices, read.settled, read.cards) == (payments.invoices, payments.settled, payments.cards)
