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
    pace = Pace.at_speed(60.0, clock)
    assert pace.wait(5_000_000) == 0.0
    assert pace.wait(5_000_000 + 3_600_000) == pytest.approx(60.0)
    clock.seconds += 45
    assert pace.wait(5_000_000 + 3_600_000) == pytest.approx(15.0)


def test_what_is_overdue_is_sent_at_once_and_the_rest_catches_up() -> None:
    clock = Clock()
    pace = Pace.at_speed(1.0, clock)
    pace.wait(0)
    clock.seconds += 10
    assert pace.wait(4_000) == 0.0
    assert pace.wait(11_000) == pytest.approx(1.0)


def test_a_schedule_may_change_its_speed() -> None:
    pace = Pace(lambda elapsed: elapsed / 10_000 if elapsed < 10_000 else elapsed / 1_000 - 9, Clock())
    assert pace.wait(500) == 0.0
    assert pace.wait(5_500) == pytest.approx(0.5)
    assert pace.wait(12_500) == pytest.approx(3.0)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_speed_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Pace.at_speed(speed, Clock())
