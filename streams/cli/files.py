"""Options of commands that read a company's own files."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

import typer

if TYPE_CHECKING:
    from collections import Counter

    from streams.backtest.identities import Identities
    from streams.produce import Columns, Source
    from streams.runtime.settings import Settings

FormatOption = Annotated[
    Literal["native", "csv", "parquet", "jsonl", "segment", "stripe", "cloudevents", "auto"] | None,
    typer.Option(
        "--format",
        help="Of FILE; without it, its name tells. All but csv and parquet are JSON lines: jsonl with columns as you "
        "name them (properties.plan: inside of an object), the others with records of that format, auto: each by its "
        "shape. .gz is unpacked.",
    ),
]
AccountOption = Annotated[str, typer.Option("--account", metavar="COL", help="Column of the account's id.")]
TimeOption = Annotated[str, typer.Option("--time", metavar="COL", help="Column of the event's time.")]
UserOption = Annotated[str | None, typer.Option("--user", metavar="COL", help="Column of the user's id.")]
EventOption = Annotated[str | None, typer.Option("--event", metavar="COL", help="Column of the event's name.")]
EventNameOption = Annotated[str, typer.Option("--event-name", metavar="TEXT", help="The events' name without --event.")]
QuantityOption = Annotated[
    str | None, typer.Option("--quantity", metavar="COL", help="Column of the quantity (1 or more).")
]
IdOption = Annotated[
    str | None,
    typer.Option("--id", metavar="COL", help="Column of an id: only the first row of each account and id counts."),
]
ZoneOption = Annotated[
    str | None,
    typer.Option("--timezone", metavar="ZONE", help="Of times without an offset; default: SLACKWATER_TIMEZONE."),
]


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name. Raises typer.BadParameter."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise typer.BadParameter(f"{name!r} is no time zone; one is Europe/Berlin", param_hint="--timezone") from None


def instant_of(text: str, zone: ZoneInfo, option: str) -> int:
    """A time in ms; one without an offset is of the zone. Raises typer.BadParameter, which names the option."""
    from streams.produce.times import parse_time

    try:
        return parse_time(text, zone)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


BillingOption = Annotated[
    Path | None, typer.Option("--billing", metavar="FILE", help="Billing events: native, Stripe's or CloudEvents.")
]
AccountsOption = Annotated[
    Path | None,
    typer.Option(
        "--accounts", metavar="FILE", help="Account updates: native, Segment groups, Stripe customers or CloudEvents."
    ),
]
AliasesOption = Annotated[
    Path | None,
    typer.Option(
        "--aliases",
        metavar="FILE",
        help="CSV as `slackwater accounts import` takes it: other ids of accounts. Those in --accounts count as well; "
        "an id stands for its account from the beginning.",
    ),
]
FeedbackOption = Annotated[
    Path | None, typer.Option("--feedback", metavar="FILE", help="Feedback events: native or CloudEvents.")
]


def ids_of(settings: "Settings", sources: "list[Source]", aliases: Path | None, zone: ZoneInfo) -> "Identities":
    """Whose each id in the files is. Raises InputError for a file of aliases that is not sound."""
    from streams.backtest.identities import read_identities

    return read_identities(sources, aliases, zone, settings.park_ids)


def told_of_ignored(ignored: "Counter[str]") -> str:
    """What was left out, and why.

    >>> from collections import Counter
    >>> told_of_ignored(Counter(inactive=1, other_type=3))
    '4 records say nothing here and are left out: other_type 3, inactive 1'
    """
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in ignored.most_common())
    return f"{ignored.total():,} records say nothing here and are left out: {reasons}"


def history_of(
    settings: "Settings",
    file: Path,
    format_: str | None,
    columns: "Columns",
    zone: ZoneInfo,
    billing: Path | None,
    accounts: Path | None,
    feedback: Path | None,
) -> "list[Source]":
    """A file of usage events, and what goes with it."""
    from schemas.events import InputTopic
    from streams.produce import Format, Source

    lookup = settings.lookup
    sources = [Source(file, InputTopic.USAGE, None if format_ is None else Format(format_), columns, zone, lookup)]
    all_beside = ((billing, InputTopic.BILLING), (accounts, InputTopic.ACCOUNTS), (feedback, InputTopic.FEEDBACK))
    for beside, topic in all_beside:
        if beside is not None:
            sources.append(Source(beside, topic, Format.AUTO, lookup=lookup))
    return sources
