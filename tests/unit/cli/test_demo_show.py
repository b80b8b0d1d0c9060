"""The demo's course through its simulated days."""

import pytest

from streams.cli.demo.show import LEARNING_DAYS, Show
from streams.simulator.plan import DAY_MS


def test_the_show_takes_its_time_and_hurries_through_the_first_weeks() -> None:
    show = Show(broker="embedded", accounts=10, days=120, seconds=60.0, seed=1)
    assert show.schedule(0) == 0.0
    assert show.schedule(120 * DAY_MS) == pytest.approx(60.0)
    learning, day = show.schedule(LEARNING_DAYS * DAY_MS), show.schedule(81 * DAY_MS) - show.schedule(80 * DAY_MS)
    assert learning == pytest.approx(LEARNING_DAYS / 4 * day)
    times = [show.schedule(hour * 3_600_000) for hour in range(120 * 24)]
    assert times == sorted(times)


def test_a_show_shorter_than_the_first_weeks_still_ends_on_time() -> None:
    show = Show(broker="embedded", accounts=10, days=30, seconds=10.0, seed=1)
    assert show.schedule(30 * DAY_MS) == pytest.approx(10.0)
