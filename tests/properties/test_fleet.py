"""Into how many homes a fleet is dealt, who works when and who crashes: each account says the same, and its habits are
the same."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.detection import fleet_learning
from streams.detection.fleet import NEUTRAL
from streams.detection.fleet_log import FleetLog
from tests.examples import examples
from tests.properties.input_logs import CONFIG, World, world_of
from tests.properties.shuffled import Ran, Ways, shared, undisturbed
from tests.properties.test_home import settled

SLOW = settings(deadline=None, max_examples=examples(25), suppress_health_check=list(HealthCheck))
seeds = st.integers(0, 2**32)


@pytest.fixture(autouse=True, scope="module")
def small_fleets_speak() -> Iterator[None]:
    with patch.object(fleet_learning, "FEWEST", 1):
        yield


@st.composite
def fleets(draw: st.DrawFn) -> World:
    """Up to nine accounts, long enough for some to be old enough to speak for the fleet."""
    return world_of(draw(seeds), accounts=draw(st.integers(2, 9)), days=draw(st.integers(40, 70)))


@given(fleets(), seeds, st.integers(1, 4), st.sampled_from([0.0, 0.3]))
@SLOW
def test_homes_that_share_a_fleet_come_to_what_one_home_comes_to(
    world: World, seed: int, homes: int, crash: float
) -> None:
    one = undisturbed(world, CONFIG)
    several = shared(world, CONFIG, Ways(crash=crash), seed, homes)
    assert {name: said for each in several for name, said in each.told.items()} == one.told
    assert {name: row for each in several for name, row in rows(world, each).items()} == rows(world, one)


def rows(world: World, had: Ran) -> dict[str, bytes]:
    return settled(world, had)


def test_such_a_fleet_learns() -> None:
    """Else the property above would say little."""
    ran = undisturbed(world_of(1, accounts=9, days=70), CONFIG)
    learnt = FleetLog(CONFIG, stored=ran.fleet)
    assert learnt.known.median_rate != NEUTRAL.median_rate or learnt.known.weekday_profile != NEUTRAL.weekday_profile
    assert any(learnt.of(day).factor != 1.0 for day in range(learnt.decided - 30, learnt.decided))
