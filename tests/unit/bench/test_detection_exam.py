"""The exam of detection methods: what is an alarm, which alarms are right, and that thresholds keep their promise."""

from typing import Any

import numpy as np
import pytest

from streams.detection.calibration import SHARED_JOINT
from tests.bench.detection.alarms import COOL_DOWN, openings
from tests.bench.detection.arrays import NEVER, YEAR
from tests.bench.detection.exam import answers, decline_exam
from tests.bench.detection.fleet import Fleet, first_days, monitored_from
from tests.bench.detection.halves import judge, trials, tried
from tests.bench.detection.method import Scale
from tests.bench.detection.real import RealSet


def scores(days: int, *excesses: tuple[int, int]) -> Any:
    """One account's, 1 in the excesses [first, end) and 0 elsewhere."""
    row = np.zeros((1, days), dtype=np.float32)
    for first, end in excesses:
        row[0, first:end] = 1
    return row


def fleet(days: int, accounts: int = 1, change: int = NEVER, kind: str = "stop") -> Fleet:
    return Fleet(
        name="test",
        counts=np.ones((1, accounts, days), dtype=np.int32),
        first_weekday=0,
        monitored=np.ones((accounts, days), dtype=bool),
        change_day=np.full(accounts, change),
        kind=[kind] * accounts,
    )


@pytest.mark.parametrize(
    ("excesses", "opened"),
    [
        ([], []),
        ([(5, 6)], [5]),
        ([(5, 30)], [5]),  # still the same incident
        ([(5, 6), (7, 8)], [5]),  # once in 28 days
        ([(5, 6), (5 + COOL_DOWN, 40)], [5, 5 + COOL_DOWN]),
        ([(5, 6), (30, 50)], [5, 5 + COOL_DOWN]),  # what lasts beyond the cool-down opens at its end
        ([(5, 99)], [5]),
    ],
)
def test_an_incident_opens_at_the_threshold_and_at_most_once_in_the_cool_down(
    excesses: list[tuple[int, int]], opened: list[int]
) -> None:
    [found] = openings(scores(100, *excesses), [1.0])
    assert found.day.tolist() == opened


def test_incidents_are_those_of_a_walk_day_by_day() -> None:
    random = np.random.default_rng(5)
    many = random.normal(size=(40, 300)).cumsum(axis=1) / 5
    for threshold in (-1.0, 0.0, 1.0):
        [found] = openings(many, [threshold])
        walked = set()
        for account, row in enumerate(many):
            last, is_open = -NEVER, False
            for day, score in enumerate(row):
                if score < threshold:
                    is_open = False
                elif not is_open and day - last >= COOL_DOWN:
                    is_open, last = True, day
                    walked.add((account, day))
        assert set(zip(found.account.tolist(), found.day.tolist(), strict=True)) == walked


def test_an_alarm_before_the_change_is_false_and_the_first_after_it_a_find() -> None:
    exam = decline_exam(fleet(200, change=100))
    [found] = openings(scores(200, (10, 20), (107, 110), (150, 160)), [1.0])
    told = answers(exam, found)
    assert told.false.tolist() == [1]
    assert told.delay.tolist() == [7.0]
    assert exam.years()[0] == pytest.approx(100 / YEAR)


def test_an_incident_that_is_open_at_the_change_is_a_find_without_delay() -> None:
    exam = decline_exam(fleet(200, change=100))
    [found] = openings(scores(200, (90, 120)), [1.0])
    assert answers(exam, found).delay.tolist() == [0.0]
    [found] = openings(scores(200, (80, 99)), [1.0])
    assert answers(exam, found).delay.tolist() == [np.inf]


def test_an_account_without_a_change_is_no_case_and_all_its_alarms_are_false() -> None:
    [found] = openings(scores(200, (90, 120), (150, 151)), [1.0])
    told = answers(decline_exam(fleet(200)), found)
    assert np.isnan(told.delay).all()
    assert told.false.tolist() == [2]


def test_an_account_is_monitored_from_its_active_days_on_and_for_ever() -> None:
    counts = np.zeros((2, 1, 100), dtype=np.int32)
    counts[0, 0, [10, 50, 55]] = 1
    counts[1, 0, [58]] = 4
    assert first_days(counts).tolist() == [10]
    assert monitored_from(counts, 3, 10)[0].argmax() == 58
    assert monitored_from(counts, 3, None)[0].argmax() == 55
    assert monitored_from(counts, 3, None, 60)[0].argmax() == 70
    assert monitored_from(counts, 3, 10)[0, 58:].all()
    assert not monitored_from(counts, 5, None).any()


def real_set(active: dict[int, list[int]], days: int = 400) -> tuple[RealSet, Fleet]:
    counts = np.zeros((1, len(active), days), dtype=np.int32)
    for account, when in active.items():
        counts[0, account, when] = 1
    one = RealSet("test", lambda: (counts, 0), quiet=60, active_days=2, within=60)
    return one, one.fleet()


def test_a_real_loss_is_a_last_event_with_enough_days_after_it() -> None:
    every_week = list(range(0, 200, 7))
    one, some = real_set({0: every_week, 1: [*every_week, 339], 2: [*every_week, 340]})
    assert (some.change_day < NEVER).tolist() == [True, True, False]
    assert one.exam(some).origin.tolist() == [196, 339, NEVER]


@pytest.mark.parametrize(
    ("day", "false", "delay"),
    [(50, 1, np.inf), (135, 1, np.inf), (136, 0, -60.0), (196, 0, 0.0), (256, 0, 60.0), (257, 1, np.inf)],
)
def test_an_alarm_on_a_real_loss_is_right_from_two_months_before_to_the_end_of_the_silence(
    day: int, false: int, delay: float
) -> None:
    one, some = real_set({0: list(range(0, 200, 7))})
    [found] = openings(scores(400, (day, day + 1)), [1.0])
    told = answers(one.exam(some), found)
    assert (told.false.tolist(), told.delay.tolist()) == ([false], [delay])


def test_a_silence_that_the_end_of_the_data_cuts_off_is_not_false() -> None:
    one, some = real_set({0: list(range(0, 360, 7))})
    for day, false in ((350, 1), (380, 0)):
        [found] = openings(scores(400, (day, day + 1)), [1.0])
        assert answers(one.exam(some), found).false.tolist() == [false]


def test_alarms_and_time_outside_of_the_span_do_not_count() -> None:
    exam = decline_exam(fleet(200, change=150)).within(100, 140)
    [found] = openings(scores(200, (10, 11), (120, 121), (155, 156)), [1.0])
    told = answers(exam, found)
    assert told.false.tolist() == [1]
    assert exam.years()[0] == pytest.approx(40 / YEAR)
    assert np.isnan(told.delay).all()


@pytest.mark.parametrize("asked", [0.2, 1.0])
def test_a_threshold_learnt_on_one_half_realises_the_asked_rate_on_the_other(asked: float) -> None:
    random = np.random.default_rng(1)
    accounts, days = 1500, 365
    noise = random.exponential(size=(accounts, days)).astype(np.float32)
    exam = decline_exam(fleet(days, accounts))
    told = trials(tried([noise], exam, Scale.TUNED, [asked]), exam)
    result = judge(told, told, asked, [asked], 40)
    # Of 750 account-years in a half, twice: three times the standard deviation of a Poisson count, and the grid's step.
    tolerance = 3 * np.sqrt(2 * asked / 750) + 0.05 * asked
    assert abs(result.realised.middle - asked) < tolerance


def test_a_calibrated_score_needs_no_labels() -> None:
    random = np.random.default_rng(2)
    accounts, days = 2000, 365
    # The excess over the level that is passed once a year: a new exponential every day, an alarm is its own incident.
    noise = (random.exponential(size=(accounts, days)) - np.log(YEAR)) / np.log(10)
    exam = decline_exam(fleet(days, accounts))
    given = tried([noise.astype(np.float32)], exam, Scale.CALIBRATED, [0.1, 0.3])
    told = trials(given, exam)
    assert given.thresholds == pytest.approx(np.log10([SHARED_JOINT / 0.1, SHARED_JOINT / 0.3]))
    assert judge(told, told, 0.3, [0.1, 0.3], 40).realised.middle == pytest.approx(0.3 / SHARED_JOINT, rel=0.2)
