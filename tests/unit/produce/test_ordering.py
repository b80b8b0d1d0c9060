"""Sorting in bounded memory is sorting."""

import tracemalloc
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from schemas.events import InputTopic
from streams.produce.ordering import in_time_order
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
