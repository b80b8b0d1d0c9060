"""How much of an account's baseline is older than a fall."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detection.fleet import FleetDay
from streams.detection.habits import COLUMNS, EVENTS, EXPOSURE, HALF_LIFE, PENDING_EXPOSURE, Habit

FLEET = FleetDay()


@given(known=st.integers(30, 600), days=st.integers(0, 60), pending=st.integers(0, 20), before=st.floats(0.5, 50.0))
def test_it_says_what_a_rate_was_before_it_changed(known: int, days: int, pending: int, before: float) -> None:
    after = 0.6 * before
    events = exposure = 0.0
    for day in range(known + days):
        kept = 0.5 ** (1.0 / HALF_LIFE)
        events = events * kept + (before if day < known else after)
        exposure = exposure * kept + 1.0
    values = [0.0] * COLUMNS
    values[EVENTS], values[EXPOSURE], values[PENDING_EXPOSURE] = events, exposure, pending
    share = Habit(values).learnt_before(days + pending, FLEET)
    assert share * before + (1.0 - share) * after == pytest.approx(events / exposure, rel=0.01)
