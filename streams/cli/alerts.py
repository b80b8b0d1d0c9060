"""`slackwater alerts`."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from streams.cli import orders
from streams.cli.common import complain, run, settings_of, tell, wide_console

if TYPE_CHECKING:
    from schemas.alerts import Transition
    from streams.runtime.settings import Settings

group = typer.Typer(help="The alerts that were raised, and what is done about them.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Put the group into the application."""
    orders.register(group)
    app.add_typer(group, name="alerts")


@group.command(name="list", epilog="Example: slackwater alerts list --severity critical --json")
def list_(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False,
    account: Annotated[str | None, typer.Option(help="Only of this account id.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only of this kind, such as usage_drop.")] = None,
    severity: Annotated[
        Literal["watch", "warning", "critical"], typer.Option(help="This severity or a higher one.")
    ] = "watch",
    limit: Annotated[int, typer.Option(min=1, help="At most so many, those with most at risk first.")] = 100,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write each alert's last transition as a line of JSON.")
    ] = False,
) -> None:
    """Open alerts, those with most money at risk first."""
    from schemas.alerts import AlertState, Kind, Severity

    if kind is not None and kind not in set(Kind):
        raise typer.BadParameter(f"{kind!r} is no kind; there are {', '.join(Kind)}", param_hint="--kind")
    last: dict[str, Transition] = {}
    for transition in run(read_transitions(settings_of(context))):
        known = last.get(transition.alert_id)
        if known is None or transition.revision > known.revision:
            last[transition.alert_id] = transition
    found = [
        transition
        for transition in last.values()
        if (every or transition.state is not AlertState.RESOLVED)
        and (account is None or transition.account_id == account)
        and (kind is None or transition.kind == kind)
        and transition.severity.rank >= Severity(severity).rank
    ]
    found.sort(key=lambda each: (-each.priority, -each.severity.rank, each.at, each.alert_id))
    if as_json:
        for transition in found[:limit]:
            typer.echo(transition.model_dump_json(exclude_none=True))
    else:
        _print_table(found[:limit])
        if len(found) > limit:
            tell(f"{len(found) - limit} more; see --limit")


@group.command(epilog="Example: slackwater alerts show 3fa1b2c4d5e6f708")
def show(
    context: typer.Context,
    alert: Annotated[str, typer.Argument(metavar="ALERT", help="The alert's id, or the beginning of it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Write each of its transitions as a line of JSON.")] = False,
) -> None:
    """One alert from its opening on: each change, with reasons and evidence."""
    history = history_of(settings_of(context), alert)
    if as_json:
        for transition in history:
            typer.echo(transition.model_dump_json(exclude_none=True))
    else:
        _print_history(history)


def history_of(settings: "Settings", alert: str) -> "list[Transition]":
    """The transitions of the one alert whose id begins so, in order. Raises `typer.Exit` where there is not one."""
    history = [each for each in run(read_transitions(settings)) if each.alert_id.startswith(alert.lower())]
    ids = sorted({each.alert_id for each in history})
    if len(ids) != 1:
        complain(f"{len(ids)} alerts begin with {alert!r}: {', '.join(ids)}" if ids else f"there is no alert {alert!r}")
        raise typer.Exit(1)
    return sorted(history, key=lambda each: each.revision)


async def read_transitions(settings: "Settings") -> "list[Transition]":
    """Every committed transition on the alerts topic; of a record that is none is told. Raises BrokerError."""
    from pydantic import ValidationError

    from schemas.alerts import Transition
    from streams.cli.reading import read_all

    topic = settings.topic("alerts")
    found = []
    async for record in read_all(settings, topic):
        try:
            found.append(Transition.model_validate_json(record.value or b""))
        except ValidationError as error:
            place = f"{topic}, partition {record.partition}, offset {record.offset}"
            tell(f"{place}: is no alert transition ({error.error_count()} faults), and is left out")
    return found


_WIDE: Final = 120
"""Columns from which on a terminal has room for a line an alert; below it, an alert takes two."""


def _print_table(transitions: "Iterable[Transition]") -> None:
    from rich.table import Table
    from rich.text import Text

    from alerting.markup import clean
    from alerting.words import money

    console = wide_console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("alert", "severity", "kind", "since", "state", "MRR", "account"):
        table.add_column(name, no_wrap=True)
    table.add_column("what")  # the one that may wrap, so that nothing else is cut off
    for each in transitions:
        known = each.mrr_minor is not None and each.currency is not None
        mrr = money(each.mrr_minor or 0, each.currency or "") if known else ""
        first = (each.alert_id, each.severity.value, each.kind.value, _date(each.since))
        # Text: names are never read as markup.
        if console.width < _WIDE:
            line = f"{first[0]}  {first[1]:8}  {first[2]:16}  {first[3]}  {clean(_who(each))}"
            console.print(Text(line), no_wrap=True, overflow="ellipsis")
            console.print(Text(f"  {clean(each.headline)}"), no_wrap=True, overflow="ellipsis")
        else:
            cells = (*first, each.state.value, mrr, _who(each), each.headline)
            table.add_row(*(Text(clean(cell)) for cell in cells))
    if console.width >= _WIDE:
        console.print(table)


def _print_history(history: "list[Transition]") -> None:
    from alerting.markup import clean
    from alerting.sparkline import sparkline
    from schemas.instants import format_instant

    last = history[-1]
    typer.echo(clean(f"{last.alert_id}  {last.kind}  {_who(last)}  {last.state}, {last.severity}"))
    for each in history:
        how = "".join(
            [f", {each.resolution}" if each.resolution else "", f", by {each.by}" if each.by else ""],
        )
        typer.echo()
        typer.echo(clean(f"{each.revision}. {format_instant(each.at)}  {each.change} ({each.severity}{how})"))
        typer.echo(f"   {clean(each.headline)}")
        for reason in each.reasons:
            typer.echo(f"   - {clean(reason.text)}")
        numbers = [f"{name} {value:g}" for name, value in each.evidence.items() if not isinstance(value, tuple)]
        if numbers:
            typer.echo(f"   {clean(', '.join(numbers))}")
        for name, value in each.evidence.items():
            if isinstance(value, tuple):
                typer.echo(f"   {clean(name)} {sparkline(value)}, highest {max(value, default=0)}")


def _who(transition: "Transition") -> str:
    """The account by its name, where it has one, and its id, which commands take."""
    name, account = transition.account_name, transition.account_id
    return f"{name} ({account})" if name else account


def _date(at: int) -> str:
    from schemas.instants import format_instant

    return format_instant(at)[:10]
