"""CloudEvents in both modes, written by hand and by their own library for Python."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from schemas.errors import Rejected
from schemas.events import InputTopic
from schemas.formats.options import Format
from schemas.formats.reader import read
from schemas.usage import UsageEvent
from tests.unit.formats.making import invoice, refused, segment, stripe, told

USAGE, BILLING, FORM = InputTopic.USAGE, InputTopic.BILLING, Format.CLOUDEVENTS
DATA = {"account_id": "acct-1", "user_id": "u-7"}


def envelope(data: Any = None, **fields: Any) -> dict[str, Any]:
    value = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/app/eu",
        "type": "report.viewed",
        "time": "2025-03-01T12:00:00Z",
        "datacontenttype": "application/json",
        "data": DATA if data is None else data,
    } | fields
    return {name: each for name, each in value.items() if each is not None}


def test_the_envelope_says_what_the_data_leaves_out() -> None:
    (event,) = told(USAGE, FORM, envelope())
    assert event == {
        "account_id": "acct-1",
        "event": "report.viewed",
        "occurred_at": "2025-03-01T12:00:00Z",
        "event_id": "/app/eu#e-1",
        "user_id": "u-7",
        "quantity": 1,
        "source": "product",
        "schema_version": 1,
    }
    own = {**DATA, "event": "login", "occurred_at": "2025-02-01T00:00:00Z", "event_id": "own"}
    (event,) = told(USAGE, FORM, envelope(own))
    assert (event["event"], event["occurred_at"], event["event_id"]) == ("login", "2025-02-01T00:00:00Z", "own")


def test_two_sources_may_use_one_id_and_a_long_one_is_shortened() -> None:
    ids = {told(USAGE, FORM, envelope(source=source))[0]["event_id"] for source in ("/a", "/b", "/" + "c" * 300)}
    assert len(ids) == 3
    assert max(map(len, ids)) <= 256


def test_an_account_update_has_its_time_from_the_envelope() -> None:
    (update,) = told(InputTopic.ACCOUNTS, FORM, envelope({"account_id": "acct-1", "name": "Evergreen"}))
    assert update == {"account_id": "acct-1", "name": "Evergreen", "updated_at": "2025-03-01T12:00:00Z"}


def test_the_data_may_be_another_formats() -> None:
    assert told(USAGE, FORM, envelope(segment(event="x"))) == told(USAGE, Format.SEGMENT, segment(event="x"))
    paid = stripe("invoice.paid", invoice(amount_paid=3000))
    assert told(BILLING, FORM, envelope(paid)) == told(BILLING, Format.STRIPE, paid)


def test_data_in_base64_is_read() -> None:
    raw = b64encode(orjson.dumps(DATA)).decode()
    assert told(USAGE, FORM, envelope(data_base64=raw) | {"data": None}) == told(USAGE, FORM, envelope())


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (DATA, ("missing_field", "specversion")),
        (envelope(specversion="0.3"), ("unknown_version", "specversion")),
        (envelope(id=None), ("missing_field", "id")),
        (envelope(source=7), ("invalid_field", "source")),
        (envelope(datacontenttype="application/avro"), ("invalid_field", "datacontenttype")),
        (envelope() | {"data": None}, ("missing_field", "data")),
        (envelope("text"), ("invalid_field", "data")),
        (envelope({}), ("missing_field", "data.account_id")),
        (envelope(time=None), ("missing_field", "data.occurred_at")),
        (envelope(data_base64="%%%"), ("invalid_field", "data_base64")),
        (envelope(data_base64=b64encode(b"[]").decode()), ("not_an_object", "data_base64")),
        (envelope(segment("page", context={})), ("missing_field", "data.context.groupId")),
    ],
)
def test_a_fault_is_named_from_the_outside(value: dict[str, Any], found: tuple[str, str]) -> None:
    assert refused(USAGE, FORM, value) == found


def _made(data: dict[str, Any], topic: InputTopic, **attributes: Any) -> tuple[KafkaMessage, KafkaMessage]:
    about = {"id": "e-1", "source": "/app/eu", "type": "report.viewed", "datacontenttype": "application/json"}
    event = CloudEvent(attributes=about | {"time": datetime(2025, 3, 1, 12, tzinfo=UTC)} | attributes, data=data)
    return to_binary_event(event), to_structured_event(event)


@pytest.mark.parametrize("form", [FORM, Format.AUTO])
def test_what_their_own_library_writes_is_the_same_in_both_modes(form: Format) -> None:
    read_of = []
    for message in _made(DATA, USAGE):
        headers = list(message.headers.items())
        events = read(USAGE, form, message.value, headers)
        assert isinstance(events, tuple), events
        read_of.append(events)
    assert read_of[0] == read_of[1]
    (event,) = read_of[0]
    assert isinstance(event, UsageEvent)
    assert (event.event, event.event_id, event.occurred_at) == ("report.viewed", "/app/eu#e-1", 1_740_830_400_000)


def test_in_binary_mode_the_fault_of_a_header_names_the_header() -> None:
    binary, _ = _made(DATA, USAGE)
    headers = dict(binary.headers)
    for name, value, field in (
        ("ce_id", b"", "ce_id"),
        ("ce_type", b"\xff", "ce_type"),
        ("ce_specversion", b"2.0", "ce_specversion"),
        ("content-type", b"text/plain", "content-type"),
    ):
        found = read(USAGE, FORM, binary.value, list({**headers, name: value}.items()))
        assert isinstance(found, Rejected), name
        assert found.field == field
    found = read(USAGE, FORM, b"{}", list(headers.items()))
    assert isinstance(found, Rejected)
    assert found.field == "account_id"  # the value is the data itself
