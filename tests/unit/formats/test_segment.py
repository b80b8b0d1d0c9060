"""Segment messages: what is usage, whose it is, when it was, and what it says of an account."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.events import InputTopic
from schemas.formats.options import Format, Lookup
from tests.unit.formats.making import ignored, refused, segment, told

USAGE, ACCOUNTS, FORM = InputTopic.USAGE, InputTopic.ACCOUNTS, Format.SEGMENT


def usage(message: dict[str, Any], lookup: Lookup | None = None) -> dict[str, Any]:
    (event,) = told(USAGE, FORM, message, lookup)
    return event


def test_a_track_call_is_a_usage_event() -> None:
    assert usage(segment(event="Report Viewed", properties={"rows": 3})) == {
        "account_id": "acct-1",
        "event": "Report Viewed",
        "occurred_at": "2025-03-01T12:00:00Z",
        "event_id": "022bb90c-bbac-11e4-8dfc-aa07a5b093db",
        "user_id": "u-7",
        "quantity": 1,
        "source": "analytics.js",
        "schema_version": 1,
    }


@pytest.mark.parametrize(
    ("kind", "name", "event"),
    [("page", "Pricing", "page:Pricing"), ("page", None, "page"), ("screen", "Home", "screen:Home")],
)
def test_a_page_and_a_screen_are_usage_by_their_name(kind: str, name: str | None, event: str) -> None:
    assert usage(segment(kind, name=name))["event"] == event


def test_the_time_is_that_which_segment_corrected_and_else_that_of_the_device() -> None:
    assert usage(segment(event="x", timestamp=None))["occurred_at"] == "2025-03-01T11:59:00Z"
    travelled = segment(event="x", timestamp=None, originalTimestamp=None)
    assert refused(USAGE, FORM, travelled) == ("missing_field", "timestamp")
    assert refused(USAGE, FORM, segment(event="x", timestamp="yesterday")) == ("invalid_field", "timestamp")


def test_the_account_stands_where_the_setting_says_at_the_first_path_that_has_one() -> None:
    lookup = Lookup(segment=("properties.company.id", "context.groupId"))
    assert usage(segment(event="x", properties={"company": {"id": 42}}), lookup)["account_id"] == "42"
    assert usage(segment(event="x", properties={"company": "Initech"}), lookup)["account_id"] == "acct-1"


def test_whom_nobody_knows_is_a_visitor_and_a_user_without_account_is_a_fault() -> None:
    assert ignored(USAGE, FORM, segment("page", context={}, userId=None)) == "anonymous"
    assert refused(USAGE, FORM, segment("page", context={})) == ("missing_field", "context.groupId")
    assert refused(USAGE, FORM, segment("page", context={"groupId": [1]})) == ("invalid_field", "context.groupId")


def test_what_is_no_activity_says_nothing() -> None:
    assert ignored(USAGE, FORM, segment(event="x", context={"active": False, "groupId": "acct-1"})) == "inactive"
    for kind in ("identify", "group", "alias"):
        assert ignored(USAGE, FORM, segment(kind)) == "other_type"


def test_what_is_no_message_is_refused_by_its_place() -> None:
    assert refused(USAGE, FORM, segment("click")) == ("invalid_field", "type")
    assert refused(USAGE, FORM, {"event": "x"}) == ("missing_field", "type")
    assert refused(USAGE, FORM, segment()) == ("missing_field", "event")
    assert refused(USAGE, FORM, segment(event="x", context=3)) == ("invalid_field", "context")
    assert refused(USAGE, FORM, segment(event="x" * 257)) == ("invalid_field", "event")


def test_a_group_call_is_an_account_update() -> None:
    traits = {"name": "Initech", "industry": "Technology", "employees": 329, "plan": "enterprise"}
    traits |= {"createdAt": "2020-05-01", "address": {"country": "US", "city": "Austin"}}
    (update,) = told(ACCOUNTS, FORM, segment("group", groupId="acct-1", traits=traits))
    assert update == {
        "account_id": "acct-1",
        "updated_at": "2025-03-01T12:00:00Z",
        "name": "Initech",
        "plan": "enterprise",
        "segment": "Technology",
        "country": "US",
        "started_at": "2020-05-01T00:00:00Z",
    }
    assert told(ACCOUNTS, FORM, segment("group", groupId="a"))[0].keys() == {"account_id", "updated_at"}
    assert refused(ACCOUNTS, FORM, segment("group")) == ("missing_field", "groupId")
    odd = segment("group", groupId="a", traits={"createdAt": "last year"})
    assert refused(ACCOUNTS, FORM, odd) == ("invalid_field", "traits.createdAt")
    assert ignored(ACCOUNTS, FORM, segment("identify")) == "other_type"
