"""`slackwater reset`: deliberate reprocessing."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from streams.cli.common import complain, confirmed, emit_json, run, settings_of, tell, wide_console

if TYPE_CHECKING:
    from streams.cli.reset.plan import Found, Step
    from streams.runtime.settings import Settings


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: slackwater reset --plan; then slackwater reset --outputs delete")(reset)


def reset(
    context: typer.Context,
    outputs: Annotated[
        Literal["keep", "delete"],
        typer.Option(help="Alerts, pictures and dead letters there are: the new ones follow them, or they are gone."),
    ] = "keep",
    pending: Annotated[
        Literal["keep", "drop"], typer.Option(help="Messages that wait to be sent: send them still, or drop them.")
    ] = "keep",
    only_plan: Annotated[bool, typer.Option("--plan", help="Show what would be done, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the plan as JSON. Nothing is done unless --yes is given.")
    ] = False,
) -> None:
    """Forget the state, and build it anew from the input that Kafka still has: after a producer was mended, or the time
    zone or the thresholds were changed.

    Shows what it will do, and asks. Refuses while a worker runs (exit status 1), but for --plan. When it is
    interrupted, run it again.
    """
    from streams.cli.reset.carry_out import carry_out
    from streams.cli.reset.look import look
    from streams.cli.reset.plan import steps, warnings

    settings = settings_of(context)
    found = run(look(settings))
    planned = steps(settings, found, outputs, pending)
    warned = list(warnings(settings, found, outputs))
    if only_plan and found.members:
        warned.append(f"{_running(settings, found)}. Stop the workers before the reset")
    if as_json:
        emit_json({"steps": [each._asdict() for each in planned], "warnings": warned, "found": asdict(found)})
    else:
        _show(settings, planned, warned)
    if found.members and not only_plan:
        _refuse(settings, found)
    if outputs == "delete" and not found.exactly_once:
        complain("this broker can delete no records, and has no transactions: --outputs delete is for Apache Kafka")
        raise typer.Exit(1)
    if only_plan or (as_json and not yes):
        return
    if not yes and not confirmed(f"Forget the state of {settings.app_id}?"):
        raise typer.Exit(1)
    run(carry_out(settings, outputs, pending, exactly_once=found.exactly_once, say=tell))
    tell("done: the next worker begins at the earliest records")


def _show(settings: "Settings", planned: "list[Step]", warned: list[str]) -> None:
    from rich.table import Table

    console = wide_console()
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    for name in ("topic", "what happens", ""):
        table.add_column(name, no_wrap=not console.is_terminal)
    for step in planned:
        table.add_row(*step, style=None if step.what.startswith(("kept", "read", "nothing")) else "yellow")
    console.print(f"Reset of {settings.app_id} at {settings.brokers}:", markup=False)
    console.print(table)
    for text in warned:
        console.print(f"! {text}", style="yellow", markup=False)


def _running(settings: "Settings", found: "Found") -> str:
    return f"{len(found.members)} members of the group {settings.app_id!r} are running: {'; '.join(found.members)}"


def _refuse(settings: "Settings", found: "Found") -> None:
    complain(
        f"{_running(settings, found)}. Stop the workers first; one that was killed counts until its session is over "
        f"({settings.session_timeout / 1000:g} s). Nothing was changed"
    )
    raise typer.Exit(1)
