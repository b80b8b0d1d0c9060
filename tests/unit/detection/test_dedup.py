"""What has been seen before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.detection.dedup import Dedup

WINDOW, LIMIT = 48, 4_096


def admit(dedup: Dedup, event_id: int, hour: int) -> bool:
    return dedup.admit(event_id, hour, WINDOW, LIMIT) >= 0


def test_an_id_is_known_for_the_window_and_new_after_it() -> None:
    dedup = Dedup()
    assert admit(dedup, 7, 1000)
    assert not admit(dedup, 7, 1000)
    assert not admit(dedup, 7, 1048)
    assert admit(dedup, 7, 1049)
    assert not admit(dedup, 7, 1090)


def test_what_is_past_the_window_is_forgotten() -> None:
    dedup = Dedup()
    for hour in range(1000):
        assert admit(dedup, hour, hour)
    assert len(dedup) <= WINDOW + 25


def test_too_many_ids_push_out_the_oldest_and_are_counted() -> None:
    dedup = Dedup()
    forgotten = [dedup.admit(event_id, 5, WINDOW, 32) for event_id in range(100)]
    assert sum(forgotten) + len(dedup) == 100
    assert len(dedup) <= 32
    assert [dedup.admit(event_id, 5, WINDOW, 32) for event_id in (99, 98, 90)] == [-1, -1, -1]
    assert dedup.admit(0, 5, WINDOW, 32) >= 0


def test_a_limit_of_one_keeps_the_last() -> None:
    dedup = Dedup()
    assert [dedup.admit(event_id, 5, WINDOW, 1) for event_id in (1, 2, 2, 1)] == [0, 1, -1, 1]


@given(st.lists(st.tuples(st.integers(0, 2**63 - 1) | st.integers(0, 20), st.integers(0, 40)), max_size=200))
def test_stored_and_read_back_it_answers_the_same(steps: list[tuple[int, int]]) -> None:
    dedup, hour = Dedup(), 480_000
    for event_id, later in steps:
        hour += later
        read = Dedup.decode(dedup.encode())
        assert read.encode() == dedup.encode()
        assert read.admit(event_id, hour, WINDOW, 30) == dedup.admit(event_id, hour, WINDOW, 30)
        assert read.encode() == dedup.encode()


def test_an_id_costs_eleven_bytes() -> None:
    dedup = Dedup()
    for event_id in range(4_000):
        admit(dedup, event_id << 50, 480_000 + event_id // 100)
    _, runs, packed = dedup.encode()
    assert len(packed) / 4_000 < 11
    assert len(runs) == 80
