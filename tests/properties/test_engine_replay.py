"""However an account's events are batched, whenever its days are closed in between, and wherever its state is stored
and read back: the same transitions, the same state."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.alerts import Transition
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.facets import BREADTH
from streams.detection.fleet_log import FleetLog
from streams.detection.results import RefusedCommand
from streams.detection.sequels import Sequels
from streams.detection.state import Account, head_of
from tests.plain import Plain, settled
from tests.properties.engine_histories import ACCOUNT, BEGINS, History, begun, configs, histories

Told = tuple[list[Transition], list[RefusedCommand], bytes]
SLOW = settings(
    deadline=None,
    max_examples=max(3, settings().max_examples // 5),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
pytestmark = pytest.mark.timeout(300)


def told(
    config: DetectionConfig, history: History, before: Callable[[Plain, int], Plain] = lambda plain, _: plain
) -> Told:
    """Everything that came of a history, when `before` is called before each event, with the event's time, and before
    the end; and the account's last state."""
    plain = begun(config)
    plain.account(ACCOUNT)
    for event in history.events:
        plain = before(plain, event.effective_at)
        plain.apply(event)
    plain = before(plain, history.ends_at)
    return ended(plain, history)


def ended(plain: Plain, history: History) -> Told:
    plain.close(history.ends_at)
    return plain.told.get(ACCOUNT, []), plain.refused, plain.account(ACCOUNT).encode()


@given(configs, histories(), st.integers(0, 2**32))
@SLOW
def test_applying_several_events_at_a_time_changes_nothing(
    config: DetectionConfig, history: History, seed: int
) -> None:
    random, events = Random(seed), list(history.events)
    plain = begun(config)
    account = plain.account(ACCOUNT)
    while events:
        plain.close(events[0].effective_at)
        together = 1 + random.randrange(len(events))
        some = [event for event in events[:together] if event.effective_at < plain.engine.closes_at]
        del events[: len(some)]
        for result in plain.engine.apply(account, some):
            if isinstance(result, Transition):
                plain.told.setdefault(ACCOUNT, []).append(result)
            else:
                plain.refused.append(result)
    assert ended(plain, history) == told(config, history)


@given(configs, histories(), st.integers(0, 2**32))
@SLOW
def test_looking_at_any_moments_changes_nothing(config: DetectionConfig, history: History, seed: int) -> None:
    random, clock = Random(seed), BEGINS

    def at_odd_moments(plain: Plain, now: int) -> Plain:
        nonlocal clock
        for moment in sorted(random.randrange(clock, max(now, clock) + 1) for _ in range(random.randrange(3))):
            plain.close(moment)
        clock = max(now, clock)
        return plain

    assert told(config, history, at_odd_moments) == told(config, history)


def through_the_store(plain: Plain, config: DetectionConfig) -> Plain:
    """Another one, with what is stored of it."""
    stored = plain.account(ACCOUNT).encode()
    other = Plain(Engine(config, FleetLog(config, stored=plain.engine.learnt.encode())))
    other.engine.habits.sequels = Sequels.unpack(plain.engine.habits.sequels.pack())
    other.engine.habits.unpack(ACCOUNT, head_of(stored).habits)
    other.engine.habits.sources.unpack_names(plain.engine.habits.sources.pack_names())
    other.engine.habits.closed = plain.engine.habits.closed
    other.accounts[ACCOUNT] = account = other.engine.account(ACCOUNT, stored)
    other.told, other.refused = plain.told, plain.refused
    assert account.encode() == stored
    assert head_of(stored).due == account.due
    return other


@given(configs, histories(), st.integers(0, 2**32))
@SLOW
def test_storing_and_reading_the_state_at_any_point_changes_nothing(
    config: DetectionConfig, history: History, seed: int
) -> None:
    random = Random(seed)

    def sometimes(plain: Plain, _: int) -> Plain:
        return through_the_store(plain, config) if random.random() < 0.5 else plain

    assert told(config, history, sometimes) == told(config, history)


@given(configs, histories(), st.integers(0, 2**32))
@SLOW
def test_habits_that_were_stored_days_ago_come_to_what_they_are(
    config: DetectionConfig, history: History, seed: int
) -> None:
    """A row is stored when its account changes in more than its habits."""
    plain, stored = begun(config), b""
    cut = Random(seed).randrange(len(history.events) + 1)
    for event in history.events[:cut]:
        plain.apply(event)
    account = plain.account(ACCOUNT)
    for _ in range(60):
        stored, said = account.encode(), len(plain.told.get(ACCOUNT, []))
        plain.close(max(plain.engine.closes_at, BEGINS))
        for _ in range(Random(seed).randrange(5)):
            plain.close(plain.engine.closes_at)
        before = Account.decode(ACCOUNT, stored)
        if said == len(plain.told.get(ACCOUNT, [])) and _apart_from_habits(account) == _apart_from_habits(before):
            at = plain.engine.rules.calendar.close_of(plain.engine.habits.closed)
            fleet = plain.engine.learnt.encode()
            assert settled({ACCOUNT: stored}, config, at, fleet)[ACCOUNT].encode() == account.encode()


def _apart_from_habits(account: Account) -> list[object]:
    """What a day may change by which the account is stored anew."""
    breadth = account.habits.facet(BREADTH, account.row)
    calm = (account.habit.calm_day, -1 if breadth is None else breadth.calm_day)
    return [*orjson.loads(account.encode())[4:], *calm, account.habit.monitored_day]


@given(configs, histories(), st.integers(0, 2**32))
@SLOW
def test_the_rest_of_a_history_replayed_from_a_stored_state_gives_the_rest(
    config: DetectionConfig, history: History, seed: int
) -> None:
    cut = Random(seed).randrange(len(history.events) + 1)
    first = begun(config)
    first.account(ACCOUNT)
    for event in history.events[:cut]:
        first.apply(event)
    said, refused = list(first.told.get(ACCOUNT, [])), list(first.refused)
    for _ in range(2):  # a crash after the second half, and once more
        first.told, first.refused = {ACCOUNT: list(said)}, list(refused)
        second = through_the_store(first, config)
        for event in history.events[cut:]:
            second.apply(event)
        assert ended(second, history) == told(config, history)
