"""An event's place follows from the records of its input partition alone, and never lies before what was announced."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Reason, Rejected
from schemas.events import InputTopic
from schemas.instants import format_instant
from schemas.shuffle import Fact, Usage
from schemas.usage import UsageEvent
from streams.detection.origin import Origin
from tests.properties.input_logs import BEGINS, OUT_OF_ORDER_MS, Entry
from tests.properties.shuffled import take

HOMES = 3
ACCOUNTS = ["a", "b", "c", "d"]
times = st.integers(BEGINS, BEGINS + 4 * OUT_OF_ORDER_MS)
entries = st.lists(
    st.one_of(
        st.builds(UsageEvent, account_id=st.sampled_from(ACCOUNTS), event=st.just("click"), occurred_at=times),
        times.map(lambda at: format_instant(at).encode()),
    ),
    max_size=30,
)


def origin(clock: int | None = None, tolerance: int = 0) -> Origin:
    return Origin(
        InputTopic.USAGE,
        "usage/0",
        homes=HOMES,
        home_of=lambda account: ACCOUNTS.index(account) % HOMES,
        out_of_order=OUT_OF_ORDER_MS,
        future_tolerance=tolerance,
        clock=clock,
    )


def usage(at: int, account: str = "a") -> UsageEvent:
    return UsageEvent(account_id=account, event="click", occurred_at=at)


def read(log: list[Entry], seed: int | None, *, announce: bool = False) -> list[list[Usage | Fact]]:
    """Each home's events; in batches of a schedule with restarts from the committed clock, or at once. Checks that
    records go on where those before ended, and that no place lies before an announced clock."""
    random = Random(seed)
    homes: list[list[Usage | Fact]] = [[] for _ in range(HOMES)]
    said: list[int | None] = [None] * HOMES
    lasts = [-1] * HOMES
    reader, offset = origin(), 0
    while offset < len(log):
        upto = len(log) if seed is None else min(len(log), offset + random.randint(1, 5))
        for number in range(offset, upto):
            take(reader, number, log[number])
        wall = BEGINS + random.randrange(4 * OUT_OF_ORDER_MS) if announce and random.random() < 0.3 else None
        most = random.choice([1, 2, 2_000])
        for home, records in enumerate(reader.deal(upto - 1, caught_up=True, clock=wall, most=most)):
            assert records
            for record in records:
                assert len(record.events) <= most
                before = said[home]
                assert before is None or all(event.effective_at >= before for event in record.events)
                assert all(lasts[home] < event.offset <= record.last for event in record.events)
                homes[home] += record.events
                if record.clock is not None:
                    assert before is None or record.clock >= before
                    said[home] = record.clock
                lasts[home] = record.last
            assert records[-1].last == upto - 1
            assert [record.caught_up for record in records] == [False] * (len(records) - 1) + [True]
            assert records[-1].clock == reader.clock
            if wall is not None:
                assert records[-1].clock is not None
                assert records[-1].clock >= wall
        offset = upto
        if seed is not None and random.random() < 0.3:
            reader = origin(reader.clock)
    return homes


@given(entries, st.integers(0, 2**32))
def test_batches_and_restarts_change_no_events_place(log: list[Entry], seed: int) -> None:
    assert read(log, seed) == read(log, None)


@given(entries, st.integers(0, 2**32))
def test_a_wall_clock_that_was_announced_is_kept_to(log: list[Entry], seed: int) -> None:
    events = [event for home in read(log, seed, announce=True) for event in home]
    assert len(events) == sum(isinstance(entry, UsageEvent) for entry in log)
    assert all(event.effective_at >= event.at for event in events)


def places(log: list[Entry]) -> list[int]:
    """Minutes after the beginning."""
    found = [event for home in read(log, None) for event in home]
    return [(event.effective_at - BEGINS) // 60_000 for event in sorted(found, key=lambda event: event.offset)]


def test_within_the_allowed_out_of_orderness_an_event_keeps_its_time_and_beyond_it_takes_the_clocks() -> None:
    minutes = [0, 30, 20, 19, 5, 31, 21, 20]
    assert places([usage(BEGINS + minute * 60_000) for minute in minutes]) == [0, 30, 20, 20, 20, 31, 21, 21]


def test_a_marker_moves_the_clock_to_its_time_and_never_back() -> None:
    log: list[Entry] = [usage(BEGINS), format_instant(BEGINS + 60_000 * 60).encode(), usage(BEGINS + 60_000 * 59)]
    assert places([*log, format_instant(BEGINS).encode(), usage(BEGINS + 1)]) == [0, 60, 60]


def test_what_comes_from_the_future_of_its_record_is_refused_and_moves_no_clock() -> None:
    reader = origin(tolerance=1_000)
    refusal = reader.take(0, usage(BEGINS + 1_001), BEGINS)
    assert isinstance(refusal, Rejected)
    assert (refusal.reason, refusal.field) == (Reason.TIME_IN_FUTURE, "occurred_at")
    marker = reader.mark(format_instant(BEGINS + 1_001).encode(), BEGINS)
    assert marker is not None
    assert marker.reason is Reason.TIME_IN_FUTURE
    assert reader.clock is None
    assert reader.take(1, usage(BEGINS + 1_000), BEGINS) is None
    assert reader.mark(format_instant(BEGINS + 1_000).encode(), BEGINS) is None
    assert reader.clock == BEGINS + 1_000


def test_a_marker_without_a_time_is_refused() -> None:
    reader = origin()
    for text in (b"", b"yesterday", b"2025-01-01T00:00:00", b"\xff"):
        refusal = reader.mark(text, None)
        assert refusal is not None
        assert refusal.reason is Reason.INVALID_FIELD
    assert reader.clock is None
