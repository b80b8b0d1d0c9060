"""A contender on fleets: its scores, its thresholds, and everything that is told of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.bench.detection.alarms import Openings, openings
from tests.bench.detection.arrays import YEAR, Days, Mask
from tests.bench.detection.exam import Exam
from tests.bench.detection.fleet import Fleet, first_days
from tests.bench.detection.halves import Result, Trials, judge, trials, tried
from tests.bench.detection.method import Contender, Method, Scale, gate, run

#: False alarms per account-year at which methods are compared.
ASKED = (0.1, 0.2, 0.5, 1.0)
#: The rate at which plots are drawn and guards are judged.
MAIN = 0.5
#: Ends of the ages, in days since the first event, by which false alarms are told.
AGES = (30, 60, 90, 180, 365, 1 << 30)


@dataclass(frozen=True, slots=True)
class Judged:
    """A contender's results by asked rate; `later` are those of the days that no threshold was chosen on. `by_age` has
    false alarms per account-year by account age, `ungated` those with nobody silenced before being monitored, of all
    days of all accounts. `setting` is what it would be run with at MAIN: variant and threshold."""

    contender: Contender
    results: dict[float, Result]
    later: dict[float, Result]
    by_age: dict[str, float]
    ungated: float
    setting: tuple[Callable[[Fleet], Method], float]
    trials: Trials
    repetitions: int
    lead: int

    def at(self, rate: float) -> Result:
        """With a threshold for any other rate."""
        return judge(self.trials, self.trials, rate, (rate,), self.repetitions, self.lead)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "asked": {str(asked): result.as_dict() for asked, result in self.results.items()},
            "later_span": {str(asked): result.as_dict() for asked, result in self.later.items()},
            "false_alarms_by_age": self.by_age,
            "false_alarms_ungated": self.ungated,
            "threshold": self.setting[1],
        }


def judged(
    contender: Contender,
    fleets: Sequence[Fleet],
    whole: Fleet,
    exam: Exam,
    repetitions: int,
    lead: int = 0,
) -> Judged:
    """Run a contender on each of the fleets and judge it on all of them together (`whole`, with its `exam`)."""
    raw = [np.concatenate([run(make(fleet), fleet) for fleet in fleets]) for make in contender.makers]
    gated = [gate(scores, whole.monitored) for scores in raw] if contender.gated else raw
    scale = contender.scale
    middle = whole.days // 2
    asked = ASKED if scale is not Scale.FIXED else (MAIN,)
    given = tried(gated, exam, scale, asked)
    told = trials(given, exam)
    early, late = trials(given, exam.within(0, middle)), trials(given, exam.within(middle, whole.days))
    everybody = np.ones((1, whole.accounts), dtype=np.float32)
    index = int(told.chosen(MAIN, asked, everybody)[0])
    threshold = given.thresholds[index]
    variant = index if scale is Scale.GRID else 0
    [ungated] = openings(raw[variant], [threshold])
    first = first_days(whole.counts)
    return Judged(
        contender,
        {rate: judge(told, told, rate, asked, repetitions, lead) for rate in asked},
        {rate: judge(early, late, rate, asked, repetitions, lead) for rate in asked},
        _by_age(given.alarms[index], exam, first),
        _by_age(ungated, exam, first, (1 << 30,))["from day 0"],
        (contender.makers[variant], threshold),
        told,
        repetitions,
        lead,
    )


def _by_age(opened: Openings, exam: Exam, first: Days, ends: Sequence[int] = AGES) -> dict[str, float]:
    """False alarms per account-year of life, by account age; nobody is left out, monitored or not."""
    accounts, days = exam.false.shape
    age = np.arange(days) - first[:, None]
    false: Mask = exam.false & opened.mask(accounts, days)
    rates, begin = {}, 0
    for end in ends:
        own = (age >= begin) & (age < end)
        years = (exam.alive & own).sum() / YEAR
        rates[f"from day {begin}"] = float((false & own).sum() / years) if years else float("nan")
        begin = end
    return rates
