"""The plot of an account's days."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from schemas.picture import AccountPicture
from streams.board.plot import WIDTH, Plot, plot_of
from tests.unit.board.kit import alert, picture


def plot(daily: list[int], expected: float | None = None, **fields: Any) -> Plot | None:
    engagement = {"daily": daily, "expected_28d": expected}
    return plot_of(AccountPicture.model_validate_json(json.dumps(picture("a", engagement=engagement, **fields))), UTC)


def test_each_day_with_events_is_a_bar_as_high_as_its_share_of_the_highest() -> None:
    drawn = plot([4, 0, 2])
    assert drawn is not None
    first, last = drawn.bars
    assert (first.about, last.about) == ("30 May 2026: 4 events", "1 June 2026: 2 events")
    assert first.height == 2 * last.height
    assert first.y + first.height == last.y + last.height
    assert (drawn.first, drawn.last, drawn.top) == ("30 May 2026", "1 June 2026", "4")
    assert drawn.rows == (("1 June 2026", 2), ("31 May 2026", 0), ("30 May 2026", 4))


def test_what_is_normal_is_a_line_over_the_days_that_it_is_told_for() -> None:
    drawn = plot([1] * 60, expected=280.0)
    assert drawn is not None
    assert drawn.expected is not None
    start, end, y = drawn.expected
    assert start == drawn.bars[-28].x
    assert end == WIDTH
    assert y < drawn.bars[-1].y
    assert drawn.about.endswith("at most 1, about 10 a day are normal")


def test_an_alert_is_marked_on_its_day_while_that_is_shown() -> None:
    drawn = plot([1] * 10, alerts=[alert(opened_at="2026-05-30T12:00:00Z"), alert(opened_at="2026-01-01T00:00:00Z")])
    assert drawn is not None
    (mark,) = drawn.marks
    bar = drawn.bars[-3]
    assert bar.x <= mark.x <= bar.x + bar.width
    assert mark.about == "usage drop opened on 30 May 2026"


def test_without_activity_there_is_nothing_to_draw() -> None:
    assert plot([]) is None
    assert plot([0] * 60) is None


@given(some.lists(some.integers(0, 10**15), max_size=60), some.none() | some.floats(0, 1e15))
def test_nothing_is_drawn_beyond_the_edges(daily: list[int], expected: float | None) -> None:
    drawn = plot(daily, expected)
    if drawn is not None:
        assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH and 30 <= bar.y <= 196 for bar in drawn.bars)
