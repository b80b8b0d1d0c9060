"""What a partition says of a day: to which tier excursions belong, and what is known of those that were acted on."""

from __future__ import annotations

import numpy as np
import pytest

from streams.detection.calibration import CLOCK, DROP, SILENCE
from streams.detection.config import DetectionConfig
from streams.detection.day_sums import DaySums
from streams.detection.fleet import FleetDay
from streams.detection.fold import fold
from streams.detection.habits import ACTED, MONITORED_DAY, SCORE, Habits, rates
from streams.detection.thresholds import Thresholds
from streams.detection.tiers import tiers_of

FLEET = FleetDay()
THRESHOLDS = Thresholds(DetectionConfig())


class One:
    """One account and its days; `total` are the sums of all of them but for what goes on."""

    def __init__(self) -> None:
        self.habits = Habits()
        self.habits.row("acme")
        self.day = 0
        self.total = DaySums()
        self.ongoing = DaySums().ongoing

    @property
    def v(self) -> np.ndarray:
        return self.habits.values[:, :1]

    def live(self, *counts: float) -> One:
        for count in counts:
            y, weekday, sums = np.array([count]), self.day % 7, DaySums()
            sums.add(self.v, y, self.day, weekday, FLEET, THRESHOLDS)
            if self.day % 7 == 0:
                self.ongoing = sums.ongoing
            self.total += sums
            fold(self.v, y, self.day, weekday, FLEET)
            if self.day == 20:
                self.v[MONITORED_DAY] = 20
            self.day += 1
        return self


def test_an_excursion_belongs_to_the_tier_in_which_it_began_and_not_to_that_of_what_it_came_to() -> None:
    account = One().live(*[3.0, 4.0] * 30, *[1.0] * 40)
    while account.v[SCORE, 0] > 0:
        account.live(4.0)
    assert tiers_of(rates(account.v, FLEET))[0] == 3
    account.live(4.0)
    high = account.total.calibration.peaks[DROP][:, 20:]
    assert high.sum(axis=1).tolist() == [0, 0, 0, 0, 1, 0]


def test_what_is_not_over_is_told_once_a_week_as_far_as_it_has_come() -> None:
    account = One().live(*[4.0, 5.0] * 30, *[0.0] * 11)
    assert account.total.calibration.peaks[:, :, 20:].sum() == 0
    assert [account.ongoing[channel].sum() for channel in (DROP, SILENCE, CLOCK)] == [1, 1, 1]
    before = account.ongoing[SILENCE].nonzero()[1][0]
    account.live(*[0.0] * 7)
    assert account.ongoing[SILENCE].nonzero()[1][0] > before
    account.live(*[5.0] * 30)
    assert account.ongoing[[SILENCE, CLOCK]].sum() == 0
    assert account.total.calibration.peaks[CLOCK].sum() == 1


@pytest.mark.parametrize("acted", [False, True])
def test_of_what_was_acted_on_it_is_known_that_it_came_up_to_the_alert(acted: bool) -> None:
    account = One().live(*[4.0, 5.0] * 30, *[0.0] * 20)
    account.v[ACTED] = acted
    account.live(*[5.0] * 9)
    booked = account.total.calibration.acted if acted else account.total.calibration.peaks
    other = account.total.calibration.peaks if acted else account.total.calibration.acted
    assert other[CLOCK].sum() == 0
    ((tier, place),) = np.argwhere(booked[CLOCK])
    level = float(THRESHOLDS.alert(CLOCK, np.array([tier]))[0])
    assert place == int(40 * np.log2(1 + (level if acted else 20.0)))
    assert account.total.calibration.days.sum() > 0, "the time is kept"
    while acted and account.v[SCORE, 0] > 0.0:
        booked_before = account.total.calibration.acted[CLOCK].sum()
        account.live(0.0, 5.0)
        assert account.total.calibration.acted[CLOCK].sum() == booked_before, "the next silence is its own"
        account.live(*[5.0] * 5)
    account.live(*[5.0] * 40)
    assert account.v[SCORE, 0] == 0
    assert account.v[ACTED, 0] == 0, "taken back when all is as it was"


@pytest.mark.parametrize("with_facets", [False, True])
def test_how_accounts_went_on_is_offered_behind_the_rest_and_is_none_of_an_older_offer(with_facets: bool) -> None:
    sums = One().live(*[4.0] * 40).total
    if with_facets:
        sums.facets.of(1).watched[2] = 7
    older = sums.pack()
    sums.sequels.begun[2, 9] += 3
    sums.sequels.follow(("paused", 1, "gold"), lost=True)
    sums.sequels.came[3, 1] += 2
    assert DaySums.unpack(sums.pack()).pack() == sums.pack()
    assert DaySums.unpack(older).sequels.pack() is None
    assert sums.pack()[: len(older)] == older
    total = DaySums.unpack(older)
    for each in (sums, sums):
        total += each
    assert total.sequels.pack() == [[[2, 9, 6]], [["paused", 1, "gold", 2, 2]], [[3, 1, 4]]]
