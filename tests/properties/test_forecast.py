"""What days without events will add to an account's scores, against folding them in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detection.calendar import weekday
from streams.detection.fleet import FleetDay
from streams.detection.fold import fold
from streams.detection.forecast import sums
from streams.detection.habits import (
    ACTIVE,
    ACTIVE_EXPOSURE,
    ACTIVE_TOTAL,
    ACTIVE_WEEK,
    CLOCK,
    COLUMNS,
    DENOMINATOR,
    EVENTS,
    EXPOSURE,
    FIRST_DAY,
    NUMERATOR,
    QUIET,
    SCORE,
    WEEK,
    WEEK_TOTAL,
    Habit,
)

PROFILE = (1.3, 1.2, 1.1, 1.2, 1.0, 0.4, 0.8)
FLEET = FleetDay(
    weekday_profile=PROFILE, median_rate=0.7, dispersion=0.8, active_profile=PROFILE[::-1], median_active_rate=0.3
)
counts = st.floats(0.0, 500.0)


@given(
    learnt=st.dictionaries(
        st.sampled_from([EVENTS, EXPOSURE, NUMERATOR, DENOMINATOR, ACTIVE, ACTIVE_EXPOSURE]), counts
    ),
    week=st.lists(counts, min_size=7, max_size=7),
    active=st.lists(st.floats(0.0, 20.0), min_size=7, max_size=7),
    day=st.integers(20_000, 20_006),
)
def test_each_day_without_events_adds_what_folding_it_in_does(
    learnt: dict[int, float], week: list[float], active: list[float], day: int
) -> None:
    v = np.zeros((COLUMNS, 1))
    for column, value in learnt.items():
        v[column] = value
    v[WEEK:WEEK_TOTAL, 0], v[WEEK_TOTAL] = week, sum(week)
    v[ACTIVE_WEEK:ACTIVE_TOTAL, 0], v[ACTIVE_TOTAL] = active, sum(active)
    v[FIRST_DAY], v[SCORE] = day - 100, 5.0  # from 4 on, a silence teaches nothing of the dispersion
    told = sums(Habit(v[:, 0].tolist()), day, FLEET)
    for ahead in range(1, 8):
        before = v.copy()
        fold(v, np.zeros(1), day + ahead, weekday(day + ahead), FLEET)
        folded = [float((v - before)[column, 0]) for column in (SCORE, QUIET, CLOCK)]
        added = [after - so_far for after, so_far in zip(told[ahead], told[ahead - 1], strict=True)]
        assert added == pytest.approx(folded, rel=1e-9, abs=1e-9)
