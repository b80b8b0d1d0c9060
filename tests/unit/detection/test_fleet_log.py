"""How homes agree on the fleet's days: by the order of one log, whatever else happens."""

from __future__ import annotations

import json
from random import Random

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import StateError
from streams.detection.calibration import SILENCE, count
from streams.detection.config import DetectionConfig
from streams.detection.day_sums import DaySums
from streams.detection.fleet_learning import WIDTH
from streams.detection.fleet_log import FleetLog, cut, offer

CONFIG = DetectionConfig()
FIRST = 20_000


def sums(seed: int) -> DaySums:
    """Of a home with some hundred accounts."""
    rng = np.random.default_rng(seed)
    found = DaySums()
    found.fleet = rng.integers(0, 300 << 20, WIDTH)
    found.fleet[10:] = rng.integers(0, 3, WIDTH - 10)
    found.calibration.book(SILENCE, rng.integers(0, 6, 40), rng.exponential(2.0, 40))
    found.calibration.watch(np.arange(6), rng.uniform(300, 900, 6))
    found.watched = rng.integers(0, 200, 6)
    count(found.calibration.acted, SILENCE, rng.integers(0, 6, 4), rng.exponential(2.0, 4))
    count(found.ongoing, SILENCE, rng.integers(0, 6, 40), rng.exponential(2.0, 40))
    return found


def log_of(partitions: int, days: int, random: Random) -> list[bytes]:
    """Each home's offers in order, those of several homes in any, some of them twice."""
    waiting = {
        partition: [offer(partition, FIRST + day, sums(100 * day + partition)) for day in range(days)]
        for partition in range(partitions)
    }
    log = []
    while waiting:
        partition = random.choice(list(waiting))
        log.append(waiting[partition].pop(0))
        if random.random() < 0.2:
            log.append(random.choice(log))
        if not waiting[partition]:
            del waiting[partition]
    return log


def read(log: list[bytes], learnt: FleetLog) -> FleetLog:
    for offset, record in enumerate(log[learnt.position :], learnt.position):
        learnt.take(offset, record)
    return learnt


def same(one: FleetLog, other: FleetLog) -> None:
    assert one.decided == other.decided
    assert one.known == other.known
    assert [one.of(day) for day in range(FIRST, one.decided + 1)] == [
        other.of(day) for day in range(FIRST, one.decided + 1)
    ]
    for rate in (0.05, 0.2, 0.5, 2.0, 5.0, 20.0):
        assert one.thresholds.of(rate) == other.thresholds.of(rate)


@pytest.mark.slow
@given(st.integers(1, 4), st.integers(1, 20), st.integers(0, 2**32), st.floats(0, 1))
def test_in_whatever_order_homes_offer_and_wherever_one_begins_again_all_come_to_the_same(
    partitions: int, days: int, seed: int, stored_at: float
) -> None:
    random = Random(seed)
    one = read(log_of(partitions, days, random), FleetLog(CONFIG, partitions))
    log = log_of(partitions, days, random)
    half = read(log[: int(stored_at * len(log))], FleetLog(CONFIG, partitions))
    again = read(log, FleetLog(CONFIG, partitions, half.encode()))
    assert one.decided == FIRST + days - 1
    same(one, again)
    assert again.position == len(log)


def test_it_learns_the_day_and_the_thresholds() -> None:
    learnt = read(log_of(2, 15, Random(1)), FleetLog(CONFIG, 2))
    cold = FleetLog(CONFIG, 2)
    assert learnt.of(FIRST + 1).factor != 1.0
    assert learnt.known != cold.known
    assert learnt.thresholds.of(0.5).silence != cold.thresholds.of(0.5).silence


def test_a_home_that_has_nothing_before_a_day_is_not_waited_for_until_then() -> None:
    learnt = FleetLog(CONFIG, 2)
    learnt.take(0, offer(0, FIRST, sums(1)))
    assert (learnt.decided, learnt.waits_for) == (-1, FIRST)
    learnt.take(1, offer(1, FIRST + 1, None))
    assert learnt.decided == FIRST
    learnt.take(2, offer(0, FIRST + 1, sums(2)))
    assert learnt.decided == FIRST, "the other one has that day, and has not offered it yet"
    learnt.take(3, offer(1, FIRST + 1, sums(3)))
    assert learnt.decided == FIRST + 1


def test_a_day_that_is_cut_off_is_decided_without_those_that_are_late_once_for_all() -> None:
    early, late = sums(1), offer(1, FIRST, sums(2))
    learnt = FleetLog(CONFIG, 2)
    for offset, record in enumerate([offer(0, FIRST, early), cut(FIRST), cut(FIRST), late]):
        learnt.take(offset, record)
    alone = FleetLog(CONFIG)
    alone.take(0, offer(0, FIRST, early))
    same(learnt, alone)
    assert learnt.left_out == 1


def test_somebody_who_begins_anew_is_to_be_answered() -> None:
    learnt = FleetLog(CONFIG, 2, position=7)
    for offset, record in enumerate([offer(0, FIRST + 9, sums(1)), offer(1, FIRST + 9, sums(2))], 7):
        learnt.take(offset, record)
    assert not learnt.asked_again
    learnt.take(9, offer(1, FIRST, None))
    assert learnt.asked_again


@pytest.mark.parametrize(
    "record", [b"\xff\x00", b"", b"null", b"[3,0,20000,null]", b"fleet", b"fleet{}", b"fleet[1,0]"]
)
def test_what_is_no_record_of_the_log_changes_nothing(record: bytes) -> None:
    learnt = FleetLog(CONFIG)
    learnt.take(0, record)
    learnt.take(1, offer(0, FIRST, sums(1)))
    assert learnt.decided == FIRST
    assert learnt.foreign == [(0, record)]


def test_what_the_version_before_wrote_is_read_without_what_it_did_not_know() -> None:
    first = DaySums()
    first.calibration.book(SILENCE, np.arange(6), np.full(6, 2.0))
    log = [b"fleet" + orjson.dumps((1, 0, FIRST + day, first.pack())) for day in range(12)]
    learnt = FleetLog(CONFIG)
    read(log, learnt)
    for version in (2, 3, 4):
        now = FleetLog(CONFIG)
        read([record.replace(b"[1,", b"[%d," % version, 1) for record in log], now)
        same(learnt, now)
    _, *values = orjson.loads(now.encode())
    values[13].pop()
    for version in (5, 6):
        assert FleetLog(CONFIG, stored=orjson.dumps([version, *values])).encode() == now.encode()
    del values[-1]
    assert FleetLog(CONFIG, stored=orjson.dumps([4, *values])).encode() == now.encode()
    del values[-1]
    assert FleetLog(CONFIG, stored=orjson.dumps([3, *values])).encode() == now.encode()
    del values[8:10]
    assert FleetLog(CONFIG, stored=orjson.dumps([2, *values])).encode() == now.encode()


@pytest.mark.parametrize("broken", [b"fleet[5,0,20000,null]", b"fleet[0,null,20000,null]"])
def test_what_another_version_wrote_is_told(broken: bytes) -> None:
    learnt = FleetLog(CONFIG)
    with pytest.raises(StateError, match="version"):
        learnt.take(0, broken)
    stored = orjson.loads(learnt.encode())
    with pytest.raises(StateError, match="version"):
        FleetLog(CONFIG, stored=orjson.dumps([9, *stored[1:]]))


@pytest.mark.parametrize(
    "value",
    [
        [float("nan"), 0, FIRST, None],
        ["2", 0, FIRST, None],
        {"a": 1},
        {},
        [2],
        [2, "0", FIRST, None],
        [2, True, FIRST, None],
        [2, [0], FIRST, None],
        [2, -1, FIRST, None],
        [2, 2, FIRST, None],
        [2, 0, 1e400, None],
        [2, 0, 10**30, None],
        [2, 0, -1, None],
        [2, 0, 50_000, None],
        [2, None, "1", None],
        [2, 0, 10**12, [[0, 1]], True],
        [2, 0, FIRST, 7],
        [2, 0, FIRST, {"a": 1}],
        [2, 0, FIRST, [[0], [2**70]]],
        [2, 0, FIRST, [[0], [1], "x", "y", "z", 3]],
        [2, 0, FIRST, [[10**9], [1], None, None]],
    ],
)
def test_what_is_no_offer_is_passed_over_and_decides_nothing(value: object) -> None:
    record = b"fleet" + json.dumps(value).encode()
    log = [offer(0, FIRST, sums(1)), offer(1, FIRST, sums(2))]
    undisturbed, disturbed = read(log, FleetLog(CONFIG, 2)), FleetLog(CONFIG, 2)
    read([record, log[0], record, log[1]], disturbed)
    assert [offset for offset, _ in disturbed.foreign] == [0, 2]
    assert disturbed.decided == undisturbed.decided == FIRST
    assert disturbed.of(FIRST).pack() == undisturbed.of(FIRST).pack()


@given(st.integers(1, 3), st.integers(1, 9), st.integers(0, 2**32))
def test_whether_a_record_decides_a_day_is_known_before_it_is_taken(partitions: int, days: int, seed: int) -> None:
    random = Random(seed)
    log = log_of(partitions, days, random)
    for _ in range(3):  # homes that begin anew, days that are cut off, and what is nobody's
        other = random.choice(
            [offer(random.randrange(partitions), FIRST + random.randrange(days), None), cut(FIRST + days), b"?"]
        )
        log.insert(random.randrange(len(log)), other)
    learnt = FleetLog(CONFIG, partitions)
    for offset, record in enumerate(log):
        before, decides = learnt.decided, learnt.decides(record)
        learnt.take(offset, record)
        assert decides is (learnt.decided != before)
    assert learnt.decided > 0
