"""Methods at equal false alarms: the threshold is chosen on one random half of the accounts and judged on the other.

Each repetition splits the accounts anew and draws the judged half with replacement, so that the spread of the results
holds both the luck of the split and that of the sample.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tests.bench.detection.alarms import COOL_DOWN, Openings, openings
from tests.bench.detection.arrays import YEAR, Days, Scores
from tests.bench.detection.exam import Exam, answers
from tests.bench.detection.method import Scale

#: False alarms per account-year between which thresholds are tried; beyond the rates that are asked on both sides.
LOOSEST, STRICTEST = 3.0, 0.03
CURVE_DAYS = 181


@dataclass(frozen=True, slots=True)
class Trials:
    """What became of every account at every threshold (strictest last): `false` and `delay` [thresholds, accounts],
    `years` [accounts]. With `calibrated`, threshold i is the one for the i-th rate asked."""

    thresholds: Sequence[float]
    false: Days
    delay: Scores
    years: Scores
    kinds: Sequence[str]
    calibrated: bool = False

    def chosen(self, asked: float, asked_rates: Sequence[float], accounts: Days) -> int:
        """Which threshold gives so many false alarms per account-year on these accounts, as nearly as one does."""
        if self.calibrated:
            return list(asked_rates).index(asked)
        rates = self.false[:, accounts].sum(axis=1) / self.years[accounts].sum()
        return int(np.argmin(np.abs(np.log((rates + 1e-9) / asked))))


@dataclass(frozen=True, slots=True)
class Interval:
    """The median of the repetitions, and the middle 95% of them."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Result:
    """A method at one asked rate: its realised false alarms per account-year, and by kind of decline the number of
    cases, the measures by name in every repetition, and the share found within 0, 1, 2... days (`curve`
    [3, CURVE_DAYS]: middle, low and high)."""

    realised: Interval
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
        return {"realised": self.realised, "cases": self.cases, "measures": measures, "found_by_day": curves}


def thresholds_for(scores: Scores, exam: Exam, count: int = 50) -> list[float]:
    """Thresholds that span the rates: quantiles of the highest score of a healthy account in as many days as an
    account has at most one alarm in."""
    healthy = np.where(exam.false & exam.exposed, scores, -np.inf)
    whole = healthy.shape[1] // COOL_DOWN * COOL_DOWN
    peaks = healthy[:, :whole].reshape(len(healthy), -1, COOL_DOWN).max(axis=2)
    peaks = peaks[np.isfinite(peaks)]
    shares = np.geomspace(LOOSEST, STRICTEST, count) / (YEAR / COOL_DOWN)
    return [float(value) for value in np.unique(np.quantile(peaks, 1 - shares))]


def trials(
    variants: Sequence[Scores], exam: Exam, scale: Scale, asked_rates: Sequence[float], given: Sequence[float] = ()
) -> Trials:
    """The scores of a method [accounts, days], several for a GRID, answered at every threshold that may be chosen
    (`given`, or those that the scores themselves suggest)."""
    thresholds: list[float] = list(given)
    if scale is Scale.CALIBRATED:
        thresholds = [float(np.log10(1.5 / asked)) for asked in asked_rates]
    elif scale is Scale.FIXED:
        thresholds = [0.0]
    elif scale is Scale.TUNED and not thresholds:
        thresholds = thresholds_for(variants[0], exam)
    alarms: list[Openings] = []
    if scale is Scale.GRID:
        thresholds = [float(number) for number in range(len(variants))]
        for scores in variants:
            alarms += openings(scores, [np.nextafter(0.0, 1.0)])
    else:
        alarms = openings(variants[0], thresholds)
    told = [answers(exam, each) for each in alarms]
    false, delay = np.stack([each.false for each in told]), np.stack([each.delay for each in told])
    return Trials(thresholds, false, delay, exam.years(), exam.kind, scale is Scale.CALIBRATED)


def judge(
    learnt: Trials, judged: Trials, asked: float, asked_rates: Sequence[float], repetitions: int, lead: int = 0
) -> Result:
    """Thresholds from `learnt` on half of the accounts, results from `judged` on the other half. The two are the same,
    or the earlier and the later days of the same accounts. `lead` is for how many days before a case begins an alarm
    counts for it. All methods have the same halves, so that their repetitions may be compared one by one."""
    random = np.random.default_rng(1)
    accounts = len(judged.years)
    kinds = np.array(judged.kinds)
    case = ~np.isnan(judged.delay[0])
    names = sorted({str(kind) for kind in kinds[case]})
    realised: list[float] = []
    repeated: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in names}
    curves: dict[str, list[Scores]] = {name: [] for name in names}
    for _ in range(repetitions):
        order = random.permutation(accounts)
        half, other = order[: accounts // 2], random.choice(order[accounts // 2 :], accounts - accounts // 2)
        index = learnt.chosen(asked, asked_rates, half)
        realised.append(float(judged.false[index, other].sum() / judged.years[other].sum()))
        for name in names:
            own = judged.delay[index, other[case[other] & (kinds[other] == name)]]
            if len(own):
                found = np.searchsorted(np.sort(own), np.arange(CURVE_DAYS), side="right") / len(own)
                curves[name].append(found)
                for key, value in _measures(own, found, realised[-1], lead).items():
                    repeated[name][key].append(value)
    curve = {name: np.quantile(np.stack(many), [0.5, 0.025, 0.975], axis=0) for name, many in curves.items() if many}
    cases = {name: int((case & (kinds == name)).sum()) for name in names}
    return Result(interval(realised), cases, repeated, curve)


def _measures(delays: Scores, found: Scores, rate: float, lead: int) -> dict[str, float]:
    """Of the cases of one repetition: the median delay in days, the share found within some days, the same less what
    alarms at random would find at the same rate, and the mean of the share found over the first two months."""
    days = (14, 30, 60)
    by_luck = {day: 1 - float(np.exp(-rate * (lead + day) / YEAR)) for day in days}
    return {
        "median": float(np.sort(delays)[len(delays) // 2]),
        **{f"r{day}": float(found[day]) for day in days},
        **{f"above_luck_r{day}": float(found[day]) - by_luck[day] for day in days},
        "mean_r60": float(found[:61].mean()),
        "missed": float(np.isinf(delays).mean()),
    }


def interval(values: Sequence[float]) -> Interval:
    """The middle and the spread of some repetitions; infinity stands among them as the largest."""
    low, middle, high = np.quantile(np.array(values), [0.025, 0.5, 0.975], method="nearest")
    return Interval(float(middle), float(low), float(high))
