"""Methods at equal false alarms: the threshold is chosen on one random half of the accounts and judged on the other.

Each repetition splits the accounts anew and draws the judged half with replacement, so that the spread of the results
holds both the luck of the split and that of the sample.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from streams.detection.calibration import SHARED_JOINT
from tests.bench.detection.alarms import COOL_DOWN, Openings, openings
from tests.bench.detection.arrays import YEAR, Days, Scores
from tests.bench.detection.exam import Exam, answers
from tests.bench.detection.method import Scale

#: False alarms per account-year between which thresholds are tried; beyond the rates that are asked on both sides.
LOOSEST, STRICTEST = 3.0, 0.03
CURVE_DAYS = 181
#: More than asked by so much is as much as asked: thresholds lie about a tenth apart.
_WITHIN = 1.05


@dataclass(frozen=True, slots=True)
class Tried:
    """The incidents of a method at every threshold that may be chosen, strictest last. With `calibrated`, threshold i
    is the one for the i-th rate that is asked."""

    thresholds: Sequence[float]
    alarms: Sequence[Openings]
    calibrated: bool = False


@dataclass(frozen=True, slots=True)
class Trials:
    """What became of every account at every threshold: `false`, `late` and `delay` [thresholds, accounts], `years`
    [accounts]."""

    false: Days
    late: Days
    delay: Scores
    years: Scores
    kinds: Sequence[str]
    calibrated: bool = False

    def chosen(self, asked: float, asked_rates: Sequence[float], first: Scores) -> Days:
        """The loosest threshold that gives no more false alarms per account-year on each first half [repetitions,
        accounts]; the nearest one where none does. (The nearest may be one that finds nothing: where a strict one finds
        the losses too late, each of them is a false alarm.)"""
        if self.calibrated:
            return np.full(len(first), list(asked_rates).index(asked))
        return loosest((self.false @ first.T) / (self.years @ first.T), asked)


def loosest(rates: Scores, asked: float) -> Days:
    """Of rates [thresholds, repetitions], strictest last: the first in each repetition that is no more than asked, the
    nearest where none is."""
    nearest = np.abs(np.log((rates + 1e-9) / asked)).argmin(axis=0)
    within = rates <= asked * _WITHIN
    first: Days = np.where(within.any(axis=0), within.argmax(axis=0), nearest)
    return first


@dataclass(frozen=True, slots=True)
class Interval:
    """The median of the repetitions, and the middle 95% of them."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Result:
    """A method at one asked rate: its realised false alarms per account-year, those of them that were right and too
    late, and by kind of decline the number of cases, the measures by name in every repetition, and the share found
    within 0, 1, 2... days (`curve` [3, CURVE_DAYS]: middle, low and high)."""

    realised: Interval
    late: Interval
    cases: Mapping[str, int]
    repeated: Mapping[str, Mapping[str, Sequence[float]]]
    curve: Mapping[str, Scores]

    def measure(self, kind: str, name: str) -> Interval:
        """A measure of a kind of decline; nan where there is no case of it."""
        return interval(self.repeated.get(kind, {}).get(name, [float("nan")]))

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        measures = {kind: {name: self.measure(kind, name) for name in named} for kind, named in self.repeated.items()}
        curves = {kind: curve.round(4).tolist() for kind, curve in self.curve.items()}
        return {
            "realised": self.realised,
            "late": self.late,
            "cases": self.cases,
            "measures": measures,
            "found_by_day": curves,
        }


def thresholds_for(scores: Scores, exam: Exam, count: int = 50) -> list[float]:
    """Thresholds that span the rates: quantiles of the highest score of a healthy account in as many days as an
    account has at most one alarm in."""
    healthy = np.where(exam.false & exam.exposed, scores, -np.inf)
    whole = healthy.shape[1] // COOL_DOWN * COOL_DOWN
    peaks = healthy[:, :whole].reshape(len(healthy), -1, COOL_DOWN).max(axis=2)
    peaks = peaks[np.isfinite(peaks)]
    shares = np.geomspace(LOOSEST, STRICTEST, count) / (YEAR / COOL_DOWN)
    return [float(value) for value in np.unique(np.quantile(peaks, 1 - shares))]


def tried(variants: Sequence[Scores], exam: Exam, scale: Scale, asked_rates: Sequence[float]) -> Tried:
    """The incidents of scores [accounts, days], of several for a GRID."""
    if scale is Scale.GRID:
        above_zero = [float(np.nextafter(np.float32(0), np.float32(1)))]
        return Tried(above_zero * len(variants), [each for scores in variants for each in openings(scores, above_zero)])
    [scores] = variants
    if scale is Scale.CALIBRATED:
        thresholds = [float(np.log10(SHARED_JOINT / asked)) for asked in asked_rates]
    else:
        thresholds = [0.0] if scale is Scale.FIXED else thresholds_for(scores, exam)
    return Tried(thresholds, openings(scores, thresholds), scale is Scale.CALIBRATED)


def trials(given: Tried, exam: Exam) -> Trials:
    """The incidents held against the questions."""
    told = [answers(exam, each) for each in given.alarms]
    false, late, delay = (
        np.stack(each) for each in zip(*((one.false, one.late, one.delay) for one in told), strict=True)
    )
    return Trials(false.astype(np.float32), late.astype(np.float32), delay, exam.years(), exam.kind, given.calibrated)


@lru_cache(maxsize=4)
def halves(accounts: int, repetitions: int) -> tuple[Scores, Days]:
    """[repetitions, accounts]: who is in the first half, and how often each of the others is drawn."""
    random = np.random.default_rng(1)
    first = np.zeros((repetitions, accounts), dtype=np.float32)
    drawn = np.zeros((repetitions, accounts), dtype=np.int64)
    for one, times in zip(first, drawn, strict=True):
        order = random.permutation(accounts)
        one[order[: accounts // 2]] = 1
        times[:] = np.bincount(random.choice(order[accounts // 2 :], accounts - accounts // 2), minlength=accounts)
    return first, drawn


def judge(
    learnt: Trials, judged: Trials, asked: float, asked_rates: Sequence[float], repetitions: int, lead: int = 0
) -> Result:
    """Thresholds from `learnt` on half of the accounts, results from `judged` on the other half. The two are the same,
    or the earlier and the later days of the same accounts. `lead` is for how many days before a case begins an alarm
    counts for it. All methods have the same halves, so that their repetitions may be compared one by one."""
    first, _ = halves(len(judged.years), repetitions)
    return judge_at(learnt.chosen(asked, asked_rates, first), judged, lead)


def judge_at(chosen: Days, judged: Trials, lead: int = 0) -> Result:
    """As `judge`, with the thresholds that were chosen in each repetition."""
    _, drawn = halves(len(judged.years), len(chosen))
    case = ~np.isnan(judged.delay[0])
    kinds = np.where(case, np.array(judged.kinds), "")
    own = {str(kind): np.flatnonzero(kinds == kind) for kind in np.unique(kinds[case])}
    realised: list[float] = []
    late: list[float] = []
    repeated: dict[str, dict[str, list[float]]] = {kind: defaultdict(list) for kind in own}
    curves: dict[str, list[Scores]] = {kind: [] for kind in own}
    for index, times in zip(chosen, drawn, strict=True):
        realised.append(float((judged.false[index] @ times) / (judged.years @ times)))
        late.append(float((judged.late[index] @ times) / (judged.years @ times)))
        for kind, accounts in own.items():
            delays = np.sort(np.repeat(judged.delay[index, accounts], times[accounts]))
            if len(delays):
                found = np.searchsorted(delays, np.arange(CURVE_DAYS), side="right") / len(delays)
                curves[kind].append(found)
                for key, value in _measures(delays, found, realised[-1], lead).items():
                    repeated[kind][key].append(value)
    curve = {kind: np.quantile(np.stack(many), [0.5, 0.025, 0.975], axis=0) for kind, many in curves.items() if many}
    return Result(
        interval(realised), interval(late), {kind: len(accounts) for kind, accounts in own.items()}, repeated, curve
    )


def _measures(delays: Scores, found: Scores, rate: float, lead: int) -> dict[str, float]:
    """Of the cases of one repetition: the median delay in days, the share found within some days, the same less what
    alarms at random would find at the same rate, and the mean of the share found over the first two months."""
    days = (14, 30, 60)
    by_luck = {day: 1 - float(np.exp(-rate * (lead + day) / YEAR)) for day in days}
    return {
        "median": float(delays[len(delays) // 2]),
        **{f"r{day}": float(found[day]) for day in days},
        **{f"above_luck_r{day}": float(found[day]) - by_luck[day] for day in days},
        "mean_r60": float(found[:61].mean()),
        "missed": float(np.isinf(delays).mean()),
    }


def interval(values: Sequence[float]) -> Interval:
    """The middle and the spread of some repetitions; infinity stands among them as the largest."""
    low, middle, high = np.quantile(np.array(values), [0.025, 0.5, 0.975], method="nearest")
    return Interval(float(middle), float(low), float(high))
