"""Sorting in bounded memory is sorting."""

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import InputTopic
from streams.produce.ordering import Sorted, in_time_order
from streams.produce.record import InputRecord

records = st.lists(
    st.builds(
        InputRecord,
        at=st.integers(0, 20),
        topic=st.sampled_from(InputTopic),
        account=st.text(max_size=3),
        value=st.binary(max_size=3),
    ),
    max_size=60,
)


@given(records, st.integers(1, 70))
def test_the_result_is_the_stable_sort_by_time_whatever_fits_into_memory(given_: list[InputRecord], chunk: int) -> None:
    assert list(in_time_order(given_, chunk)) == sorted(given_, key=lambda record: record.at)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers()), max_size=60), st.integers(1, 20), st.integers(1, 8))
def test_runs_of_several_blocks_are_merged_stably_and_as_often_as_asked(
    items: list[tuple[int, int]], chunk: int, block: int
) -> None:
    with Sorted(items, chunk, block) as ordered:
        for _ in range(2):
            assert [each for part in ordered.blocks() for each in part] == sorted(items, key=lambda item: item[0])


@pytest.mark.slow
def test_memory_is_bounded_by_the_chunk() -> None:
    def many() -> Iterator[InputRecord]:
        for number in range(60_000):
            yield InputRecord(-number % 10_007, InputTopic.USAGE, f"account {number}", b"v" * 200)

    tracemalloc.start()
    count = sum(1 for _ in in_time_order(many(), chunk=3_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 60_000
    assert peak < 12_000_000  # everything at once would be more than 20 MB
