"""The tables."""

from collections.abc import Mapping, Sequence
from math import isinf, isnan

from rich.console import Console
from rich.table import Table

from tests.bench.detection.contenders import RULE
from tests.bench.detection.guards import Guarded
from tests.bench.detection.halves import Interval, Result
from tests.bench.detection.judged import Judged
from tests.bench.detection.lived import Lived
from tests.bench.detection.method import Scale
from tests.bench.detection.pool import equal
from tests.bench.detection.products import WITHIN, Product

_PLACES = {"median": 0, "rate": 2}


def number(value: float, places: int = 2) -> str:
    """A figure as short as it can be read: .52, 14, never."""
    if isnan(value):
        return "-"
    if isinf(value):
        return "never"
    return f"{value:.{places}f}".removeprefix("0") if 0 < value < 1 else f"{value:.{places}f}"


def spread(interval: Interval, places: int = 2) -> str:
    """The middle, and the middle 95% of the repetitions."""
    return f"{number(interval.middle, places)} [dim]{number(interval.low, places)}-{number(interval.high, places)}[/]"


def show_simulated(console: Console, contenders: Sequence[Judged], asked: float) -> None:
    """Method against method on the simulated fleets at one asked rate."""
    table = Table(title=f"simulated fleets, {asked:g} false alarms per account-year asked", title_justify="left")
    for name in ("method", "realised", "later", "stop: days", "r14", "r30", "missed", "decay r60", "level drop r60"):
        table.add_column(name, justify="left" if name == "method" else "right")
    for one in contenders:
        if (result := one.results.get(asked)) is None:
            continue
        stop = [spread(result.measure("stop", name), _PLACES.get(name, 2)) for name in _STOP]
        rest = [spread(result.measure(kind, "r60")) for kind in ("decay", "partial_drop")]
        later = number(one.later[asked].realised.middle)
        table.add_row(one.contender.name, spread(result.realised), later, *stop, *rest)
    console.print(table)


def show_lived(console: Console, lived: Lived) -> None:
    """Alerts by kind, and losses by health."""
    table = Table(title=f"the live engine, {lived.account_years:,.0f} account-years", title_justify="left")
    for name in ("kind", "alerts", "an account-year", "unexplained", "an account-year", "watches only"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for each in lived.kinds:
        rates = [f"{count / lived.account_years:.3f}" for count in (each.alerts, each.unexplained)]
        table.add_row(
            each.kind.value, f"{each.alerts:,}", rates[0], f"{each.unexplained:,}", rates[1], f"{each.watches:,}"
        )
    console.print(table)
    health = Table(title="lost within 90 days, by health", title_justify="left")
    for name in ("health", "looks", "lost"):
        health.add_column(name, justify="right")
    for part in lived.tenths:
        health.add_row(f"{part.least} to {part.most}", f"{part.looks:,}", f"{part.lost:.1%}")
    console.print(health)


def show_products(console: Console, found: Sequence[Product]) -> None:
    """What became of a second product, with sources apart and without."""
    cases = ", ".join(f"{story} {number} times" for story, number in found[0].cases.items())
    table = Table(
        title=f"a second product ({cases}), {found[0].asked:g} asked: an alert within {', '.join(map(str, WITHIN))} "
        "days; false alarms per account-year",
        title_justify="left",
    )
    for name in ("sources", *found[0].cases, "false alarms", "of accounts with both"):
        table.add_column(name, justify="left" if name == "sources" else "right")
    for one in found:
        shares = [", ".join(number(each) for each in one.found[story]) for story in one.cases]
        rates = [number(each) for each in (one.false_alarms, one.with_two)]
        table.add_row("apart" if one.apart else "added up", *shares, *rates)
    console.print(table)


_STOP = ("median", "r14", "r30", "missed")
_LOSS = ("median", "r14", "r30", "above_luck_r14", "above_luck_r30", "r60", "mean_r60")


def show_real(console: Console, name: str, contenders: Sequence[Judged], asked: float) -> None:
    """Method against method on a real set, all of its days and the later ones. `late` are the false alarms that were
    right, and came after the loss was plain."""
    rule = next(one for one in contenders if one.contender.name == RULE)
    beside = {
        f"{RULE} to what {one.contender.name} realises": equal(rule, one, asked)
        for one in contenders
        if one.contender.scale is Scale.CALIBRATED
    }
    for title, results in (
        ("", {one.contender.name: one.results.get(asked) for one in contenders} | beside),
        (
            ", later half of the days, thresholds from the earlier",
            {one.contender.name: one.later.get(asked) for one in contenders},
        ),
    ):
        cases = next((result.cases.get("loss", 0) for result in results.values() if result is not None), 0)
        table = Table(title=f"{name}, {cases} losses, {asked:g} asked{title}", title_justify="left")
        for column in (
            "method",
            "realised",
            "late",
            "days",
            "r14",
            "r30",
            "r14 - luck",
            "r30 - luck",
            "r60",
            "mean r0-60",
        ):
            table.add_column(column, justify="left" if column == "method" else "right")
        for method, result in results.items():
            if result is not None:
                measures = [spread(result.measure("loss", each), _PLACES.get(each, 2)) for each in _LOSS]
                table.add_row(method, spread(result.realised), spread(result.late), *measures)
        console.print(table)


def show_rates(console: Console, name: str, contenders: Sequence[Judged]) -> None:
    """What is realised at each rate that is asked, and false alarms by account age."""
    rates = sorted({rate for one in contenders for rate in one.results})
    table = Table(
        title=f"{name}: realised false alarms per account-year where so many were asked", title_justify="left"
    )
    table.add_column("method")
    for rate in rates:
        table.add_column(f"{rate:g}", justify="right")
    for one in contenders:
        told: list[Result | None] = [one.results.get(rate) for rate in rates]
        table.add_row(one.contender.name, *("-" if each is None else spread(each.realised) for each in told))
    console.print(table)
    ages = list(contenders[0].by_age)
    table = Table(
        title=f"{name}: false alarms per account-year of life, by days since the first event", title_justify="left"
    )
    for column in ("method", *ages, "ungated"):
        table.add_column(column, justify="left" if column == "method" else "right")
    for one in contenders:
        table.add_row(one.contender.name, *(number(one.by_age[age]) for age in ages), number(one.ungated))
    console.print(table)


def show_guards(console: Console, found: Mapping[str, Mapping[str, Guarded]]) -> None:
    """Guards down, methods across."""
    table = Table(
        title="guards: new alarms per 1,000 healthy accounts in the days of a mishap (an ordinary window's); else "
        "false alarms per account-year, or the share found",
        title_justify="left",
    )
    table.add_column("guard")
    for method in found:
        table.add_column(method, justify="right")
    for guard in next(iter(found.values())):
        row = []
        for outcomes in found.values():
            outcome = outcomes[guard]
            beside = "" if outcome.ordinary is None else f" ({outcome.ordinary:.1f})"
            row.append((number(outcome.figure) if outcome.ordinary is None else f"{outcome.figure:.1f}") + beside)
        table.add_row(guard, *row)
    console.print(table)


def show_pooled(console: Console, found: Mapping[str, Mapping[str, Mapping[str, Interval]]], rule: str) -> None:
    """What methods have more than a tuned rule, the real sets taken together."""
    table = Table(title=f"share of losses found, more than by {rule}; mean of the real sets", title_justify="left")
    for column in ("method", "asked", "r14", "r30", "r60", "mean r0-60"):
        table.add_column(column, justify="left" if column == "method" else "right")
    for method, rates in found.items():
        for asked, measures in rates.items():
            table.add_row(method, asked, *(spread(measures[name]) for name in ("r14", "r30", "r60", "mean_r60")))
    console.print(table)
