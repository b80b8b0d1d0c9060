"""Each record by its shape; what Segment's own library wrote; and what Stripe's own library knows."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import stripe as sdk

from schemas.codec import decode
from schemas.errors import Rejected
from schemas.events import InputTopic
from schemas.formats.options import Format
from schemas.formats.outcome import Ignored
from schemas.formats.reader import FORMATS, read
from schemas.usage import UsageEvent
from tests.corpus import BAD_RECORDS, GOOD_RECORDS
from tests.corpus.foreign import SEGMENT_LIBRARY
from tests.unit.formats.making import card, customer, invoice, item, price, segment, stripe, subscription, told

NATIVE = {"account_id": "acct-1", "event": "x", "occurred_at": "2025-03-01T12:00:00Z"}


@pytest.mark.parametrize("form", [Format.NATIVE, Format.AUTO])
def test_a_native_record_is_what_the_codec_says(form: Format) -> None:
    records = [(each.topic, each.raw) for each in GOOD_RECORDS] + [(each.topic, each.raw) for each in BAD_RECORDS]
    for topic, raw in records:
        if form in FORMATS[topic]:
            known = decode(topic, raw)
            assert read(topic, form, raw) == (known if isinstance(known, Rejected) else (known,))


@pytest.mark.parametrize(
    ("topic", "form", "value"),
    [
        (InputTopic.USAGE, Format.NATIVE, NATIVE),
        (InputTopic.USAGE, Format.SEGMENT, segment(event="x")),
        (InputTopic.BILLING, Format.STRIPE, stripe("invoice.paid", invoice(amount_paid=1))),
        (InputTopic.ACCOUNTS, Format.SEGMENT, segment("group", groupId="acct-1")),
        (InputTopic.ACCOUNTS, Format.STRIPE, stripe("customer.created", customer())),
    ],
)
def test_a_record_is_told_by_its_shape(topic: InputTopic, form: Format, value: dict[str, Any]) -> None:
    assert told(topic, Format.AUTO, value) == told(topic, form, value)


def test_the_messages_of_segments_own_library_are_read() -> None:
    lines = SEGMENT_LIBRARY.read_bytes().splitlines()
    found = [read(InputTopic.USAGE, Format.SEGMENT, line) for line in lines]
    events = [each[0] for each in found if isinstance(each, tuple)]
    assert all(isinstance(each, UsageEvent) for each in events)
    assert [(each.event, each.user_id, each.source) for each in events if isinstance(each, UsageEvent)] == [
        ("Report Viewed", "u-7", "analytics-python"),
        ("page:Pricing", "u-7", "analytics-python"),
        ("screen:Home", "u-7", "analytics-python"),
        ("Report Viewed", "u-8", "analytics-python"),
    ]
    assert {each.account_id for each in events} == {"acct-1"}
    assert [each for each in found if not isinstance(each, tuple)] == [Ignored.OTHER_TYPE] * 3
    groups = [each for line in lines if isinstance(each := read(InputTopic.ACCOUNTS, Format.SEGMENT, line), tuple)]
    ((group,),) = groups
    assert orjson.loads(group.model_dump_json(exclude_unset=True))["plan"] == "enterprise"


@pytest.mark.parametrize(
    ("known", "made"),
    [
        (sdk.Subscription, subscription()),
        (sdk.SubscriptionItem, item()),
        (sdk.Price, price()),
        (sdk.Invoice, invoice()),
        (sdk.PaymentMethod, card()),
        (sdk.Customer, customer()),
        (sdk.Event, stripe("x", {})),
        (sdk.Invoice.Parent, invoice()["parent"]),
        (sdk.Subscription.CancellationDetails, subscription()["cancellation_details"]),
    ],
)
def test_stripes_own_library_knows_every_field_of_the_events_that_tests_make(known: Any, made: dict[str, Any]) -> None:
    names = set(known.__annotations__) | set(getattr(known, "_field_remappings", {}).values())
    assert set(made) <= names, set(made) - names


def test_stripes_own_library_reads_them() -> None:
    event = sdk.Event.construct_from(stripe("customer.subscription.updated", subscription()), "key")
    assert event.data.object["items"]["data"][0]["current_period_end"] == item()["current_period_end"]
