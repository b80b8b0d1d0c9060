"""`slackwater dead-letters`: what was turned away, why, and sending it again."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import complain, confirmed, emit_json, run, settings_of, tell, wide_console

if TYPE_CHECKING:
    from schemas.dead_letter import DeadLetter
    from streams.cli.dead_letters.again import Plan
    from streams.cli.dead_letters.letters import Wanted
    from streams.runtime.settings import Settings

group = typer.Typer(help="Records that were turned away, and why.", no_args_is_help=True)

_KINDS = 100
"""Kinds of dead letters that are counted in the table: who sends garbage invents fields without end."""
_CELL = 500
"""Characters in a cell."""

TopicOption = Annotated[str | None, typer.Option("--topic", help="Only what came from this topic.")]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Only of this reason, such as missing_field.")]
SinceOption = Annotated[str | None, typer.Option("--since", metavar="TIME", help="Only of this time or later.")]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Only of before this time.")]


def register(app: typer.Typer) -> None:
    """Put the group into the application."""
    app.add_typer(group, name="dead-letters")


@group.command(name="list", epilog="Example: slackwater dead-letters list --topic billing --since 2026-11-01")
def list_(
    context: typer.Context,
    topic: TopicOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many one by one, the newest.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Write each as a line of JSON, all of them.")] = False,
) -> None:
    """How many there are by topic and reason, and the newest one by one."""
    from streams.cli.dead_letters.letters import place_of

    settings = settings_of(context)
    found = _found(settings, _wanted(settings, topic, reason, since, until))
    if as_json:
        for letter in found:
            emit_json({"place": place_of(letter), **_plain(letter)}, lines=True)
        return
    counts = Counter((each.origin.topic, each.reason.value, each.field or "") for each in found)
    _print(("topic", "reason", "field", "records"), [(*key, f"{n:,}") for key, n in counts.most_common(_KINDS)])
    if len(counts) > _KINDS:
        tell(f"{len(counts) - _KINDS:,} kinds more; --json has all")
    newest = found[-limit:] if limit else []
    if newest:
        typer.echo()
        _print(("place", "at", "reason", "field", "what"), [_line(each) for each in newest])
    if len(newest) < len(found):
        tell(f"{len(found) - len(newest)} more; see --limit")


@group.command(epilog="Example: slackwater dead-letters explain billing/0/17")
def explain(
    context: typer.Context,
    place: Annotated[str, typer.Argument(metavar="PLACE", help="Topic, partition and offset, as `list` shows them.")],
) -> None:
    """One of them: what is wrong, and the record's value with the place of the fault marked."""
    from alerting.markup import clean
    from schemas.instants import format_instant
    from streams.cli.dead_letters.letters import Wanted
    from streams.cli.dead_letters.place import marked

    settings = settings_of(context)
    wanted = Wanted(places=frozenset({place}))
    found = _found(settings, wanted)
    _refuse_unknown(wanted, found)
    (letter,) = found
    typer.echo(clean(f"{place}  {format_instant(letter.at)}  {letter.reason}  {letter.field or ''}".rstrip()))
    typer.echo(clean(letter.detail))
    if letter.key is not None:
        typer.echo(clean(f"key: {letter.key.decode(errors='backslashreplace')}"))
    for header in letter.headers or ():
        value = "" if header.value is None else header.value.decode(errors="backslashreplace")
        typer.echo(clean(f"header {header.name}: {value}"))
    typer.echo()
    for line in marked(letter):
        typer.echo(line[: len(line) - len(line.lstrip(" "))] + clean(line.lstrip(" ")))


@group.command(epilog="Example: slackwater dead-letters replay --topic billing --reason missing_field --dry-run")
def replay(  # noqa: PLR0913, PLR0917 - a command has the options that it has
    context: typer.Context,
    places: Annotated[list[str] | None, typer.Argument(metavar="[PLACE]...", help="Only these; see `list`.")] = None,
    topic: TopicOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    every: Annotated[
        bool, typer.Option("--all", help="Also those that would be turned away again as things are set now.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent, and send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the plan as JSON. Nothing is sent unless --yes is given.")
    ] = False,
) -> None:
    """Send records to the topic that they came from again, as they were: after a setting, a worker or the time has
    changed what is thought of them. What was turned away at its account (too_many_accounts, impossible_command) is
    read where it stood; what is gone there is sent as it was understood, without key, user and event id.

    Each is sent once: a note of it is kept on an internal topic, in the same transaction. One that is turned away again
    is another dead letter, and can be sent again as that.
    """
    from streams.cli.dead_letters.again import plan_of, send_again, sent_before
    from streams.cli.dead_letters.whole import made_whole

    settings = settings_of(context)
    wanted = _wanted(settings, topic, reason, since, until, places)
    found = _found(settings, wanted)
    _refuse_unknown(wanted, found)
    letters, gone = run(made_whole(settings, found))
    if gone:
        tell(f"{gone:,} records are no longer where they stood: they are meant as they were understood")
    plan = plan_of(settings, letters, run(sent_before(settings)), every=every)
    _show(plan, as_json=as_json)
    if dry_run or (as_json and not yes) or not plan.send:
        return
    if not yes and not confirmed(f"Send {len(plan.send):,} records again?"):
        raise typer.Exit(1)
    tell(f"sent {run(send_again(settings, plan.send, every=every)):,} records")


def _show(plan: "Plan", *, as_json: bool) -> None:
    from streams.cli.dead_letters.letters import place_of

    if as_json:
        names = {"send": plan.send, "already": plan.already, "impossible": plan.impossible}
        refused = [{"place": place_of(each), "field": why.field, "detail": why.detail} for each, why in plan.refused]
        emit_json({**{name: [place_of(each) for each in those] for name, those in names.items()}, "refused": refused})
        return
    counts = Counter((each.origin.topic, each.reason.value) for each in plan.send)
    if plan.send:
        _print(("to be sent to", "reason", "records"), [(*key, f"{count:,}") for key, count in counts.most_common()])
    else:
        tell("there is nothing to be sent")
    for those, why in (
        (plan.already, "were sent before"),
        ([each for each, _ in plan.refused], "would be turned away again (--all sends them all the same)"),
        (plan.impossible, "have no value, or are of a topic that is no input"),
    ):
        if those:
            tell(f"left out: {len(those):,} that {why}")


def _found(settings: "Settings", wanted: "Wanted") -> "list[DeadLetter]":
    from streams.cli.dead_letters.letters import read_letters, wanted_of

    return wanted_of(run(read_letters(settings)), wanted)


def _refuse_unknown(wanted: "Wanted", found: "list[DeadLetter]") -> None:
    """End with status 1 where there is none of a place that was named."""
    from streams.cli.dead_letters.letters import place_of

    if unknown := sorted(wanted.places - set(map(place_of, found))):
        complain(f"there is no dead letter of {', '.join(map(repr, unknown))}; slackwater dead-letters list shows them")
        raise typer.Exit(1)


def _wanted(
    settings: "Settings",
    topic: str | None,
    reason: str | None,
    since: str | None,
    until: str | None,
    places: list[str] | None = None,
) -> "Wanted":
    from schemas.errors import Reason
    from streams.cli.dead_letters.letters import Wanted
    from streams.cli.files import instant_of, zone_of

    if reason is not None and reason not in set(Reason):
        raise typer.BadParameter(f"{reason!r} is no reason; there are {', '.join(Reason)}", param_hint="--reason")
    zone = zone_of(settings.timezone)
    times = [
        None if text is None else instant_of(text, zone, option)
        for text, option in ((since, "--since"), (until, "--until"))
    ]
    return Wanted(topic, reason, times[0], times[1], frozenset(places or ()))


def _plain(letter: "DeadLetter") -> dict[str, object]:
    import json

    plain: dict[str, object] = json.loads(letter.model_dump_json(exclude_none=True))
    return plain


def _line(letter: "DeadLetter") -> tuple[str, ...]:
    from schemas.instants import format_instant
    from streams.cli.dead_letters.letters import place_of

    return place_of(letter), format_instant(letter.at), letter.reason.value, letter.field or "", letter.detail


def _print(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from alerting.markup import clean, cut

    console = wide_console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, no_wrap=name != "what")
    for row in rows:
        table.add_row(*(Text(cut(clean(cell), _CELL)) for cell in row))
    console.print(table)
