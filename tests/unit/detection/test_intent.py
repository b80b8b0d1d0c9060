"""Runs of events that precede leaving."""

from __future__ import annotations

import orjson

from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.intent import Intent
from streams.detection.state import Account
from tests.unit.detection.building import Run, at, bills, usage

KEEPS = at(30) - at(0)


def test_it_is_worth_saying_for_each_name_and_for_each_further_day() -> None:
    intent = Intent()
    steps = []
    for name, day in (("a", 1), ("a", 1), ("b", 1), ("b", 2), ("a", 2), ("c", 4)):
        assert intent.add(name, at(day), day, KEEPS)
        steps.append(intent.steps)
    assert steps == [1, 1, 2, 3, 3, 4]
    assert intent.events == {"a": (3, at(2)), "b": (2, at(2)), "c": (1, at(4))}


def test_after_a_long_time_without_it_begins_anew_and_what_is_older_is_nothing() -> None:
    intent = Intent()
    assert intent.add("a", at(1), 1, KEEPS)
    assert intent.add("b", at(31), 31, KEEPS)
    assert (intent.since, intent.steps, list(intent.events)) == (at(31), 1, ["b"])
    before = intent.encode()
    assert not intent.add("a", at(1), 1, KEEPS)
    assert intent.encode() == before
    assert intent.add("a", at(2), 2, KEEPS)
    assert (intent.since, intent.last_at, intent.steps) == (at(2), at(31), 2)


def test_it_is_bounded_and_the_same_after_the_store() -> None:
    intent = Intent()
    for number in range(100):
        intent.add(f"export-{number}", at(1), 1, KEEPS)
    assert (len(intent.events), intent.steps) == (8, 8)
    assert Intent.decode(orjson.loads(orjson.dumps(intent.encode()))).encode() == intent.encode()


def told(*names: str) -> Run:
    run = Run(Engine(DetectionConfig(intent_events=names)))
    run.apply(bills("subscription.started", at(0)), usage(at(1)), usage(at(2), event="export"))
    return run


def test_an_event_that_is_not_named_tells_nothing_and_one_that_is_counts_as_usage_too() -> None:
    assert told("exports").changes() == told().changes() == []
    run = told("exp*")
    assert run.changes() == ["cancel_intent opened warning"]
    assert run.account.events_total == 2
    assert Account.decode("acme", run.account.encode()).encode() == run.account.encode()


def test_what_a_lost_customer_does_is_nothing_and_a_new_contract_begins_without_it() -> None:
    run = told("export")
    run.apply(bills("subscription.ended", at(3)), usage(at(4), event="export"), bills("subscription.started", at(5)))
    assert run.account.intent is None
    run.apply(usage(at(6), event="export"))
    assert [each.split()[1] for each in run.changes()] == ["opened", "resolved", "opened"]
