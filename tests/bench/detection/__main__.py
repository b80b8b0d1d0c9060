"""Detection against the truth: `python -m tests.bench.detection`. See `--help`.

Method against method at equal false alarms: on simulated fleets, in worlds that no method models, and on two real data
sets. Tables to the standard output, figures as JSON and plots of the delays beside.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
from rich.console import Console

from streams.simulator import NEW_SHARES, FleetPlan
from tests.bench.detection import show
from tests.bench.detection.contenders import CONTENDERS, RULE
from tests.bench.detection.exam import decline_exam
from tests.bench.detection.guards import guarded
from tests.bench.detection.judged import MAIN, Judged, judged
from tests.bench.detection.lived import live
from tests.bench.detection.method import Contender
from tests.bench.detection.plots import plot_delays
from tests.bench.detection.pool import RealTold, against_one_rule, against_rule
from tests.bench.detection.products import products
from tests.bench.detection.real import LEAD, REAL_SETS
from tests.bench.detection.simulated import MIXED, joined, simulated

PARTS = ("simulated", "guards", "real", "lived", "products")
OUT = Path(__file__).resolve().parents[3] / "build" / "bench-detection"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is run: accounts of a fleet, seeds, repetitions of the halves."""

    accounts: int = 4000
    seeds: int = 3
    repetitions: int = 200


QUICK = Size(accounts=600, seeds=1, repetitions=20)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.detection", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="a small fleet and one seed")
    parser.add_argument("--method", action="append", metavar="NAME", help="only this one (and the tuned rule); repeat")
    parser.add_argument("--accounts", type=int, metavar="N", help=f"in a simulated fleet (default: {Size().accounts})")
    parser.add_argument("--seeds", type=int, metavar="N", help=f"simulated fleets (default: {Size().seeds})")
    parser.add_argument("--list", action="store_true", help="list the methods and run none")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help=f"figures and plots (default: {OUT})")
    given = parser.parse_args(arguments)
    if given.list:
        print(*(f"{one.name:24s}{one.scale}" for one in CONTENDERS), sep="\n")
        return
    names = {one.name for one in CONTENDERS}
    for wrong, known in ((set(given.parts) - set(PARTS), PARTS), (set(given.method or ()) - names, sorted(names))):
        if wrong:
            parser.error(f"nothing is called {min(wrong)!r}; there are {', '.join(known)}")
    chosen = [one for one in CONTENDERS if not given.method or one.name in (*given.method, RULE)]
    given.out.mkdir(parents=True, exist_ok=True)
    size = QUICK if given.quick else Size()
    size = replace(size, accounts=given.accounts or size.accounts, seeds=given.seeds or size.seeds)
    found = run_parts(given.parts or PARTS, chosen, size, given.out)
    options = orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
    (given.out / "figures.json").write_bytes(orjson.dumps(found, option=options))
    print(f"figures and plots are in {given.out}")


def run_parts(parts: Sequence[str], chosen: Sequence[Contender], size: Size, out: Path) -> dict[str, Any]:
    """Run the parts, show their tables and return their figures by part."""
    console = Console(width=190)
    found: dict[str, Any] = {}
    if "simulated" in parts or "guards" in parts:
        found["simulated"], told = _simulated(console, chosen, size, out)
        if "guards" in parts:
            came_out = guarded([one for one in told if not one.contender.told_the_truth], size.accounts // 2)
            show.show_guards(console, came_out)
            found["guards"] = came_out
    if "real" in parts:
        found["real"] = _real(console, [one for one in chosen if not one.told_the_truth], size, out)
    if "lived" in parts:
        plan = FleetPlan(size.accounts, 365, rate_median=1.0, rate_max=20.0, new_shares=NEW_SHARES)
        with _timed(console, f"the live engine, {size.accounts:,} accounts, a year"):
            lived = live(plan)
        show.show_lived(console, lived)
        found["lived"] = lived.as_dict()
    if "products" in parts:
        with _timed(console, "the live engine, a second product"):
            told_of = products(size.accounts // 2, size.seeds, MAIN)
        show.show_products(console, told_of)
        found["products"] = [one.as_dict() for one in told_of]
    return found


def _simulated(
    console: Console, chosen: Sequence[Contender], size: Size, out: Path
) -> tuple[dict[str, Any], list[Judged]]:
    fleets = []
    for seed in range(1, size.seeds + 1):
        with _timed(console, f"fleet of {size.accounts:,} accounts, seed {seed}"):
            fleets.append(simulated(f"seed {seed}", replace(MIXED, accounts=size.accounts, seed=seed)))
    whole = joined(fleets)
    exam = decline_exam(whole)
    told = []
    for contender in chosen:
        with _timed(console, contender.name):
            told.append(judged(contender, fleets, whole, exam, size.repetitions))
    for asked in sorted(told[-1].results):
        show.show_simulated(console, told, asked)
    show.show_rates(console, "simulated fleets", told)
    plot_delays(told, "stop", "Simulated stops", out / "simulated.svg")
    return {one.contender.name: one.as_dict() for one in told}, told


def _real(console: Console, chosen: Sequence[Contender], size: Size, out: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    sets: list[RealTold] = []
    for each in REAL_SETS:
        fleet = each.fleet()
        exam = each.exam(fleet)
        told = []
        for contender in chosen:
            with _timed(console, f"{each.name}: {contender.name}"):
                told.append(judged(contender, [fleet], fleet, exam, size.repetitions, LEAD))
        show.show_real(console, each.name, told, MAIN)
        show.show_rates(console, each.name, told)
        plot_delays(told, "loss", f"Losses of {each.name}", out / f"{each.name.lower().replace(' ', '-')}.svg")
        found[each.name] = {one.contender.name: one.as_dict() for one in told}
        if not each.planted:
            sets.append(RealTold(fleet, exam, told))
    found["pooled"] = against_rule([one.told for one in sets])
    show.show_pooled(console, found["pooled"], "the silence rule that is tuned to each of them")
    found["pooled_one_rule"] = against_one_rule(sets, LEAD)
    show.show_pooled(console, found["pooled_one_rule"], "a silence rule of one number of days, tuned to them together")
    return found


class _timed:  # noqa: N801 - used as a statement
    """Says what is being done, and how long it took."""

    def __init__(self, console: Console, text: str) -> None:
        self._console, self._text = console, text

    def __enter__(self) -> None:
        self._began = monotonic()

    def __exit__(self, *_: object) -> None:
        self._console.print(f"[dim]{self._text}: {monotonic() - self._began:.0f} s[/]")


if __name__ == "__main__":
    main()
