"""`slackwater backtest`."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import cleaned_up, emit_json, progress_on_stderr, settings_of, tell
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
    told_of_ignored,
    zone_of,
)

if TYPE_CHECKING:
    from rich.progress import Progress

    from streams.backtest.crew import Crew
    from streams.backtest.evaluate import Asked
    from streams.backtest.home import Course, HomeResult
    from streams.backtest.job import Job
    from streams.backtest.reading import Reading
    from streams.backtest.result import Backtest
    from streams.produce import Source

_SHOWN = 3
_LARGE = 8 << 20
"""Bytes of text from which on starting processes is worth it."""
_PACKED = 8
"""A packed file holds so many times as much."""
_MOSTLY_BAD = 0.5


def register(app: typer.Typer) -> None:
    app.command(
        epilog=(
            "Example: slackwater backtest transactions.parquet --account household_id --time transaction_timestamp "
            "--id basket_id --out report"
        )
    )(backtest)


def backtest(  # noqa: PLR0913, PLR0917 - a command has the options that it has
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Usage events. Their order does not matter.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the four files of the result go.")],
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
    outcomes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What became of accounts: CSV or JSON lines with account_id, at, outcome (churned or retained, say). "
            "Without it, billing tells; without that, silence.",
        ),
    ] = None,
    silence_days: Annotated[
        int, typer.Option(metavar="DAYS", min=7, help="Silence up to the end that is taken for a loss.")
    ] = 60,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Leave out what is later, and let the time go on until then.")
    ] = None,
    false_alarms_per_account_year: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            min=0.001,
            max=100,
            help="The knob. Default: SLACKWATER_FALSE_ALARMS_PER_ACCOUNT_YEAR.",
        ),
    ] = None,
    team_size: Annotated[
        int, typer.Option("--team-size", "--team", metavar="N", min=1, help="People who share the messages.")
    ] = 8,
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Processes. The result does not depend on it. Default: the number of cores, 1 for a small file.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the summary to stdout as well.")] = False,
) -> None:
    """What would the alerts have been? Runs the live engine over a history and writes alerts.jsonl, accounts.csv,
    summary.json and report.html.

    The report begins with the messages per person and week, and has every loss of the last year with the day on which
    it was flagged, or why not, and what other settings of the knob would have given. Rows that are not usable are told,
    counted and left out. Exit status 1 when no row is usable, or most are not.
    """
    from streams.backtest.evaluate import Asked
    from streams.backtest.job import Job
    from streams.backtest.knob import asking, settings_beside
    from streams.backtest.reading import TOPICS
    from streams.produce import Columns
    from streams.produce.errors import shown

    settings = settings_of(context)
    zone = zone_of(timezone or settings.timezone)
    end = None if until is None else instant_of(until, zone, "--until")
    columns = Columns(account, time, user, event, quantity, id_, event_name)
    sources = history_of(settings, file, format_, columns, zone, billing, accounts, feedback)
    for source in sources:
        source.resolved_format()
    config = settings.detection()
    beside = settings_beside(config, false_alarms_per_account_year or config.alert_false_alarms)
    if false_alarms_per_account_year is not None:
        config = asking(config, false_alarms_per_account_year)
    known = None
    if outcomes is not None:
        from streams.backtest.outcomes import read_outcomes

        known = read_outcomes(outcomes, zone)
    out.mkdir(parents=True, exist_ok=True)
    asked = Asked([shown(source.path) for source in sources], team_size, silence_days, known, end or 0)
    with cleaned_up("nothing was written"):
        job = Job(
            config,
            {topic: settings.topic(topic.value) for topic in TOPICS},
            settings.out_of_order,
            out,
            jobs or _jobs(sources),
            end,
            settings.user_key,
            settings.usage_rule() or None,
            beside,
            ids_of(settings, sources, aliases, zone),
        )
        found = _run(job, sources, asked, out)
    _tell_all(found, out)
    if as_json:
        from streams.backtest.summary import summary_of

        emit_json(summary_of(found))


def _jobs(sources: "list[Source]") -> int:
    """As many as there are cores, when there is enough to do."""
    from streams.produce import Format

    size = 0
    for source in sources:
        if source.path.is_file():
            packed = source.path.suffix == ".gz" or source.resolved_format() is Format.PARQUET
            size += source.path.stat().st_size * (_PACKED if packed else 1)
    return (os.cpu_count() or 1) if size >= _LARGE else 1


def _run(job: "Job", sources: "list[Source]", asked: "Asked", out: Path) -> "Backtest":
    from streams.backtest.crew import Crew
    from streams.backtest.evaluate import evaluate, fleet_of
    from streams.backtest.home import Course
    from streams.backtest.reading import TOPICS
    from streams.backtest.write import write_result
    from streams.produce import InputError

    with TemporaryDirectory(prefix="slackwater-backtest-") as folder, progress_on_stderr() as bar:
        with Crew(replace(job, folder=Path(folder))) as crew:
            reading = read_rows(crew, bar, sources)
            assert reading.first_at is not None
            assert reading.last_at is not None
            asked = replace(
                asked, end=max(asked.end, reading.last_at + 1), hashed=bool(job.user_key), now=int(time() * 1000)
            )
            topics = tuple(number for number, topic in enumerate(TOPICS) if reading.rows[topic.value])
            results = _judge(crew, Course(reading.first_at, asked.end, topics), bar, reading.total)
        bar.add_task("evaluating", total=None, status="")
        fleet = fleet_of(results, job.rule)
        if sum(fleet.excluded.values()) == reading.total:
            raise InputError(f"no event counts as usage: {', '.join(fleet.excluded)} leave all of them out")
        found = evaluate(fleet, reading, job.config, asked)
        write_result(out, found, fleet)
        return found


def read_rows(crew: "Crew", bar: "Progress", sources: "list[Source]") -> "Reading":
    """Have all files read, and tell what came of it. Raises InputError where they are no use."""
    from streams.backtest.reading import parts_of
    from streams.produce import InputError

    task = bar.add_task("reading", total=None, status="")
    seen = 0

    def show(rows: int) -> None:
        nonlocal seen
        seen += rows
        bar.update(task, status=f"{seen:,} rows")

    reading = crew.read(parts_of(sources), show)
    bar.update(task, total=1, completed=1, status=f"{reading.total:,} rows")
    for example in reading.examples[:_SHOWN]:
        tell(f"not usable: {example}")
    if reading.bad > _SHOWN:
        share = reading.bad / (reading.total + reading.bad + reading.later)
        tell(f"not usable: {reading.bad - _SHOWN:,} more rows; {share:.1%} of all rows are left out")
    if reading.ignored:
        tell(told_of_ignored(reading.ignored))
    rows = reading.total + reading.bad + reading.later
    names = ", ".join(str(source.path) for source in sources)
    if reading.total == 0:
        if reading.later:
            raise InputError(f"{names}: all rows are later than --until")
        raise InputError(f"{names}: no row is usable{_which(sources)}" if rows else f"{names}: there are no rows")
    if reading.bad > _MOSTLY_BAD * rows:
        raise InputError(f"{names}: {reading.bad:,} of {rows:,} rows are not usable: are these the right columns?")
    return reading


def _which(sources: "list[Source]") -> str:
    """What may help where records have other names than native ones."""
    from streams.produce import Format
    from streams.produce.json_files import first_names

    usage = sources[0]
    if usage.resolved_format() is not Format.NATIVE or not usage.path.is_file():  # of a pipe there is nothing left
        return ""
    names = first_names(usage.path)
    if names is None:
        return ""
    return (
        f" as a native event; a line has {names}: --account, --time and --event say what is which, or --format whose "
        "records they are"
    )


def _judge(crew: "Crew", course: "Course", bar: "Progress", total: int) -> "list[HomeResult]":
    from schemas.instants import format_instant

    task = bar.add_task("judging", total=total, status="")
    taken = newest = 0

    def show(events: int, at: int) -> None:
        nonlocal taken, newest
        taken, newest = taken + events, max(newest, at)
        bar.update(task, completed=taken, status=f"{taken:,} events, {format_instant(newest)[:10]}")

    return crew.judge(course, show)


def _tell_all(found: "Backtest", out: Path) -> None:
    from streams.backtest.events import suggestions
    from streams.backtest.words import headline

    for note in found.notes:
        tell(note)
    for doubt in suggestions(found.events, found.programs):
        tell(f"perhaps no usage: {doubt}")
    for sentence in headline(found):
        tell(sentence)
    tell(f"wrote {out / 'report.html'}, alerts.jsonl, accounts.csv and summary.json")
