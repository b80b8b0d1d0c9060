"""Due times in closed form, against counting day by day."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.detection.due import silent_days_until

gains = st.lists(st.floats(0.02, 5.0), min_size=7, max_size=7)


def walked(need: float, each: list[float], first: int) -> int:
    days, had = 0, 0.0
    while True:
        had += each[(first + days) % 7]
        days += 1
        if had >= need:
            return days


@given(st.floats(0.0, 400.0), gains, st.integers(0, 6))
def test_it_is_the_day_that_a_walk_finds(need: float, each: list[float], first: int) -> None:
    # But for a billionth part, by which it may be early: the sums are not rounded alike.
    assert walked(need * (1 - 2e-9), each, first) <= silent_days_until(need, each, first) <= walked(need, each, first)


@given(st.integers(1, 300), gains, st.integers(0, 6))
def test_on_the_very_edge_it_is_never_late(days: int, each: list[float], first: int) -> None:
    need = sum(each[(first + day) % 7] for day in range(days))
    assert days - 1 <= silent_days_until(need, each, first) <= days
