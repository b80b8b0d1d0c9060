"""However the events of all origins are batched, interleaved, worked and interrupted: a home partition says the same,
and ends in the same state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.alerts import Transition
from schemas.picture import AccountPicture
from schemas.shuffle import Fact, Usage, encode_shuffle
from streams.detection import home
from streams.detection.engine import Engine
from streams.detection.state import Account
from tests.examples import examples
from tests.plain import in_order
from tests.plain import settled as as_of
from tests.properties.input_logs import CONFIG, World, worlds
from tests.properties.shuffled import Ingest, Partition, Ran, Ways, disturbed, events_of, undisturbed

SLOW = settings(deadline=None, max_examples=examples(60), suppress_health_check=list(HealthCheck))
seeds = st.integers(0, 2**32)


@contextmanager
def forgetful() -> Iterator[None]:
    """Almost nothing stays decoded, and every event is a place to be interrupted at."""
    with patch.object(home, "DECODED", 1), patch.object(home, "BREATH", 1):
        yield


def same(world: World, had: Ran, wanted: Ran) -> None:
    """Each account's transitions in order, its bytes at the end, and the commands that were refused."""
    assert had.told == wanted.told
    assert had.refused == wanted.refused
    assert settled(world, had) == settled(world, wanted)


def settled(world: World, had: Ran) -> dict[str, bytes]:
    """The accounts as they stand at the end. A row is stored when its account changes, and not with every day."""
    return {name: account.encode() for name, account in as_of(had.rows, CONFIG, world.ends_at, had.fleet).items()}


def by_the_engine(world: World) -> tuple[dict[str, list[Transition]], dict[str, bytes]]:
    """The events sorted by place, applied one after the other: no merge, no home."""
    dealt: list[tuple[int, str, int, Usage | Fact]] = [
        (event.effective_at, log.name, event.offset, event)
        for log in world.logs
        for record in Ingest(log).read(len(log.entries), caught_up=True, most=2_000, committed=True)[0]
        for event in record.events
    ]
    plain = in_order(dealt, Engine(CONFIG), world.ends_at)
    return plain.told, {each.id: each.encode() for each in plain.accounts.values()}


@given(worlds())
@SLOW
def test_a_home_says_what_the_engine_says_of_the_events_in_order(world: World) -> None:
    had = undisturbed(world, CONFIG)
    told, rows = by_the_engine(world)
    assert had.told == told
    assert settled(world, had) == rows


@given(worlds(), seeds)
@SLOW
def test_batches_and_moments_of_work_change_nothing(world: World, seed: int) -> None:
    same(world, disturbed(world, CONFIG, Ways(), seed), undisturbed(world, CONFIG))


@given(worlds(), seeds)
@SLOW
def test_crashes_change_nothing(world: World, seed: int) -> None:
    with forgetful():
        same(world, disturbed(world, CONFIG, Ways(crash=0.3), seed), undisturbed(world, CONFIG))


@given(worlds(), seeds)
@SLOW
def test_pictures_that_were_left_for_later_survive_crashes(world: World, seed: int) -> None:
    had = disturbed(world, CONFIG, Ways(crash=0.3), seed)
    totals = {
        name: AccountPicture.model_validate_json(each).engagement.events_total for name, each in had.pictures.items()
    }
    assert totals == {name: Account.decode(name, row).events_total for name, row in had.rows.items()}


@given(worlds(), seeds)
@SLOW
def test_crashes_and_an_ingest_that_repeats_itself_change_nothing(world: World, seed: int) -> None:
    with forgetful():
        same(world, disturbed(world, CONFIG, Ways(crash=0.3, repeat=0.3, record=8), seed), undisturbed(world, CONFIG))


@given(worlds(markers=False), seeds)
@SLOW
def test_without_markers_the_events_own_times_do(world: World, seed: int) -> None:
    same(world, disturbed(world, CONFIG, Ways(crash=0.2, repeat=0.2), seed), undisturbed(world, CONFIG))


@given(worlds(), seeds, st.integers(0, 12))
@SLOW
def test_events_applied_out_of_turn_are_counted_and_each_applied_once(world: World, seed: int, most: int) -> None:
    ways = Ways(crash=0.3, repeat=0.3, most=most)
    exact(world, disturbed(world, CONFIG, ways, seed))


@given(worlds(), seeds)
@SLOW
def test_live_each_event_is_applied_once(world: World, seed: int) -> None:
    exact(world, disturbed(world, CONFIG, Ways(crash=0.3, repeat=0.3, live=True, caught_up=0.95, idle=0.8), seed))


@given(worlds(), seeds)
@SLOW
def test_a_history_that_is_read_live_comes_to_the_same_however_its_records_are_received(
    world: World, seed: int
) -> None:
    """All origins are read to their ends before a home receives anything; and it works as soon as it has a record."""
    random, by_one = Random(seed), Partition(world, CONFIG, Ways(live=True))
    for log in world.logs:
        by_one.log += map(encode_shuffle, Ingest(log).read(len(log.entries), caught_up=True, most=3, committed=True)[0])
    while by_one.position < len(by_one.log):
        by_one.receive(random.randint(1, 3))
        assert by_one.step(idle=True)
    same(world, by_one.finish(), undisturbed(world, CONFIG, Ways(live=True)))


def exact(world: World, had: Ran) -> None:
    """Events without an id, which nothing but the offsets tells from their repetitions, count exactly once."""
    for name in world.accounts:
        events = [event for event in events_of(world, name) if event.__class__.__name__ == "UsageEvent"]
        without = sum(getattr(event, "quantity", 0) for event in events if getattr(event, "event_id", 1) is None)
        every = sum(getattr(event, "quantity", 0) for event in events)
        if name in had.rows:
            total = Account.decode(name, had.rows[name]).events_total
            assert without <= total <= every
            if without == every:
                assert total == every
        else:
            assert not events
