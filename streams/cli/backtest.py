"""`slackwater backtest`."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import emit_json, progress_on_stderr, settings_of, tell
from streams.cli.files import (
    AccountOption,
    EventNameOption,
    EventOption,
    FormatOption,
    IdOption,
    QuantityOption,
    TimeOption,
    UserOption,
    ZoneOption,
    instant_of,
    zone_of,
)

if TYPE_CHECKING:
    from rich.progress import Progress

    from streams.backtest.evaluate import Asked
    from streams.backtest.feed import Feed, Findings
    from streams.backtest.ledger import Ledger
    from streams.backtest.outcomes import Outcomes
    from streams.backtest.reading import Reading
    from streams.backtest.result import Backtest
    from streams.detection.config import DetectionConfig
    from streams.detection.replay import Replay
    from streams.produce import Source
    from streams.runtime.settings import Settings

CURVE = (0.1, 0.2, 0.5, 1.0, 2.0)
_SHOWN = 3
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
    billing: Annotated[Path | None, typer.Option(metavar="FILE", help="Native billing events.")] = None,
    accounts: Annotated[Path | None, typer.Option(metavar="FILE", help="Native account updates.")] = None,
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
            metavar="X", min=0.001, max=100, help="The knob. Default: SLACKWATER_FALSE_ALARMS_PER_ACCOUNT_YEAR."
        ),
    ] = None,
    team: Annotated[int, typer.Option(metavar="N", min=1, help="People who share the messages.")] = 1,
    curve: Annotated[
        bool, typer.Option("--curve", help="Run the engine at other settings of the knob, too: several times as long.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the summary to stdout as well.")] = False,
) -> None:
    """What would the alerts have been? Runs the live engine over a history and writes alerts.jsonl, accounts.csv,
    summary.json and report.html.

    Rows that are not usable are told, counted and left out. Exit status 1 when no row is usable, or most are not.
    """
    from schemas.events import InputTopic
    from streams.produce import Columns, Format, Source

    settings = settings_of(context)
    zone = zone_of(timezone or settings.timezone)
    end = None if until is None else instant_of(until, zone, "--until")
    columns = Columns(account, time, user, event, quantity, id_, event_name)
    sources = [Source(file, InputTopic.USAGE, None if format_ is None else Format(format_), columns, zone)]
    if billing is not None:
        sources.append(Source(billing, InputTopic.BILLING, Format.NATIVE))
    if accounts is not None:
        sources.append(Source(accounts, InputTopic.ACCOUNTS, Format.NATIVE))
    for source in sources:
        source.resolved_format()
    config = settings.detection()
    if false_alarms_per_account_year is not None:
        config = _asking(config, false_alarms_per_account_year)
    known = None
    if outcomes is not None:
        from streams.backtest.outcomes import read_outcomes

        known = read_outcomes(outcomes, zone)
    out.mkdir(parents=True, exist_ok=True)
    found = _run(settings, config, sources, known, out, end=end, silence_days=silence_days, team=team, curve=curve)
    _tell_all(found, out)
    if as_json:
        from streams.backtest.summary import summary_of

        emit_json(summary_of(found))


def _run(  # noqa: PLR0913 - it is the command, without its options' texts
    settings: "Settings",
    config: "DetectionConfig",
    sources: "list[Source]",
    outcomes: "Outcomes | None",
    out: Path,
    *,
    end: int | None,
    silence_days: int,
    team: int,
    curve: bool,
) -> "Backtest":
    from streams.backtest.evaluate import Asked, curve_point, evaluate, fleet_of
    from streams.backtest.feed import Feed
    from streams.backtest.ledger import Ledger
    from streams.backtest.result import CurvePoint
    from streams.backtest.write import write_result

    with (
        Feed(sources, until=end, timezone=config.timezone, rule=settings.usage_rule()) as feed,
        Ledger() as ledger,
        progress_on_stderr() as bar,
    ):
        reading = read_rows(feed, bar, sources)
        assert reading.last_at is not None
        asked = Asked(
            [str(source.path) for source in sources],
            config.alert_false_alarms,
            team,
            silence_days,
            outcomes,
            max(end or 0, reading.last_at + 1),
        )
        replay = _judge(feed, settings, config, ledger, bar, reading, asked)
        findings = _findings(feed, settings, reading)
        fleet = fleet_of(replay, ledger.in_order(), asked)
        points: list[CurvePoint] = []
        for knob in CURVE if curve else ():
            if knob != config.alert_false_alarms:
                with Ledger() as other:
                    again = _judge(feed, settings, _asking(config, knob), other, bar, reading, asked)
                    points.append(curve_point(knob, other, fleet, again, asked))
        bar.add_task("evaluating", total=None, status="")
        found = evaluate(replay, ledger, fleet, findings, reading, asked, points)
        write_result(out, found, ledger, fleet)
        return found


def _findings(feed: "Feed", settings: "Settings", reading: "Reading") -> "Findings":
    from streams.produce import InputError

    findings = feed.findings
    if sum(findings.excluded.values()) == reading.total:
        raise InputError(f"no event counts as usage: {', '.join(findings.excluded)} leave all of them out")
    return replace(findings, programs=[]) if settings.user_hash_key else findings  # then no id is to be seen


def read_rows(feed: "Feed", bar: "Progress", sources: "list[Source]") -> "Reading":
    """Wait until a feed has read its files, and tell what it made of them. Raises InputError where they are no use."""
    from streams.produce import InputError

    task = bar.add_task("reading", total=None, status="")
    reading = feed.read(lambda rows: bar.update(task, status=f"{rows:,} rows"))
    bar.update(task, total=1, completed=1, status=f"{reading.total:,} rows")
    for example in reading.examples[:_SHOWN]:
        tell(f"not usable: {example}")
    if reading.bad > _SHOWN:
        tell(f"not usable: {reading.bad - _SHOWN:,} more rows")
    rows = reading.total + reading.bad + reading.later
    names = ", ".join(str(source.path) for source in sources)
    if reading.total == 0:
        if reading.later:
            raise InputError(f"{names}: all rows are later than --until")
        raise InputError(f"{names}: no row is usable" if rows else f"{names}: there are no rows")
    if reading.bad > _MOSTLY_BAD * rows:
        raise InputError(f"{names}: {reading.bad:,} of {rows:,} rows are not usable: are these the right columns?")
    return reading


def _judge(
    feed: "Feed",
    settings: "Settings",
    config: "DetectionConfig",
    ledger: "Ledger",
    bar: "Progress",
    reading: "Reading",
    asked: "Asked",
) -> "Replay":
    from schemas.events import InputTopic
    from schemas.instants import format_instant
    from streams.backtest.run import run_engine

    assert reading.first_at is not None
    first = reading.first_at
    task = bar.add_task(f"judging at {config.alert_false_alarms:g}", total=asked.end - first, status="")

    def show(events: int, at: int) -> None:
        bar.update(task, completed=at - first, status=f"{events:,} events, {format_instant(at)[:10]}")

    key = settings.user_hash_key.get_secret_value().encode() if settings.user_hash_key else b""
    replay = run_engine(
        feed.blocks(),
        config,
        ledger,
        names={topic: settings.topic(topic.value) for topic in InputTopic},
        out_of_order=settings.out_of_order,
        user_key=key,
        end=asked.end,
        progress=show,
    )
    bar.update(task, completed=asked.end - first)
    return replay


def _asking(config: "DetectionConfig", knob: float) -> "DetectionConfig":
    return replace(config, alert_false_alarms=knob, watch_false_alarms=max(knob, config.watch_false_alarms))


def _tell_all(found: "Backtest", out: Path) -> None:
    from streams.backtest.events import suggestions

    load, judged = found.load, found.judged
    for note in found.notes:
        tell(note)
    for doubt in suggestions(found.events, found.programs):
        tell(f"perhaps no usage: {doubt}")
    tell(
        f"{found.accounts:,} accounts, {found.reading.total:,} rows; about {load.per_person_and_week:.2g} messages per "
        f"person and week"
    )
    if judged.recall is not None:
        tell(
            f"{len(judged.days):,} of {len(judged.judged_losses):,} losses found; "
            f"{judged.false_alarms_per_account_year:.2g} false alarms per account-year ({found.asked:g} asked)"
        )
    tell(f"wrote {out / 'report.html'}, alerts.jsonl, accounts.csv and summary.json")
