"""Segment messages and Stripe events in the shapes that their makers document."""

from __future__ import annotations

from typing import Any

import orjson

from schemas.codec import encode
from schemas.events import InputTopic
from schemas.formats.options import Format, Lookup
from schemas.formats.outcome import Ignored
from schemas.formats.reader import read

AT = 1_740_830_400
"""2025-03-01T12:00:00Z in seconds."""
DAY = 86_400


def segment(kind: str = "track", **fields: Any) -> dict[str, Any]:
    """A message as Segment hands it on; null takes a field away."""
    message = {
        "anonymousId": "507f191e810c19729de860ea",
        "channel": "browser",
        "context": {
            "active": True,
            "groupId": "acct-1",
            "ip": "8.8.8.8",
            "library": {"name": "analytics.js", "version": "2.11.1"},
            "page": {"path": "/academy/", "title": "Analytics Academy"},
        },
        "integrations": {"All": True, "Mixpanel": False},
        "messageId": "022bb90c-bbac-11e4-8dfc-aa07a5b093db",
        "originalTimestamp": "2025-03-01T11:59:00.000Z",
        "receivedAt": "2025-03-01T12:00:01.000Z",
        "sentAt": "2025-03-01T11:59:01.000Z",
        "timestamp": "2025-03-01T12:00:00.000Z",
        "type": kind,
        "userId": "u-7",
        "version": 2,
    }
    return without_null(message | fields)


def price(amount: int | None = 1000, interval: str = "month", count: int = 1, **fields: Any) -> dict[str, Any]:
    """A price as it is since 2020."""
    return {
        "id": "price_1",
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "currency": "usd",
        "lookup_key": None,
        "metadata": {},
        "nickname": "Team",
        "product": "prod_1",
        "recurring": {"interval": interval, "interval_count": count, "usage_type": "licensed"},
        "type": "recurring",
        "unit_amount": amount,
        "unit_amount_decimal": None if amount is None else str(amount),
    } | fields


def item(priced: dict[str, Any] | None = None, quantity: int | None = 1, **fields: Any) -> dict[str, Any]:
    """An item with the period that items have since 2025-03-31."""
    return without_null(
        {
            "id": "si_1",
            "object": "subscription_item",
            "created": AT,
            "current_period_end": AT + 31 * DAY,
            "current_period_start": AT,
            "metadata": {},
            "price": price() if priced is None else priced,
            "quantity": quantity,
            "subscription": "sub_1",
        }
        | fields
    )


def subscription(*items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A subscription as the API has it since 2025-03-31."""
    return {
        "id": "sub_1",
        "object": "subscription",
        "billing_cycle_anchor": AT,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": AT,
        "currency": "usd",
        "customer": "cus_1",
        "default_payment_method": None,
        "discounts": [],
        "ended_at": None,
        "items": {
            "object": "list",
            "data": list(items) or [item()],
            "has_more": False,
            "url": "/v1/subscription_items",
        },
        "latest_invoice": "in_1",
        "livemode": False,
        "metadata": {"account_id": "acct-1"},
        "pause_collection": None,
        "start_date": AT,
        "status": "active",
        "trial_end": None,
        "trial_start": None,
    } | fields


def old_subscription(**fields: Any) -> dict[str, Any]:
    """The same as it was before: the period is the subscription's own, and it has one plan."""
    plan = {"id": "plan_1", "object": "plan", "amount": 1000, "currency": "usd", "nickname": "Team"}
    plan |= {"interval": "month", "interval_count": 1, "usage_type": "licensed", "billing_scheme": "per_unit"}
    entry = {"id": "si_1", "object": "subscription_item", "plan": plan, "quantity": 3}
    base = subscription(entry)
    period = {"current_period_start": AT, "current_period_end": AT + 31 * DAY}
    return base | period | {"plan": plan, "quantity": 3, "discount": None} | fields


def invoice(**fields: Any) -> dict[str, Any]:
    """An invoice as the API has it since 2025-03-31."""
    return {
        "id": "in_1",
        "object": "invoice",
        "amount_due": 3000,
        "amount_paid": 0,
        "amount_remaining": 3000,
        "attempt_count": 2,
        "attempted": True,
        "billing_reason": "subscription_cycle",
        "created": AT,
        "currency": "usd",
        "customer": "cus_1",
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": AT + 3 * DAY,
        "parent": {
            "type": "subscription_details",
            "quote_details": None,
            "subscription_details": {"metadata": {"account_id": "acct-1"}, "subscription": "sub_1"},
        },
        "status": "open",
    } | fields


def card(**fields: Any) -> dict[str, Any]:
    """A payment method."""
    return {
        "id": "pm_1",
        "object": "payment_method",
        "billing_details": {"email": "jenny@example.com"},
        "card": {"brand": "visa", "exp_month": 8, "exp_year": 2026, "last4": "4242"},
        "created": AT,
        "customer": "cus_1",
        "livemode": False,
        "metadata": {},
        "type": "card",
    } | fields


def customer(**fields: Any) -> dict[str, Any]:
    """A customer."""
    return {
        "id": "cus_1",
        "object": "customer",
        "created": AT,
        "email": "jenny@example.com",
        "invoice_settings": {"default_payment_method": None},
        "livemode": False,
        "metadata": {"account_id": "acct-1"},
        "name": "Evergreen",
    } | fields


def stripe(kind: str, of: dict[str, Any], before: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """An event."""
    data = {"object": of} if before is None else {"object": of, "previous_attributes": before}
    return {
        "id": "evt_1",
        "object": "event",
        "api_version": "2025-03-31.basil",
        "created": AT,
        "data": data,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    } | fields


def without_null(value: dict[str, Any]) -> dict[str, Any]:
    """Without the fields that are None."""
    return {name: each for name, each in value.items() if each is not None}


def told(topic: InputTopic, form: Format, value: dict[str, Any], lookup: Lookup | None = None) -> list[dict[str, Any]]:
    """The native events of a record that has some, as JSON values."""
    events = read(topic, form, orjson.dumps(value), lookup=lookup or Lookup())
    assert isinstance(events, tuple), events
    return [orjson.loads(encode(each)) for each in events]


def ignored(topic: InputTopic, form: Format, value: dict[str, Any]) -> str:
    """Why a record says nothing."""
    found = read(topic, form, orjson.dumps(value))
    assert isinstance(found, Ignored), found
    return found.value


def refused(topic: InputTopic, form: Format, value: dict[str, Any]) -> tuple[str, str | None]:
    """Why a record is turned away: reason and field."""
    found = read(topic, form, orjson.dumps(value))
    assert not isinstance(found, tuple | Ignored), found
    assert found.detail
    return found.reason.value, found.field
