"""Nothing that version 0.1 has promised of the topics' values is taken back. `released` has its schemas."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.export import TOPICS, json_schema
from tests.contracts.compatible import taken_back

RELEASED = Path(__file__).parent / "released"
WRITTEN = ("churn-alerts", "account-health", "dead-letters")


def released(topic: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RELEASED / f"{topic}.schema.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("topic", TOPICS)
def test_what_was_promised_still_holds(topic: str) -> None:
    assert taken_back(released(topic), json_schema(topic), written=topic in WRITTEN) == []


def _of(schema: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = schema["$defs"][name]
    return found


CHANGES: dict[str, tuple[str, Callable[[dict[str, Any]], Any], str]] = {
    "a field is removed": ("product-usage", lambda s: s["properties"].pop("user_id"), ".user_id: is gone"),
    "a field is needed": ("product-usage", lambda s: s["required"].append("user_id"), ".user_id: has to be there now"),
    "a text is shorter": (
        "product-usage",
        lambda s: s["properties"]["event"].update(maxLength=64),
        ".event: maxLength was 256, and is 64",
    ),
    "a number is smaller": (
        "product-usage",
        lambda s: s["properties"]["quantity"]["anyOf"][0].update(maximum=10),
        ".quantity: maximum was 1000000, and is 10",
    ),
    "null is no value any more": (
        "product-usage",
        lambda s: s["properties"]["user_id"].update(anyOf=[s["properties"]["user_id"]["anyOf"][0]]),
        ".user_id: the type was null, and is string",
    ),
    "a value is gone": (
        "feedback",
        lambda s: _of(s, "TicketChanged")["properties"]["status"]["enum"].remove("hold"),
        ".status: values are gone",
    ),
    "a class is gone": ("billing", lambda s: s["oneOf"].pop(0), ""),
    "what is written may be missing": (
        "churn-alerts",
        lambda s: s["required"].remove("headline"),
        "may be missing now",
    ),
    "what is written is gone": ("account-health", lambda s: s["properties"].pop("engagement"), ".engagement: is gone"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_promise_that_is_taken_back_is_seen(change: str) -> None:
    topic, alter, said = CHANGES[change]
    altered = copy.deepcopy(released(topic))
    alter(altered)
    found = taken_back(released(topic), altered, written=topic in WRITTEN)
    assert found
    assert any(said in each for each in found), found


def test_additions_are_fine() -> None:
    new = copy.deepcopy(released("churn-alerts"))
    new["properties"]["more"] = {"type": "string"}
    _of(new, "Kind")["enum"].append("another_kind")
    assert taken_back(released("churn-alerts"), new, written=True) == []
    new = copy.deepcopy(released("billing"))
    _of(new, "SubscriptionEnded")["properties"]["more"] = {"type": "string"}
    assert taken_back(released("billing"), new, written=False) == []
