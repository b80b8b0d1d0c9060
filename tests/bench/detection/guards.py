"""What is no account's decline and looks like one: new alarms in a mishap's days against ordinary days, and false
alarms in a whole world of habits against those of a plain fleet. Only alarms on accounts whose story has not begun
count: a fleet in which nobody ever leaves would be another one for methods that learn from those who do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from streams.simulator import FleetPlan, Outage, Rename, World
from streams.simulator.world import SECOND
from tests.bench.detection.alarms import openings
from tests.bench.detection.arrays import NEVER
from tests.bench.detection.exam import answers, decline_exam
from tests.bench.detection.fleet import Fleet
from tests.bench.detection.judged import Judged
from tests.bench.detection.method import gate, run
from tests.bench.detection.simulated import MIXED, simulated

MISHAP = 420
CHRISTMAS = 352  # 24 December of the plan's first year
#: Days after which an account's habits are known well enough for ordinary windows to be counted.
SETTLED = 180


@dataclass(frozen=True, slots=True)
class Guard:
    """A world, and the days (first, number) in which it goes wrong; None: all of the time. With `find`, a kind of
    decline that is to be found instead."""

    name: str
    world: World
    window: tuple[int, int] | None = None
    holidays: bool = False
    event: str | None = None
    find: str | None = None


GUARDS = (
    Guard("5 days of 95% lost", World(outages=(Outage(MISHAP),)), (MISHAP, 8)),
    Guard("Christmas fortnight", World(), (CHRISTMAS, 14), holidays=True),
    Guard(
        "5 days of one source dead",
        World(second_product=0.5, outages=(Outage(MISHAP, 5, 0.0, SECOND),)),
        (MISHAP, 8),
    ),
    Guard(
        "a counted event renamed",
        World(renames=(Rename("item_edited", "item_saved", MISHAP),)),
        (MISHAP, 60),
        event="item_edited",
    ),
    Guard("plain", World()),
    Guard("users join and leave", World(user_turnover=1.5)),
    Guard("floods of programs", World(bursts=0.3)),
    Guard("month-end work", World(month_end=1.0)),
    Guard("quarter-end work", World(quarter_end=1.0)),
    Guard("school holidays", World(school=1.0)),
    Guard("fleet fades to 0.6 a year", World(yearly_trend=0.6)),
    Guard("a second product", World(second_product=0.5)),
    Guard("second product given up, r30", World(second_product=0.5, second_product_stops=0.3), find="second_stop"),
)


@dataclass(frozen=True, slots=True)
class Guarded:
    """How a guard came out. With a window: new alarms per 1,000 healthy accounts in it and in an ordinary one. Without:
    false alarms per account-year, or the share of what is to be found that is found within 30 days."""

    figure: float
    ordinary: float | None


def guarded(contenders: Sequence[Judged], accounts: int, seed: int = 11) -> dict[str, dict[str, Guarded]]:
    """Every guard for every contender, at the setting that gave it the main rate of false alarms on plain fleets."""
    found: dict[str, dict[str, Guarded]] = {one.contender.name: {} for one in contenders}
    for guard in GUARDS:
        fleet = simulated(guard.name, plan_of(guard, accounts, seed), guard.event)
        for one in contenders:
            found[one.contender.name][guard.name] = _guarded(one, guard, fleet)
    return found


def plan_of(guard: Guard, accounts: int, seed: int) -> FleetPlan:
    """The guard's fleet: as the main one, and shorter."""
    return replace(
        MIXED,
        accounts=accounts,
        days=550,
        seed=seed,
        last_change_day=500,
        holidays=guard.holidays,
        world=guard.world,
    )


def _guarded(one: Judged, guard: Guard, fleet: Fleet) -> Guarded:
    make, threshold = one.setting
    scores = run(make(fleet), fleet)
    if one.contender.gated:
        scores = gate(scores, fleet.monitored)
    [opened] = openings(scores, [threshold])
    exam = decline_exam(fleet)
    if guard.find is not None:
        sought = np.array([kind == guard.find for kind in fleet.kind]) & (exam.origin < NEVER)
        return Guarded(float((answers(exam, opened).delay[sought] <= 30).mean()), None)
    false = exam.false & opened.mask(fleet.accounts, fleet.days)
    if guard.window is None:
        return Guarded(float(false.sum() / exam.years().sum()), None)
    first, length = guard.window
    daily = 1000 * false.sum(axis=0) / exam.alive.sum(axis=0)
    ordinary = [
        daily[begin : begin + length].sum()
        for begin in range(SETTLED, fleet.days - length + 1, length)
        if begin + length <= first - 7 or begin >= first + length + 42
    ]
    return Guarded(float(daily[first : first + length].sum()), float(np.mean(ordinary)))
