"""Stripe's subscriptions: terms, cancellations, pauses and ends, in the older shape and the one of 2025."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.events import InputTopic
from schemas.formats.options import Format, Lookup
from tests.unit.formats.making import AT, DAY, ignored, item, old_subscription, price, refused, stripe, subscription
from tests.unit.formats.making import told as told_of

CREATED, UPDATED = "customer.subscription.created", "customer.subscription.updated"
DELETED = "customer.subscription.deleted"
END = "2025-04-01T12:00:00Z"


def told(kind: str, of: dict[str, Any], before: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    return told_of(InputTopic.BILLING, Format.STRIPE, stripe(kind, of, before))


def types(*events: dict[str, Any]) -> list[str]:
    return [each["type"] for each in events]


def terms(of: dict[str, Any]) -> dict[str, Any]:
    (event,) = told(CREATED, of)
    return event


def test_a_new_subscription_has_its_terms() -> None:
    assert terms(subscription(item(quantity=3))) == {
        "type": "subscription.started",
        "account_id": "acct-1",
        "event_id": "evt_1",
        "occurred_at": "2025-03-01T12:00:00Z",
        "subscription_id": "sub_1",
        "plan": "Team",
        "mrr_minor": 3000,
        "currency": "USD",
        "seats": 3,
        "interval": "month",
        "current_period_end": END,
        "trial": False,
        "schema_version": 1,
    }


def test_the_older_shape_says_the_same() -> None:
    assert terms(old_subscription()) == terms(subscription(item(quantity=3)))
    oldest = old_subscription()
    del oldest["items"]
    assert terms(oldest) == terms(subscription(item(quantity=3)))


@pytest.mark.parametrize(
    ("interval", "count", "amount", "mrr", "native"),
    [
        ("year", 1, 12_000, 1_000, "year"),
        ("month", 3, 3_000, 1_000, "quarter"),
        ("month", 12, 12_000, 1_000, "year"),
        ("month", 6, 6_000, 1_000, None),
        ("week", 1, 300, 1_300, "week"),
        ("day", 1, 24, 730, "day"),
        ("year", 3, 10_000, 278, None),
    ],
)
def test_every_interval_comes_to_a_month(interval: str, count: int, amount: int, mrr: int, native: str | None) -> None:
    event = terms(subscription(item(price(amount, interval, count))))
    assert event["mrr_minor"] == mrr
    assert event.get("interval") == native


def test_a_contract_of_a_year_is_renewed_when_its_period_ends() -> None:
    assert terms(subscription(item(price(12_000, "year"))))["renewal_at"] == END
    assert "renewal_at" not in terms(subscription())


def test_several_items_are_added_up_and_the_seats_are_the_largest_quantity() -> None:
    addon = item(price(500, nickname=None, lookup_key="support"), current_period_end=AT + 10 * DAY)
    event = terms(subscription(item(quantity=10), addon))
    assert (event["mrr_minor"], event["seats"], event["plan"]) == (10_500, 10, "Team, support")
    assert event["current_period_end"] == "2025-03-11T12:00:00Z"  # the first of both is the next charge


def test_what_depends_on_use_is_not_in_the_mrr() -> None:
    metered = price(7, recurring={"interval": "month", "interval_count": 1, "usage_type": "metered"})
    tiered = price(None, billing_scheme="tiered")
    event = terms(subscription(item(metered, quantity=None), item(tiered, quantity=5)))
    assert (event["mrr_minor"], event["seats"]) == (0, 5)


def test_fractions_of_cents_and_packages_of_seats() -> None:
    assert terms(subscription(item(price(None, unit_amount_decimal="0.5"), quantity=101)))["mrr_minor"] == 50
    packed = price(1000, transform_quantity={"divide_by": 10, "round": "up"})
    assert terms(subscription(item(packed, quantity=11)))["mrr_minor"] == 2000


@pytest.mark.parametrize(
    ("discounts", "mrr"),
    [
        ({"discounts": [{"coupon": {"percent_off": 25.0, "duration": "forever"}}]}, 750),
        ({"discounts": [{"source": {"type": "coupon", "coupon": {"percent_off": 20, "duration": "repeating"}}}]}, 800),
        ({"discounts": [{"coupon": {"amount_off": 300, "currency": "usd", "duration": "forever"}}]}, 700),
        ({"discount": {"coupon": {"percent_off": 50, "duration": "forever"}}}, 500),
        ({"discounts": [{"coupon": {"percent_off": 50, "duration": "once"}}]}, 1000),
        ({"discounts": ["di_1"]}, 1000),
        ({"discounts": [{"coupon": {"amount_off": 5000, "duration": "forever"}}]}, 0),
    ],
)
def test_a_discount_comes_off_where_the_event_says_how_much_and_it_lasts(discounts: dict[str, Any], mrr: int) -> None:
    assert terms(subscription(**discounts))["mrr_minor"] == mrr


@pytest.mark.parametrize(
    ("currency", "amount", "minor"), [("jpy", 500, 500), ("isk", 50_000, 500), ("mga", 10, 1000), ("kwd", 5000, 5000)]
)
def test_currencies_have_the_decimals_of_their_standard(currency: str, amount: int, minor: int) -> None:
    event = terms(subscription(item(price(amount, currency=currency)), currency=currency))
    assert (event["mrr_minor"], event["currency"]) == (minor, currency.upper())


def test_a_subscription_that_was_never_paid_has_not_begun() -> None:
    for kind, of in ((CREATED, "incomplete"), (UPDATED, "incomplete_expired"), (DELETED, "incomplete_expired")):
        event = stripe(kind, subscription(status=of))
        assert ignored(InputTopic.BILLING, Format.STRIPE, event) == "not_begun"
    assert types(*told(UPDATED, subscription(), {"status": "incomplete"})) == ["subscription.started"]


def test_a_trial_is_one_until_it_is_paid() -> None:
    assert terms(subscription(status="trialing", trial_end=AT + 14 * DAY))["trial"] is True
    (event,) = told(UPDATED, subscription(), {"status": "trialing"})
    assert event["trial"] is False


@pytest.mark.parametrize("old", [True, False])
def test_a_new_period_is_a_renewal_and_another_change_is_none(old: bool) -> None:
    if old:
        now = old_subscription()
        before: dict[str, Any] = {"current_period_start": AT - 31 * DAY, "current_period_end": AT}
    else:
        was = item(current_period_start=AT - 31 * DAY, current_period_end=AT)
        now, before = subscription(), {"items": {"data": [was]}}
    assert types(*told(UPDATED, now, before)) == ["subscription.renewed"]
    assert types(*told(UPDATED, now, {"items": {"data": [item(quantity=9)]}})) == ["subscription.updated"]
    assert types(*told(UPDATED, now, {"metadata": {}})) == ["subscription.updated"]


@pytest.mark.parametrize("base", [subscription, old_subscription])
def test_a_cancellation_is_told_with_its_reason_when_it_is_made(base: Any) -> None:
    details = {"comment": "Our budget was cut", "feedback": "too_expensive", "reason": "cancellation_requested"}
    now = base(cancel_at_period_end=True, canceled_at=AT, cancellation_details=details)
    changed, cancelled = told(UPDATED, now, {"cancel_at_period_end": False, "canceled_at": None})
    assert changed["type"] == "subscription.updated"
    assert cancelled == {
        "type": "subscription.cancel_scheduled",
        "account_id": "acct-1",
        "event_id": "evt_1#2",
        "occurred_at": "2025-03-01T12:00:00Z",
        "subscription_id": "sub_1",
        "effective_at": END,
        "reason": "too_expensive",
        "comment": "Our budget was cut",
        "schema_version": 1,
    }
    assert types(*told(UPDATED, now, {"latest_invoice": "in_0"})) == ["subscription.updated"]
    assert types(*told(UPDATED, now, {"cancellation_details": {"feedback": None}}))[1:] == types(cancelled)


def test_a_cancellation_for_a_day_and_one_that_is_taken_back() -> None:
    cancelled = told(UPDATED, subscription(cancel_at=AT + 10 * DAY), {"cancel_at": None})[1]
    assert cancelled["effective_at"] == "2025-03-11T12:00:00Z"
    back = told(UPDATED, subscription(), {"cancel_at": AT + 10 * DAY})
    assert types(*back) == ["subscription.updated", "subscription.cancel_reverted"]
    assert types(*told(UPDATED, subscription(), {"cancel_at_period_end": True}))[1:] == ["subscription.cancel_reverted"]
    assert types(*told(CREATED, subscription(cancel_at=AT + 10 * DAY)))[1:] == ["subscription.cancel_scheduled"]


def test_collection_that_is_paused_is_a_pause() -> None:
    pause = {"behavior": "void", "resumes_at": AT + 20 * DAY}
    paused = told(UPDATED, subscription(pause_collection=pause), {"pause_collection": None})[1]
    assert (paused["type"], paused["resumes_at"]) == ("subscription.paused", "2025-03-21T12:00:00Z")
    assert types(*told(UPDATED, subscription(), {"pause_collection": pause}))[1:] == ["subscription.resumed"]
    assert types(*told(UPDATED, subscription(pause_collection=pause), {"metadata": {}})) == ["subscription.updated"]
    assert types(*told("customer.subscription.paused", subscription(status="paused"))) == ["subscription.paused"]
    assert types(*told("customer.subscription.resumed", subscription())) == ["subscription.resumed"]


@pytest.mark.parametrize(
    ("why", "voluntary"), [("cancellation_requested", True), ("payment_failed", False), (None, None)]
)
def test_an_end_says_who_decided_it_and_why(why: str | None, voluntary: bool | None) -> None:
    details = {"comment": "Bye", "feedback": "unused", "reason": why}
    (ended,) = told(DELETED, subscription(status="canceled", cancellation_details=details))
    assert ended["type"] == "subscription.ended"
    assert (ended.get("voluntary"), ended["reason"], ended["comment"]) == (voluntary, "unused", "Bye")


def test_the_account_is_that_of_the_metadata_and_else_the_customers_alias() -> None:
    assert terms(subscription(metadata={}))["account_id"] == "stripe:cus_1"
    whole = {"id": "cus_1", "object": "customer", "metadata": {"account_id": "acct-2"}}
    assert terms(subscription(metadata={}, customer=whole))["account_id"] == "acct-2"
    of = stripe(CREATED, subscription(metadata={"tenant": "t-1"}))
    (event,) = told_of(InputTopic.BILLING, Format.STRIPE, of, Lookup(stripe="tenant"))
    assert event["account_id"] == "t-1"
    nobodys = stripe(CREATED, subscription(metadata={}, customer=None))
    assert refused(InputTopic.BILLING, Format.STRIPE, nobodys) == ("missing_field", "data.object.customer")


@pytest.mark.parametrize(
    ("of", "field"),
    [
        (subscription(item(price(interval="decade"))), "data.object.items.data[0].price.recurring.interval"),
        (subscription(item(quantity=1.5)), "data.object.items.data[0].quantity"),  # type: ignore[arg-type]
        (subscription(item(price(None, unit_amount_decimal="1e999"))), "data.object.items.data[0].price"),
        (subscription(items=3), "data.object.items"),
        (subscription(cancel_at="soon"), "data.object.cancel_at"),
        (subscription(currency="dollars"), "data.object.currency"),
        (subscription(id=None), None),
    ],
)
def test_a_fault_is_named_by_its_place(of: dict[str, Any], field: str | None) -> None:
    event = stripe(CREATED, of)
    if field is None:  # a subscription without an id is the default one
        assert told_of(InputTopic.BILLING, Format.STRIPE, event)[0]["subscription_id"] == "default"
    else:
        found = refused(InputTopic.BILLING, Format.STRIPE, event)[1]
        assert found is not None
        assert found.startswith(field)
