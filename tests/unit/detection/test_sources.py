"""Which sources an account's activity comes from, and what the fleet learns of them."""

from __future__ import annotations

import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.detection.habits import Habits
from streams.detection.source_learning import SourceLearning
from streams.detection.source_sums import SourceSums
from streams.detection.sources import HALF_LIFE, REST, SOURCES, TRACKED, UNTRACKED, Sources, bucket_of

LAYOUT = (bucket_of("web"), bucket_of("mobile"), *UNTRACKED[2:])
ROWS = np.arange(3)


def one_day(sources: Sources, day: int, y: list[float], before: float = -1.0) -> None:
    events = np.array(y)
    counts = sources.counts(day, events, LAYOUT)
    if counts is not None:
        sources.fold(ROWS, counts, np.array([60.0, 60.0, 60.0]), day, np.full(3, before))
    sources.close(day)


def test_a_share_is_what_came_from_a_source_with_a_half_life() -> None:
    sources = Sources()
    sources.count(0, 100, "web", 3)
    sources.count(1, 100, "web", 1)
    sources.count(1, 100, "mobile", 2)
    sources.count(1, 100, "fax", 4)
    one_day(sources, 100, [3.0, 7.0, 5.0])
    shares = sources.of(ROWS)
    assert shares[:, 0] == pytest.approx([60 / 63, 3 / 63, *[0] * (SOURCES - 2)])
    assert shares[[0, 1, 2, REST], 1] == pytest.approx([60 / 67, 1 / 67, 2 / 67, 4 / 67])
    assert shares[:, 2].tolist() == [1.0, *[0.0] * (SOURCES - 1)], "it never named a source"
    sources.count(0, 100 + int(HALF_LIFE), "mobile", 10)
    one_day(sources, 100 + int(HALF_LIFE), [10.0, 0.0, 0.0], before=100.0)
    assert sources.of(ROWS)[:3, 0] == pytest.approx([30 / 41.5, 1.5 / 41.5, 10 / 41.5])


def test_one_day_without_named_sources_costs_nothing() -> None:
    sources = Sources()
    one_day(sources, 100, [3.0, 7.0, 5.0])
    assert sources.shares.size == 0
    assert sources.pack(0) == ""


def test_who_is_not_tracked_any_more_is_one_of_the_rest() -> None:
    sources = Sources()
    sources.count(0, 100, "web", 60)
    one_day(sources, 100, [60.0, 0.0, 0.0])
    sources.relay(ROWS, LAYOUT, (-1, *LAYOUT[1:]))
    assert sources.of(ROWS)[[0, 1, REST], 0].tolist() == [0.5, 0.0, 0.5]


@example([(1, 100, 1, 1), (0, 100, 0, 1), (1, 100, 0, 1)])
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(100, 103), st.integers(0, 40), st.integers(1, 10**6))))
def test_a_row_comes_back_as_it_was_packed(events: list[tuple[int, int, int, int]]) -> None:
    habits, again = Habits(), Habits()
    for each in (habits, again):
        for row in range(3):
            each.row(f"a-{row}")
    for row, day, name, quantity in events:
        habits.sources.count(row, day, f"source-{name}", quantity)
    habits.sources.fold(ROWS, np.ones((SOURCES, 3)) * [0.0, 1.0, 2.0], np.array([1.0, 2.0, 3.0]), 99, np.full(3, -1.0))
    for row in range(3):
        again.unpack(f"a-{row}", habits.pack(row))
        assert habits.pack(row) == again.pack(row)
        assert len(habits.pack(row)) < 1_800, "it is within the beginning of a stored account"
    assert again.sources.open == habits.sources.open
    assert (again.sources.of(ROWS) == habits.sources.of(ROWS)).all()


def test_an_account_with_a_source_for_each_event_is_bounded() -> None:
    sources = Sources()
    for number in range(1_000):
        sources.count(0, 100, f"session-{number}" + "x" * 300, 1)
    assert len(sources.open[100]) <= 17
    assert sum(each[0] for each in sources.open[100].values()) == 1_000
    assert all(len(name) <= 64 for _, name in sources.names[100].values())


def sums_of(random: np.random.Generator) -> SourceSums:
    sums = SourceSums()
    sums.of = random.integers(0, 1 << 30, (SOURCES, 3))
    sums.silence = random.integers(0, 1 << 30, (SOURCES, 3))
    for number in random.integers(0, 30, 12).tolist():
        bucket = bucket_of(f"s-{number}")
        sums.active[bucket] = int(random.integers(1, 90))
        sums.names[bucket] = (int(random.integers(1, 9)), f"s-{number}")
    return sums


@given(st.integers(0, 2**32), st.integers(1, 5))
def test_sums_of_several_homes_add_up_to_the_same_in_any_order(seed: int, homes: int) -> None:
    parts = [sums_of(np.random.default_rng([seed, home])) for home in range(homes)]
    forth, back = SourceSums(), SourceSums()
    for one, other in zip(parts, reversed(parts), strict=True):
        forth += SourceSums.unpack(orjson.loads(orjson.dumps(one.pack())))
        back += other
    assert (forth.pack() or [])[::2] == (back.pack() or [])[::2]
    assert (forth.active, forth.names) == (back.active, back.names)


@given(st.integers(0, 2**32), st.integers(2, 120), st.integers(1, 5))
def test_what_is_said_of_a_source_is_the_same_however_its_accounts_are_parted(
    seed: int, accounts: int, homes: int
) -> None:
    random = np.random.default_rng(seed)
    mu, counts = random.uniform(0.0, 9.0, accounts), np.zeros((SOURCES, accounts))
    shares = random.uniform(0.0, 1.0, (SOURCES, accounts))
    whole, parted = SourceSums(), SourceSums()
    whole.add(mu, counts, shares, 0.1)
    for rows in np.array_split(np.arange(accounts), homes):
        home = SourceSums()
        home.add(mu[rows], counts[:, rows], shares[:, rows], 0.1)
        parted += home
    assert [whole.of_source(each) for each in range(SOURCES)] == [parted.of_source(each) for each in range(SOURCES)]


def seen(learning: SourceLearning, days: int, accounts: dict[str, int]) -> None:
    for day in range(days):
        sums = SourceSums()
        for name, active in accounts.items():
            sums.active[bucket_of(name)] = active
            sums.names[bucket_of(name)] = (9, name)
        learning.decide(day % 7, sums, 1.0)


def names_of(learning: SourceLearning) -> set[str]:
    sources = learning.decide(0, SourceSums(), 1.0)
    return set() if sources is None else {name for name in sources.names if name} - {"product", "other"}


def test_the_busiest_sources_are_tracked_and_keep_their_place_until_another_is_twice_as_busy() -> None:
    learning = SourceLearning()
    busy = {f"s-{number}": 100 + 10 * number for number in range(12)}
    seen(learning, 90, busy)
    assert names_of(learning) == {f"s-{number}" for number in range(12 - TRACKED, 12)}
    layout = learning.layout
    seen(learning, 90, busy | {"s-0": 170})
    assert learning.layout == layout
    seen(learning, 200, busy | {"s-0": 400})
    assert "s-0" in names_of(learning)
    assert sum(old != new for old, new in zip(layout, learning.layout, strict=True)) == 1


def test_a_source_that_hardly_anyone_uses_is_not_tracked() -> None:
    learning = SourceLearning()
    seen(learning, 300, {"bot": 1})
    assert learning.layout == UNTRACKED
