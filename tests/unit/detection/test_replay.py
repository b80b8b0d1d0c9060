"""The replay without a broker: what it takes, in which order, and how it ends. Its results are held against real
workers in tests/e2e and against the stories in tests/scenarios."""

from __future__ import annotations

import pytest

from schemas.accounts import AccountUpdate
from schemas.events import InputEvent, InputTopic
from schemas.usage import UsageEvent
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.replay import Replay, replay

DAY_MS = 86_400_000
START = 20_000 * DAY_MS


def used(at: int, account: str = "a", event_id: str | None = None) -> tuple[InputTopic, str, InputEvent]:
    event = UsageEvent(account_id=account, event="login", occurred_at=at, event_id=event_id)
    return InputTopic.USAGE, "product-usage", event


def named(at: int, name: str) -> tuple[InputTopic, str, InputEvent]:
    return InputTopic.ACCOUNTS, "accounts", AccountUpdate(account_id="a", updated_at=at, name=name)


def run(*events: tuple[InputTopic, str, InputEvent], end: int | None = None) -> Replay:
    return replay(events, Engine(DetectionConfig()), end=end)


def test_the_last_event_is_applied_whatever_the_end() -> None:
    events = [used(START), used(START + 5 * DAY_MS), used(START + 5 * DAY_MS, "b")]
    for end in (None, START, START + 5 * DAY_MS, START + 9 * DAY_MS):
        accounts = run(*events, end=end).accounts
        assert {name: account.events_total for name, account in accounts.items()} == {"a": 2, "b": 1}


def test_the_time_goes_on_until_the_end() -> None:
    assert run(used(START)).clock == START + 1
    assert run(used(START), end=START + 30 * DAY_MS).clock == START + 30 * DAY_MS


def test_silence_after_the_last_event_is_noticed_by_the_end() -> None:
    busy = [used(START + hour * 3_600_000) for hour in range(24 * 60)]
    assert run(*busy).transitions == []
    silent = run(*busy, end=START + 90 * DAY_MS)
    assert {each.kind for each in silent.transitions} == {"usage_silence"}


def test_an_event_that_comes_again_counts_once() -> None:
    done = run(used(START, event_id="x"), used(START + DAY_MS, event_id="x"), used(START + DAY_MS, event_id="y"))
    assert done.accounts["a"].events_total == 2


def test_topics_that_are_told_one_after_the_other_within_a_day_are_merged_by_time() -> None:
    later = [named(START + 7_200_000, "new"), named(START + 7_300_000, "newest")]
    mixed = [later[0], used(START + 3_600_000), later[1]]
    apart = [used(START + 3_600_000), *later]
    assert run(*mixed).accounts["a"].encode() == run(*apart).accounts["a"].encode()


def test_more_accounts_than_are_kept_decoded_are_stored_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [used(START + number * 600_000, f"a{number % 300}") for number in range(1_200)]
    at_once = run(*events)
    monkeypatch.setattr("streams.detection.home.DECODED", 10)
    monkeypatch.setattr("streams.detection.replay._STORE_EVERY", 50)
    parted = run(*events)
    assert {account.events_total for account in parted.accounts.values()} == {4}
    assert {name: account.encode() for name, account in parted.accounts.items()} == {
        name: account.encode() for name, account in at_once.accounts.items()
    }


def test_nothing_can_be_taken_after_the_end_and_no_account_be_had_before() -> None:
    going = Replay(Engine(DetectionConfig()))
    going.take(*used(START))
    with pytest.raises(ValueError, match="when it has ended"):
        _ = going.accounts
    going.end()
    with pytest.raises(ValueError, match="has ended"):
        going.take(*used(START))


def test_a_replay_of_nothing_ends() -> None:
    done = run()
    assert (done.accounts, done.transitions, done.clock) == ({}, [], None)
