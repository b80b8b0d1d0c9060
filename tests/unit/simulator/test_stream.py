"""The stream as a whole: order, repeatability, validity, and how little memory it needs."""

import hashlib
import os
import subprocess
import sys
import tracemalloc
from collections import Counter, deque
from itertools import islice
from pathlib import Path

import orjson
import pytest

from schemas.codec import decode
from schemas.errors import Rejected
from schemas.events import InputTopic, identity, moment
from streams.simulator import Change, FleetPlan, simulate, truths
from streams.simulator.plan import BEGINNINGS, DAY_MS
from streams.simulator.truth import Truth

ROOT = Path(__file__).parents[3]
_OF_ALL_AGES = [change for change in Change if change not in {Change.NONE, *BEGINNINGS}]
ALL_STORIES: dict[Change, float] = dict.fromkeys(_OF_ALL_AGES, 0.99 / len(_OF_ALL_AGES))


def digest(plan: FleetPlan) -> str:
    result = hashlib.sha256()
    for event in simulate(plan):
        result.update(orjson.dumps([event.at, event.topic, event.value]))
    return result.hexdigest()


def test_events_come_in_order_of_time_within_the_span() -> None:
    plan = FleetPlan(accounts=80, days=100, seed=4, shares=ALL_STORIES)
    last = plan.start
    for event in simulate(plan):
        assert last <= event.at < plan.end
        last = event.at


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    program = "from tests.unit.simulator.test_stream import *; print(digest(FleetPlan(accounts=30, days=40, seed=6)))"
    there = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == digest(FleetPlan(accounts=30, days=40, seed=6))


def test_the_bytes_do_not_change_from_one_version_to_the_next() -> None:
    """Figures in reports and benchmarks name a seed. If this must change, say so in the changelog."""
    assert digest(FleetPlan(accounts=20, days=30, seed=1, shares=ALL_STORIES)) == (
        "7f1d8f165c973f6fff0817c799aa0ffb15a10d096b40124ed3aa1935c662f023"
    )


def test_another_seed_gives_another_fleet() -> None:
    assert digest(FleetPlan(accounts=5, days=5, seed=1)) != digest(FleetPlan(accounts=5, days=5, seed=2))


def test_a_larger_fleet_begins_with_the_smaller_one() -> None:
    small, large = FleetPlan(accounts=10, days=30, seed=8), FleetPlan(accounts=40, days=30, seed=8)
    names = {truth.account_id for truth in truths(small)}
    assert truths(large)[:10] == truths(small)
    assert [event for event in simulate(large) if event.value["account_id"] in names] == list(simulate(small))


def test_every_event_is_valid_native_input_at_the_time_it_says() -> None:
    plan = FleetPlan(accounts=120, days=150, seed=5, shares=ALL_STORIES, rate_median=0.5)
    for event in simulate(plan):
        decoded = decode(event.topic, orjson.dumps(event.value))
        assert not isinstance(decoded, Rejected), (event, decoded)
        assert moment(decoded) == event.at


def test_event_ids_are_unique() -> None:
    plan = FleetPlan(accounts=60, days=60, seed=5)
    ids = Counter(
        identity(decoded)
        for event in simulate(plan)
        if event.topic is not InputTopic.ACCOUNTS
        and not isinstance(decoded := decode(event.topic, orjson.dumps(event.value)), Rejected)
    )
    assert None not in ids
    assert max(ids.values()) == 1


@pytest.mark.slow
def test_memory_follows_the_fleet_and_not_the_number_of_events() -> None:
    def peak(days: int) -> int:
        events = simulate(FleetPlan(accounts=40, days=days, seed=1))
        deque(islice(events, 100), maxlen=0)  # the fleet itself is built
        tracemalloc.start()
        deque(events, maxlen=0)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(200) < 2 * peak(20) + 100_000


def test_truth_survives_json() -> None:
    for truth in truths(FleetPlan(accounts=50, shares=ALL_STORIES)):
        assert Truth.from_dict(orjson.loads(orjson.dumps(truth.as_dict()))) == truth


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"accounts": 0}, "at least one account"),
        ({"start": DAY_MS + 1}, "UTC midnight"),
        ({"rate_min": 5.0, "rate_median": 1.0}, "rate_min <= rate_median"),
        ({"shares": {Change.STOP: 0.8, Change.DECAY: 0.3}}, "not above 1"),
        ({"shares": {Change.NONE: 0.1}}, "what the other shares leave"),
        ({"newcomers": 1.5}, "from 0 to 1"),
    ],
)
def test_an_impossible_plan_is_refused_with_its_reason(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        FleetPlan(**fields)  # type: ignore[arg-type]
