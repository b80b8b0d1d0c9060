"""`slackwater bootstrap`: history from before the first start."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from pathlib import Path
from tempfile import TemporaryDirectory
from time import time as now
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.common import cleaned_up, complain, confirmed, emit_json, progress_on_stderr, run, settings_of, tell
from streams.cli.files import (
    AccountOption,
    AccountsOption,
    AliasesOption,
    BillingOption,
    EventNameOption,
    EventOption,
    FeedbackOption,
    FormatOption,
    IdOption,
    QuantityOption,
    TimeOption,
    UserOption,
    ZoneOption,
    history_of,
    ids_of,
    instant_of,
    zone_of,
)

if TYPE_CHECKING:
    from streams.backtest.identities import Identities
    from streams.backtest.reading import Reading
    from streams.cli.bootstrap.found import Found
    from streams.cli.bootstrap.learn import Learnt
    from streams.produce import Source
    from streams.runtime.settings import Settings

_GAP_MS = 86_400_000


def register(app: typer.Typer) -> None:
    app.command(
        epilog=(
            "Example: slackwater bootstrap usage.csv --account company --time created_at --until 2026-11-20 --plan; "
            "then the same without --plan"
        )
    )(bootstrap)


def bootstrap(  # noqa: PLR0913, PLR0917 - a command has the options that it has
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Usage events. Their order does not matter.")],
    until: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="Up to here the files are complete. What is later in them is left out; what is earlier on their "
            "topics is passed over.",
        ),
    ],
    format_: FormatOption = None,
    account: AccountOption = "account_id",
    time: TimeOption = "occurred_at",
    user: UserOption = None,
    event: EventOption = None,
    event_name: EventNameOption = "activity",
    quantity: QuantityOption = None,
    id_: IdOption = None,
    timezone: ZoneOption = None,
    billing: BillingOption = None,
    accounts: AccountsOption = None,
    aliases: AliasesOption = None,
    feedback: FeedbackOption = None,
    only_plan: Annotated[bool, typer.Option("--plan", help="Show what would be done, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the plan as JSON. Nothing is done unless --yes is given.")
    ] = False,
) -> None:
    """Load history that is older than what the topics have, before the first worker starts: so that it knows what is
    normal for each account.

    The live engine goes through the files; what it comes to is written as the workers' state. What the topics that
    files are given for have of before --until is known then, and not counted again: choose a time up to which the files
    have everything, late events too.
    Alerts of the past go to the topic, and are told as one message once a worker has caught up. Shows what it will do,
    and asks. Refuses while a worker runs, or where there is state already (exit status 1). When it is interrupted, run
    it again.
    """
    from streams.cli.bootstrap.found import look
    from streams.produce import Columns

    settings = settings_of(context)
    zone = zone_of(timezone or settings.timezone)
    end = instant_of(until, zone, "--until")
    if end > now() * 1000:
        raise typer.BadParameter("is in the future: nobody knows the history until then", param_hint="--until")
    columns = Columns(account, time, user, event, quantity, id_, event_name)
    sources = history_of(settings, file, format_, columns, zone, billing, accounts, feedback)
    found = run(look(settings))
    if refusal := found.refusal(end):
        complain(f"{refusal}. Nothing was changed")
        raise typer.Exit(1)
    with cleaned_up("nothing was written"):
        learnt, plan = _learn(settings, sources, ids_of(settings, sources, aliases, zone), found, end)
    if as_json:
        emit_json(plan)
    else:
        _show(settings, learnt, plan)
    if only_plan or (as_json and not yes):
        return
    if not yes and not confirmed(f"Write this as the state of {settings.app_id}?"):
        raise typer.Exit(1)
    run(_carry_out(settings, found, learnt))
    tell("done: the next worker goes on from there")


def _learn(
    settings: "Settings", sources: "list[Source]", ids: "Identities", found: "Found", end: int
) -> "tuple[Learnt, dict[str, Any]]":
    from schemas.instants import format_instant
    from streams.backtest.crew import Crew
    from streams.backtest.job import Job
    from streams.cli.backtest import read_rows
    from streams.cli.bootstrap.learn import Learnt

    learnt = Learnt(settings, end, frozenset(source.topic for source in sources))
    with TemporaryDirectory(prefix="slackwater-bootstrap-") as folder, progress_on_stderr() as bar:
        crew = Crew(Job(settings.detection(), {}, settings.out_of_order, Path(folder), until=end, ids=ids))
        reading = read_rows(crew, bar, sources)
        first = reading.first_at or 0
        task = bar.add_task("learning", total=max(end - first, 1), status="")

        def show(events: int, at: int) -> None:
            bar.update(task, completed=at - first, status=f"{events:,} events, {format_instant(at)[:10]}")

        learnt.go_through(crew.blocks(), show)
    return learnt, _plan(settings, learnt, reading, found)


def _plan(settings: "Settings", learnt: "Learnt", reading: "Reading", found: "Found") -> dict[str, Any]:
    """What will be done, as plain values."""
    from schemas.events import InputTopic
    from schemas.instants import format_instant
    from streams.backtest.repeats import BY_COLUMN, told_of_repeats

    message = learnt.message(learnt.until)
    assert reading.first_at is not None
    assert reading.last_at is not None
    warnings = []
    if learnt.until - reading.last_at > _GAP_MS:
        days = (learnt.until - reading.last_at) // _GAP_MS
        warnings.append(
            f"the files end on {format_instant(reading.last_at)}, {days:,} days before --until: those days count as "
            "days on which nobody did anything"
        )
    if reading.later:
        warnings.append(
            f"{reading.later:,} rows are not before --until and are left out: live events say what is later"
        )
    if reading.bad:
        warnings.append(f"{reading.bad:,} rows are not usable and are left out")
    left_out = sum(learnt.excluded.values())
    if left_out:
        warnings.append(f"{left_out:,} events do not count as usage ({', '.join(sorted(learnt.excluded))})")
    usage = reading.rows[InputTopic.USAGE.value] - left_out
    if repeated := told_of_repeats(learnt.repeats.count, usage, BY_COLUMN):
        warnings.append(repeated)
    if found.interrupted:
        warnings.append("a bootstrap was interrupted: what it left is done now")
    return {
        "app_id": settings.app_id,
        "rows": dict(reading.rows),
        "first_at": format_instant(reading.first_at),
        "last_at": format_instant(reading.last_at),
        "until": format_instant(learnt.until),
        "known_topics": [settings.topic(topic) for topic in learnt.known],
        "accounts": learnt.accounts,
        "transitions": learnt.transitions,
        "catch_up": None if message is None else message.model_dump(mode="json", exclude_none=True),
        "warnings": warnings,
    }


def _show(settings: "Settings", learnt: "Learnt", plan: dict[str, Any]) -> None:
    from rich.console import Console

    from alerting.past_story import catch_up_story
    from streams.runtime import topics

    console = Console(highlight=False, soft_wrap=True)
    rows = ", ".join(f"{topic} {count:,}" for topic, count in plan["rows"].items() if count)
    known = ", ".join(plan["known_topics"])
    state = topics.changelog(settings, topics.ENGAGEMENT)
    for line in (
        f"Bootstrap of {settings.app_id} at {settings.brokers}, until {plan['until']}:",
        f"  files         {rows} rows, {plan['first_at']} to {plan['last_at']}",
        f"  {state}: {sum(plan['accounts']):,} accounts, in {len(plan['accounts'])} home partitions",
        f"  {settings.topic('alerts')}: {plan['transitions']:,} transitions, marked as past: nobody is told of each",
        f"  {known}: read from the earliest as ever; events before {plan['until']} are known, and passed over",
    ):
        console.print(line, markup=False)
    message = learnt.message(learnt.until)
    if message is not None:
        story = catch_up_story(message)
        console.print("  The message that follows once a worker has caught up, if nothing more happens:", markup=False)
        for line in (story.title, story.sentence, *story.lines):
            console.print(f"    {line}", markup=False)
    for text in plan["warnings"]:
        console.print(f"! {text}", style="yellow", markup=False)


async def _carry_out(settings: "Settings", found: "Found", learnt: "Learnt") -> None:
    from streams.cli.bootstrap.carry_out import carry_out
    from streams.runtime.writer import has_transactions

    await carry_out(settings, found, learnt, exactly_once=await has_transactions(settings), say=tell)
