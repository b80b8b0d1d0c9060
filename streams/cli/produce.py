"""`slackwater produce`."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from collections import Counter
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import emit_json, progress_on_stderr, run, settings_of, tell
from streams.cli.files import (
    AccountOption,
    AccountsOption,
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
    told_of_ignored,
    zone_of,
)

if TYPE_CHECKING:
    from schemas.events import InputTopic
    from streams.produce import Pace, Sent, Source
    from streams.runtime.settings import Settings

DAY_MS = 86_400_000
#: Default names of the input topics, which are also what the sources' topics are called in files.
TOPICS = {
    "product-usage": "usage",
    "billing": "billing",
    "accounts": "accounts",
    "feedback": "feedback",
    "alert-commands": "commands",
}


def register(app: typer.Typer) -> None:
    app.command(
        epilog=(
            "Example: slackwater produce transactions.parquet --account household_id --time transaction_timestamp "
            "--id basket_id"
        )
    )(produce)


def pace_of(speed: str) -> "Pace | None":
    """The pace for `max` (None) or a number of times real time. Raises typer.BadParameter."""
    from streams.produce import Pace

    if speed == "max":
        return None
    try:
        return Pace.at_speed(float(speed), monotonic)
    except ValueError:
        raise typer.BadParameter(f"{speed!r} is neither max nor a number above 0", param_hint="--speed") from None


def produce(  # noqa: PLR0913, PLR0917 - a command has the options that it has
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What to send. Its order does not matter.")],
    topic: Annotated[
        str, typer.Option(help="Input topic: product-usage, billing, accounts, feedback or alert-commands.")
    ] = ("product-usage"),
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
    feedback: FeedbackOption = None,
    speed: Annotated[str, typer.Option(metavar="max|N", help="As fast as it goes, or N times real time.")] = "max",
    markers: Annotated[
        bool, typer.Option(help="Write the clock markers that a worker with SLACKWATER_CLOCK=events goes by.")
    ] = True,
    settle: Annotated[
        float,
        typer.Option(
            metavar="DAYS",
            min=0,
            max=3_650,
            help="Days that the end marker lies after the last event.",
        ),
    ] = 0.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check everything, send nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write a summary as JSON.")] = False,
) -> None:
    """Send a file's records to an input topic, in order of event time.

    Records are sent as native events, or as they are where the topic's SLACKWATER_FORMAT_... is their own format.
    Everything is read and checked before the first one is sent. A row that is not usable ends it with exit status 1
    and is told by file, line and column.
    """
    from streams.produce import Columns, Format, Source

    settings = settings_of(context)
    pace = pace_of(speed)
    columns = Columns(account, time, user, event, quantity, id_, event_name)
    form = None if format_ is None else Format(format_)
    kind, zone, lookup = _topic(settings, topic), zone_of(timezone or settings.timezone), settings.lookup
    sources = [Source(file, kind, form, columns, zone, lookup, settings.format_of(kind))]
    for name, beside in (("billing", billing), ("accounts", accounts), ("feedback", feedback)):
        if beside is not None:
            kind = _topic(settings, name)
            sent_as = settings.format_of(kind)
            form = Format.AUTO if sent_as.value == Format.NATIVE.value else Format(sent_as.value)
            sources.append(Source(beside, kind, form, lookup=lookup, sent_as=sent_as))
    settle_ms = round(settle * DAY_MS)
    sent, seconds = run(_produce(settings, sources, pace, markers=markers, settle_ms=settle_ms, dry_run=dry_run))
    _summary(sent, seconds, as_json=as_json, dry_run=dry_run)


async def _produce(
    settings: "Settings",
    sources: "list[Source]",
    pace: "Pace | None",
    *,
    markers: bool,
    settle_ms: int,
    dry_run: bool,
) -> "tuple[Sent, float]":
    from schemas.instants import format_instant
    from streams.produce import Sent, read_in_time_order, send

    with progress_on_stderr() as progress:
        task = progress.add_task("reading", total=None, status=", ".join(str(source.path) for source in sources))

        def show(sent: Sent) -> None:
            if sent.last_at is not None:
                status = f"{sent.total:,} records, {format_instant(sent.last_at)}"
                progress.update(task, description="sending", status=status)

        ignored: Counter[str] = Counter()
        records = read_in_time_order(sources, ignored=ignored)
        started = monotonic()
        if dry_run:
            found = Sent()
            for record in records:
                found.records[record.topic] += 1
                found.first_at = record.at if found.first_at is None else found.first_at
                found.last_at = record.at
            sent = found
        else:
            sent = await send(records, settings, pace=pace, markers=markers, settle_ms=settle_ms, progress=show)
        if ignored:
            tell(told_of_ignored(ignored))
        return sent, monotonic() - started


def _summary(sent: "Sent", seconds: float, *, as_json: bool, dry_run: bool) -> None:
    from schemas.instants import format_instant

    first, last = (None if at is None else format_instant(at) for at in (sent.first_at, sent.last_at))
    if as_json:
        records = {topic.value: count for topic, count in sent.records.items()}
        emit_json({"records": records, "markers": sent.markers, "first": first, "last": last, "sent": not dry_run})
        return
    span = f", from {first} to {last}" if sent.total else ""
    done = "would send" if dry_run else "sent"
    tell(f"{done} {sent.total:,} records and {sent.markers:,} markers in {seconds:.1f} s{span}")


def _topic(settings: "Settings", name: str) -> "InputTopic":
    from schemas.events import InputTopic

    for default, topic in TOPICS.items():
        if name in (default, settings.topic(topic)):
            return InputTopic(topic)
    raise typer.BadParameter(f"{name!r} is no input topic; there are {', '.join(TOPICS)}", param_hint="--topic")
