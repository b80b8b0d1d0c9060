"""Replaying at a multiple of real time."""

import pytest

from streams.produce.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_an_hour_at_sixty_times_takes_a_minute() -> None:
    clock = Clock()
    pace = Pace(60.0, clock)
    assert pace.wait(5_000_000) == 0.0
    assert pace.wait(5_000_000 + 3_600_000) == pytest.approx(60.0)
    clock.seconds += 45
    assert pace.wait(5_000_000 + 3_600_000) == pytest.approx(15.0)


def test_what_is_overdue_is_sent_at_once_and_the_rest_catches_up() -> None:
    clock = Clock()
    pace = Pace(1.0, clock)
    pace.wait(0)
    clock.seconds += 10
    assert pace.wait(4_000) == 0.0
    assert pace.wait(11_000) == pytest.approx(1.0)


def test_without_a_speed_nothing_waits() -> None:
    pace = Pace(None, Clock())
    assert pace.wait(0) == pace.wait(10**12) == 0.0


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_speed_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Pace(speed, Clock())
