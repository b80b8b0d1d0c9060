"""What the plan of a reset says: what is done to each topic, and what nobody can get back."""

from __future__ import annotations

from dataclasses import replace

from schemas.instants import parse_instant
from streams.cli.reset.plan import Found, Input, steps, warnings
from streams.runtime.settings import Settings
from streams.runtime.told import Told, told_after

SETTINGS = Settings(brokers="127.0.0.1:1", partitions=2)


def day(text: str) -> int:
    return parse_instant(f"{text}T00:00:00Z")


USAGE = Input(
    topic="product-usage",
    records=1_200,
    removed=300,
    first_at=day("2025-03-01"),
    last_at=day("2025-05-01"),
    complete_from=day("2025-03-04"),
)
FOUND = Found(
    members=(),
    inputs=(USAGE, Input(topic="billing", records=0, removed=0)),
    accounts=40,
    began_at=day("2025-01-02"),
    unreadable=0,
    transitions=12,
    pictures=40,
    dead_letters=3,
    pending={"default": 2},
)


def test_every_topic_is_named_with_what_happens_to_it() -> None:
    told = {step.topic: (step.what, step.detail) for step in steps(SETTINGS, FOUND, "keep", "keep")}
    assert told["product-usage"] == ("read again from the earliest", "1,200 records, 2025-03-01 to 2025-05-01")
    assert told["billing"] == ("read again from the earliest", "no records")
    assert told["slackwater-engagement-changelog"] == ("every row deleted", "40 accounts")
    assert told["slackwater-deliveries-changelog"] == ("kept", "2 messages that wait (default 2)")
    assert {told[name][0] for name in ("churn-alerts", "account-health", "dead-letters")} == {"kept"}
    told = {step.topic: (step.what, step.detail) for step in steps(SETTINGS, FOUND, "delete", "drop")}
    assert {told[name][0] for name in ("churn-alerts", "account-health", "dead-letters")} == {"emptied"}
    assert told["slackwater-deliveries-changelog"][0] == "dropped"


def test_history_that_is_not_there_any_more_is_named_by_its_days() -> None:
    told = list(warnings(SETTINGS, FOUND, "keep"))
    assert told[0] == "product-usage: 300 records are not there any more; it is whole from 2025-03-04 on only"
    assert "accounts since 2025-01-02; the new one will lack history of before 2025-03-04: 61 days" in told[1]
    whole = replace(FOUND, inputs=(replace(USAGE, removed=0, complete_from=None),))
    assert not [text for text in warnings(SETTINGS, whole, "keep") if "lack" in text or "not there" in text]


def test_who_is_told_again_is_said() -> None:
    events = SETTINGS.model_copy(update={"clock": "events"})
    embedded = replace(FOUND, exactly_once=False)
    assert "nobody is told again" in list(warnings(events, FOUND, "keep"))[-1]
    assert "every alert of the history is sent once more" in list(warnings(events, FOUND, "delete"))[-1]
    assert any("every alert of the history is sent" in text for text in warnings(events, embedded, "keep"))
    assert any("alerts of the last day are sent" in text for text in warnings(SETTINGS, embedded, "keep"))


def test_a_replay_is_told_from_what_is_new() -> None:
    told = told_after(None, end=100, until=5_000)
    assert told == Told(100, 5_000)
    assert told.holds(100, 4_999)
    assert not told.holds(99, 4_999), "it was not told before the reset"
    assert not told.holds(100, 5_000), "it is new"


def test_a_second_reset_amid_the_replay_of_the_first_forgets_nothing() -> None:
    before = Told(100, 5_000)
    assert told_after(before, end=150, until=3_000) == before
    assert told_after(before, end=150, until=None) == before
    assert told_after(before, end=150, until=6_000) == Told(150, 6_000)
    assert told_after(None, end=150, until=None) is None
