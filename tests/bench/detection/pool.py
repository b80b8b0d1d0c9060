"""The real sets taken together, each with the same weight: how much sooner than the tuned silence rule.

What has its thresholds without labels realises another rate than asked; the rule is then tuned to that rate, so that
both have the same false alarms. It is tuned to each of the sets by itself, and once to all of them: nobody has losses
to choose a rule by on the day that a detector is switched on, and what is one number for one fleet is another one for
the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.bench.detection.alarms import openings
from tests.bench.detection.arrays import Scores
from tests.bench.detection.contenders import RULE
from tests.bench.detection.exam import Exam
from tests.bench.detection.fleet import Fleet
from tests.bench.detection.halves import Interval, Result, Trials, Tried, halves, interval, judge_at, loosest, trials
from tests.bench.detection.judged import ASKED, Judged
from tests.bench.detection.method import Scale, gate, run

MEASURES = ("r14", "r30", "r60", "mean_r60")
_LONGEST = 150
"""Days of silence."""


def against_rule(sets: Sequence[Sequence[Judged]]) -> dict[str, dict[str, dict[str, Interval]]]:
    """By method, asked rate and measure of losses: the mean over the sets of what it has more than the tuned rule,
    repetition by repetition (all have the same halves)."""
    rules = [next(one for one in told if one.contender.name == RULE) for told in sets]
    found: dict[str, dict[str, dict[str, Interval]]] = {}
    for together in zip(*sets, strict=True):
        contender = together[0].contender
        if contender.name == RULE or contender.scale is Scale.FIXED:
            continue
        found[contender.name] = {
            str(asked): {measure: _more(together, rules, asked, measure) for measure in MEASURES} for asked in ASKED
        }
    return found


def _more(together: Sequence[Judged], rules: Sequence[Judged], asked: float, measure: str) -> Interval:
    differences = [
        np.subtract(one.results[asked].repeated["loss"][measure], equal(rule, one, asked).repeated["loss"][measure])
        for one, rule in zip(together, rules, strict=True)
    ]
    return interval(np.mean(differences, axis=0).tolist())


@dataclass(frozen=True, slots=True)
class RealTold:
    """A real set with what contenders came to on it, the rule among them."""

    fleet: Fleet
    exam: Exam
    told: Sequence[Judged]


def against_one_rule(sets: Sequence[RealTold], lead: int) -> dict[str, dict[str, dict[str, Interval]]]:
    """As `against_rule`, where the rule has the same number of days on all sets: with as many false alarms on them
    together, per account-year, as the other has."""
    rules = [_by_days(one) for one in sets]
    found: dict[str, dict[str, dict[str, Interval]]] = {}
    for together in zip(*[one.told for one in sets], strict=True):
        contender = together[0].contender
        if contender.scale is Scale.CALIBRATED:
            found[contender.name] = {str(asked): _more_than_one(together, rules, asked, lead) for asked in ASKED}
    return found


def _by_days(one: RealTold) -> Trials:
    """What becomes of a set by silences of 1, 2, 3... days."""
    rule = next(each for each in one.told if each.contender.name == RULE)
    make, _ = rule.setting
    days = [float(day) for day in range(1, _LONGEST + 1)]
    return trials(Tried(days, openings(gate(run(make(one.fleet), one.fleet), one.fleet.monitored), days)), one.exam)


def _more_than_one(together: Sequence[Judged], rules: Sequence[Trials], asked: float, lead: int) -> dict[str, Interval]:
    place = ASKED.index(asked)
    false = sum(float(one.trials.false[place].sum()) for one in together)
    realised = false / sum(float(one.trials.years.sum()) for one in together)
    first = [halves(len(rule.years), together[0].repetitions)[0] for rule in rules]
    wrong: Scores = np.sum([rule.false @ half.T for rule, half in zip(rules, first, strict=True)], axis=0)
    years: Scores = np.sum([rule.years @ half.T for rule, half in zip(rules, first, strict=True)], axis=0)
    chosen = loosest(wrong / years, realised)
    ours = [one.results[asked].repeated["loss"] for one in together]
    theirs = [judge_at(chosen, rule, lead).repeated["loss"] for rule in rules]
    return {
        measure: interval(
            np.mean([np.subtract(a[measure], b[measure]) for a, b in zip(ours, theirs, strict=True)], axis=0).tolist()
        )
        for measure in MEASURES
    }


def equal(rule: Judged, one: Judged, asked: float) -> Result:
    """The rule, at as many false alarms as the other has where so many are asked."""
    if one.contender.scale is not Scale.CALIBRATED:
        return rule.results[asked]
    return rule.at(one.results[asked].realised.middle)
