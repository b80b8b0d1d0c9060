"""What all accounts together say about a day."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detection.fleet import FleetDay
from streams.detection.fleet_learning import FleetLearning, sums_of
from streams.detection.fold import fold
from streams.detection.habits import FIRST_DAY, Habits

WEEK = np.array([1.3, 1.4, 1.4, 1.35, 1.15, 0.2, 0.2])


class Lived:
    """A fleet of office accounts, day by day."""

    def __init__(self, accounts: int, seed: int = 1) -> None:
        self.random = np.random.default_rng(seed)
        self.rate = np.exp(self.random.normal(1.0, 1.2, accounts))
        self.habits = Habits()
        for account in range(accounts):
            self.habits.row(str(account))
        self.learning = FleetLearning()
        self.day = 0

    def live(self, days: int, level: float = 1.0) -> list[FleetDay]:
        found = []
        v = self.habits.values[:, : self.rate.size]
        for _ in range(days):
            weekday = self.day % 7
            y = self.random.poisson(self.rate * WEEK[weekday] * level).astype(float)
            fleet = self.learning.decide(weekday, sums_of(v, y, self.day, weekday, self.learning.known))
            fold(v, y, self.day, weekday, fleet)
            found.append(fleet)
            self.day += 1
        return found


def test_a_day_on_which_the_producers_lose_nearly_everything_is_seen_as_one() -> None:
    fleet = Lived(400)
    fleet.live(120)
    for day in fleet.live(5, level=0.05):
        assert day.factor == pytest.approx(0.05, abs=0.04)
        assert day.active_factor < 0.5
    assert all(day.factor == pytest.approx(1.0, abs=0.25) for day in fleet.live(5))


def test_the_factor_stays_near_one_for_years_and_the_week_is_learnt() -> None:
    fleet = Lived(300)
    days = fleet.live(700)
    weekdays = [day.factor for number, day in enumerate(days) if number > 120 and number % 7 < 5]
    assert 0.95 < np.median(weekdays) < 1.08
    assert max(weekdays) < 1.25
    assert days[-1].weekday_profile == pytest.approx(tuple(7 * WEEK / WEEK.sum()), abs=0.25)
    assert days[-1].median_rate == pytest.approx(np.median(fleet.rate), rel=0.2)
    assert days[-1].dispersion < 0.1, "these counts are Poisson's"


@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 5))
def test_the_sums_of_parts_are_the_sums_of_all_to_the_last_bit(seed: int, days: int, parts: int) -> None:
    fleet = Lived(40, seed)
    fleet.live(days)
    v = fleet.habits.values[:, :40]
    y = fleet.random.poisson(fleet.rate).astype(float)
    part = fleet.random.integers(0, parts, 40)
    known = fleet.learning.known
    whole = sums_of(v, y, fleet.day, 3, known)
    added = sum(sums_of(v[:, part == number], y[part == number], fleet.day, 3, known) for number in range(parts))
    assert (whole == added).all()


def test_accounts_in_a_decline_of_their_own_do_not_speak_for_the_fleet() -> None:
    fleet = Lived(300)
    fleet.live(120)
    fleet.rate[:120] = 0.0  # two in five are gone
    fleet.live(30)
    assert np.mean([day.factor for day in fleet.live(7)]) == pytest.approx(1.0, abs=0.1)


def test_a_fleet_of_rare_events_which_most_accounts_leave_after_the_first_is_no_fleet_in_a_mishap() -> None:
    random = np.random.default_rng(4)
    born, stays = random.integers(0, 90, 600), random.random(600) < 0.4
    habits, learning = Habits(), FleetLearning()
    for account in range(born.size):
        habits.row(str(account))
    v = habits.values[:, : born.size]
    factors = []
    for day in range(300):
        y = np.where(born == day, 1.0, (born < day) & stays & (random.random(born.size) < 0.03))
        fleet = learning.decide(day % 7, sums_of(v, y, day, day % 7, learning.known))
        begun = ((v[FIRST_DAY] >= 0) | (y > 0)).nonzero()[0]
        some = v[:, begun]
        fold(some, y[begun], day, day % 7, fleet)
        v[:, begun] = some
        factors.append(fleet.factor)
    assert 0.6 < np.median(factors[90:]) < 1.25
