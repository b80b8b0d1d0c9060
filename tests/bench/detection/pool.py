"""The real sets taken together, each with the same weight: how much sooner than the tuned silence rule.

What has its thresholds without labels realises another rate than asked; the rule is then tuned to that rate, so that
both have the same false alarms.
"""

from collections.abc import Sequence

import numpy as np

from tests.bench.detection.contenders import RULE
from tests.bench.detection.halves import Interval, Result, interval
from tests.bench.detection.judged import ASKED, Judged
from tests.bench.detection.method import Scale

MEASURES = ("r14", "r30", "r60", "mean_r60")


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


def equal(rule: Judged, one: Judged, asked: float) -> Result:
    """The rule, at as many false alarms as the other has where so many are asked."""
    if one.contender.scale is not Scale.CALIBRATED:
        return rule.results[asked]
    return rule.at(one.results[asked].realised.middle)
