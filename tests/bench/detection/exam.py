"""Which alarms are right: the questions of a fleet, and how the incidents of a threshold answer them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tests.bench.detection.alarms import Openings
from tests.bench.detection.arrays import NEVER, YEAR, Days, Mask, Scores
from tests.bench.detection.fleet import Fleet


@dataclass(frozen=True, slots=True)
class Exam:
    """`false`, `alive` and `exposed` are [accounts, days]: where an opening is a false alarm, on which of these days
    the account is still there, and which of those count as time watched (an alarm on an account that is not monitored
    yet is false, on time that does not count). The others are [accounts]: an alarm in [hit_from, hit_until] is right,
    its delay counts from `origin`; `origin` NEVER: no case.

    With `open_counts` an incident that is open at `origin` is a find without delay: somebody is looking already.
    """

    false: Mask
    alive: Mask
    exposed: Mask
    origin: Days
    hit_from: Days
    hit_until: Days
    kind: Sequence[str]
    open_counts: bool

    def years(self) -> Scores:
        """The time for which each account is watched."""
        watched: Scores = self.exposed.sum(axis=1) / YEAR
        return watched

    def within(self, first: int, end: int) -> "Exam":
        """The questions of the days from `first` up to `end`, of all accounts."""
        day = np.arange(self.false.shape[1])
        inside = (day >= first) & (day < end)
        mine = (self.origin >= first) & (self.origin < end)
        origin = np.where(mine, self.origin, NEVER)
        return replace(
            self,
            false=self.false & inside,
            alive=self.alive & inside,
            exposed=self.exposed & inside,
            origin=origin,
        )


def decline_exam(fleet: Fleet) -> Exam:
    """A simulated fleet: before the change every alarm is false, from then on the first is a find. An account that
    changes before it is monitored is no case."""
    day = np.arange(fleet.days)
    healthy = day < fleet.change_day[:, None]
    begun = np.minimum(fleet.change_day, fleet.days - 1)
    case = (fleet.change_day < fleet.days) & fleet.monitored[np.arange(fleet.accounts), begun]
    origin = np.where(case, fleet.change_day, NEVER)
    last = np.full(fleet.accounts, fleet.days)
    return Exam(healthy, healthy, healthy & fleet.monitored, origin, origin, last, fleet.kind, open_counts=True)


@dataclass(frozen=True, slots=True)
class Answers:
    """What became of each account at one threshold: `false` alarms, those among them that were right and too late, and
    `delay` in days (inf: never found, nan: no case). Each [accounts]."""

    false: Days
    late: Days
    delay: Scores


def answers(exam: Exam, given: Openings) -> Answers:
    """Hold the incidents against the questions."""
    accounts = exam.false.shape[0]
    wrong = exam.false[given.account, given.day]
    false = np.bincount(given.account[wrong], minlength=accounts)
    too_late = wrong & (given.day > exam.hit_until[given.account]) & (exam.origin < NEVER)[given.account]
    late = np.bincount(given.account[too_late], minlength=accounts)
    case = exam.origin < NEVER
    delay = np.where(case, np.inf, np.nan)
    origin, hit_from, hit_until = (each[given.account] for each in (exam.origin, exam.hit_from, exam.hit_until))
    hit = case[given.account] & (given.day >= hit_from) & (given.day <= hit_until)
    np.minimum.at(delay, given.account[hit], (given.day - origin)[hit].astype(float))
    if exam.open_counts:
        already = case[given.account] & (given.day < origin) & (given.closed > origin)
        delay[given.account[already]] = 0.0
    return Answers(false, late, delay)
