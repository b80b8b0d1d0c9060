"""However an account's events are batched, whenever its days are closed in between, and wherever its state is stored
and read back: the same transitions, the same state."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.alerts import Transition
from streams.detection.config import HOUR_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.state import NEVER, Account, due_of
from tests.properties.engine_histories import ACCOUNT, BEGINS, History, configs, histories

Told = list[object]
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def plainly(config: DetectionConfig, history: History) -> tuple[Told, bytes]:
    """Every event applied, and nothing else until the end."""
    return told(config, history, lambda _engine, account, _now: (account, []))


def told(
    config: DetectionConfig,
    history: History,
    before: Callable[[Engine, Account, int], tuple[Account, list[Transition]]],
) -> tuple[Told, bytes]:
    """Everything that came of a history, when `before` is called before each event, with the event's time, and before
    the end; and the account's last state."""
    engine, account = Engine(config), Account(ACCOUNT)
    results: Told = []
    for event in history.events:
        account, transitions = before(engine, account, event.effective_at)
        results += transitions
        results += engine.apply(account, [event])
    account, transitions = before(engine, account, history.ends_at)
    return results + transitions + list(engine.close(account, history.ends_at)), account.encode()


@given(configs, histories(), st.integers(0, 2**32))
@SLOW
def test_applying_several_events_at_a_time_changes_nothing(
    config: DetectionConfig, history: History, seed: int
) -> None:
    random = Random(seed)
    engine, account, events = Engine(config), Account(ACCOUNT), list(history.events)
    results: Told = []
    while events:
        size = random.randint(1, 1 + len(events))
        results += engine.apply(account, events[:size])
        del events[:size]
    results += engine.close(account, history.ends_at)
    assert (results, account.encode()) == plainly(config, history)


@given(configs, histories(), st.integers(0, 2**32))
@SLOW
def test_closing_at_any_moments_changes_nothing(config: DetectionConfig, history: History, seed: int) -> None:
    random = Random(seed)
    clock = BEGINS

    def at_odd_moments(engine: Engine, account: Account, now: int) -> tuple[Account, list[Transition]]:
        nonlocal clock
        moments = sorted(random.randrange(clock, max(now, clock) + 1) for _ in range(random.randrange(3)))
        clock = max(now, clock)
        return account, [transition for moment in moments for transition in engine.close(account, moment)]

    assert told(config, history, at_odd_moments) == plainly(config, history)


@given(configs, histories(), st.integers(0, 2**32))
@SLOW
def test_storing_and_reading_the_state_at_any_point_changes_nothing(
    config: DetectionConfig, history: History, seed: int
) -> None:
    random = Random(seed)

    def through_the_store(engine: Engine, account: Account, now: int) -> tuple[Account, list[Transition]]:
        if random.random() < 0.5:
            return account, []
        stored = account.encode()
        read = Account.decode(ACCOUNT, stored)
        assert read.encode() == stored
        assert due_of(stored) == account.due == read.due
        return read, []

    assert told(config, history, through_the_store) == plainly(config, history)


def next_due(account: Account) -> int:
    """When the account wants to be looked at."""
    return NEVER if account.due is None else account.due


@given(configs, histories())
@SLOW
def test_who_looks_only_when_something_is_due_misses_nothing(config: DetectionConfig, history: History) -> None:
    def when_due(engine: Engine, account: Account, now: int) -> tuple[Account, list[Transition]]:
        results: list[Transition] = []
        while (due := next_due(account)) <= now:
            transitions = engine.close(account, due)
            assert all(transition.at <= due for transition in transitions)
            assert next_due(account) > due
            results += transitions
        missed = engine.close(account, now)
        assert not missed, "it came due, and the due time did not say so"
        return account, results

    assert told(config, history, when_due) == plainly(config, history)


@given(configs, histories())
@SLOW
def test_looking_four_times_a_day_finds_no_more(config: DetectionConfig, history: History) -> None:
    clock = BEGINS

    def often(engine: Engine, account: Account, now: int) -> tuple[Account, list[Transition]]:
        nonlocal clock
        results: list[Transition] = []
        while clock < now:
            results += engine.close(account, clock)
            clock += 6 * HOUR_MS
        return account, results

    assert told(config, history, often) == plainly(config, history)


@given(configs, histories(), st.integers(0, 2**32))
@SLOW
def test_the_rest_of_a_history_replayed_from_a_stored_state_gives_the_rest(
    config: DetectionConfig, history: History, seed: int
) -> None:
    cut = Random(seed).randrange(len(history.events) + 1)
    engine, account = Engine(config), Account(ACCOUNT)
    first: Told = [result for event in history.events[:cut] for result in engine.apply(account, [event])]
    stored = account.encode()
    for _ in range(2):  # a crash after the second half, and once more
        engine, account = Engine(config), Account.decode(ACCOUNT, stored)
        rest: Told = [result for event in history.events[cut:] for result in engine.apply(account, [event])]
        rest += engine.close(account, history.ends_at)
        assert (first + rest, account.encode()) == plainly(config, history)
