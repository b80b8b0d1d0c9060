"""Two countries in one fleet: what a factor and a profile of each one's own would be worth.

In the second one the week ends on Friday and Saturday, and the holidays fall 92 days earlier in the year. Both are
judged as one fleet, as the engine does, and each as a fleet by itself, which is the most that an own factor, an own
profile and own thresholds could come to. Run as a module.
"""

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from streams.detection.calibration import SHARED_JOINT
from streams.simulator.plan import DAY_MS
from tests.bench.detection.alarms import openings
from tests.bench.detection.arrays import Scores
from tests.bench.detection.exam import answers, decline_exam
from tests.bench.detection.fleet import Fleet
from tests.bench.detection.guards import CHRISTMAS
from tests.bench.detection.method import run
from tests.bench.detection.methods.ours import Ours
from tests.bench.detection.simulated import MIXED, joined, simulated

_EARLIER: Final = 92
"""13 weeks and a day: what is a Saturday there is a Friday here."""
_HOLIDAYS: Final = 14
_ASKED: Final = 0.5


class Country(NamedTuple):
    """How one country's accounts came out, of so many."""

    accounts: int
    in_holidays: float
    """New false alarms per 1,000 healthy accounts in the fortnight of its holidays."""
    ordinary: float
    """The same in an ordinary fortnight."""
    false_alarms: float
    """An account-year."""
    found: float
    """Share of the stops that are found within 30 days."""


def fleets(accounts: int, seed: int = 21) -> tuple[Fleet, Fleet]:
    """The two countries."""
    here = replace(MIXED, accounts=accounts, days=500, seed=seed, last_change_day=450, holidays=True)
    there = replace(here, seed=seed + 1, start=here.start + _EARLIER * DAY_MS)
    return simulated("here", here), replace(
        simulated("there", there), first_weekday=simulated("here", here).first_weekday
    )


def some(fleet: Fleet, accounts: int) -> Fleet:
    """The first accounts of a fleet."""
    return replace(
        fleet,
        counts=fleet.counts[:, :accounts],
        monitored=fleet.monitored[:accounts],
        change_day=fleet.change_day[:accounts],
        kind=fleet.kind[:accounts],
        expected=None,
        size=None,
    )


def judged(fleet: Fleet, scores: Scores, holidays: int) -> Country:
    """What came of a country."""
    [opened] = openings(scores, [float(np.log10(SHARED_JOINT / _ASKED))])
    exam = decline_exam(fleet)
    false = exam.false & opened.mask(fleet.accounts, fleet.days)
    daily = 1000 * false.sum(axis=0) / exam.alive.sum(axis=0)
    firsts = [first for first in range(180, fleet.days - _HOLIDAYS, _HOLIDAYS) if abs(first - holidays) > 42]
    stops = np.array([kind == "stop" for kind in fleet.kind])
    return Country(
        fleet.accounts,
        float(daily[holidays : holidays + _HOLIDAYS].sum()),
        float(np.mean([daily[first : first + _HOLIDAYS].sum() for first in firsts])),
        float(false.sum() / exam.years().sum()),
        float((answers(exam, opened).delay[stops] <= 30).mean()),
    )


def compared(here: Fleet, there: Fleet) -> dict[str, tuple[Country, Country]]:
    """Both countries, judged together and apart."""
    both = run(Ours(), joined([here, there]))
    apart = run(Ours(), here), run(Ours(), there)
    when = CHRISTMAS, CHRISTMAS - _EARLIER
    pairs = {"together": (both[: here.accounts], both[here.accounts :]), "apart": apart}
    return {
        name: (judged(here, scores[0], when[0]), judged(there, scores[1], when[1])) for name, scores in pairs.items()
    }


if __name__ == "__main__":
    here, there = fleets(400)
    for others in (400, 100):
        for name, countries in compared(here, some(there, others)).items():
            for number, country in enumerate(countries):
                numbers = " | ".join(f"{each:.3g}" for each in country)
                print(f"| {name} | {('here', 'there')[number]} | {numbers} |", flush=True)
