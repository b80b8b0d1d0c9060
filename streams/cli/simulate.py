"""`slackwater simulate`."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.common import progress_on_stderr, run, settings_of, tell
from streams.cli.produce import DAY_MS, TOPICS, pace_of

if TYPE_CHECKING:
    from streams.produce import Pace, Sent
    from streams.runtime.settings import Settings
    from streams.simulator import FleetPlan


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: slackwater simulate --accounts 1000 --days 365 --out fleet")(simulate)


def simulate(  # noqa: PLR0913, PLR0917 - a command has the options that it has
    context: typer.Context,
    accounts: Annotated[int, typer.Option(min=1, help="Accounts in the fleet.")] = 400,
    days: Annotated[int, typer.Option(min=1, help="Days to simulate.")] = 120,
    seed: Annotated[int, typer.Option(help="The same seed gives the same events.")] = 1,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day, UTC.")] = datetime(
        2025, 1, 6, tzinfo=UTC
    ),
    rate: Annotated[float, typer.Option(min=0.03, max=150, help="Median events a day and account.")] = 3.0,
    holidays: Annotated[bool, typer.Option("--holidays", help="Quiet from 24 December to 1 January.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a file of JSON lines for each topic, and truth.jsonl.")
    ] = None,
    send: Annotated[bool, typer.Option("--send", help="Send to the input topics instead, with clock markers.")] = False,
    truth: Annotated[Path | None, typer.Option(metavar="FILE", help="With --send: where the truth goes.")] = None,
    speed: Annotated[str, typer.Option(metavar="max|N", help="With --send: N times real time.")] = "max",
    settle: Annotated[
        float,
        typer.Option(
            metavar="DAYS",
            min=0,
            max=3_650,
            help="With --send: days from the last event to the end marker.",
        ),
    ] = 0.0,
) -> None:
    """Make up a fleet of accounts, some of which go slack: its events in order of time, and the truth aside."""
    from streams.simulator import NEW_SHARES, FleetPlan

    if (out is None) == (not send):
        raise typer.BadParameter("say either --out DIR or --send", param_hint="--out")
    try:
        plan = FleetPlan(
            accounts=accounts,
            days=days,
            seed=seed,
            start=int(start.replace(tzinfo=UTC).timestamp()) * 1000,
            rate_median=rate,
            holidays=holidays,
            new_shares=NEW_SHARES,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--start") from None
    if out is not None:
        _write(plan, out)
        return
    pace = pace_of(speed)
    sent = run(_send(settings_of(context), plan, pace, round(settle * DAY_MS)))
    if truth is not None:
        _write_truth(plan, truth)
    tell(f"sent {sent.total:,} events of {accounts:,} accounts over {days:,} days, and {sent.markers:,} markers")


def _write(plan: "FleetPlan", out: Path) -> None:
    import orjson

    from streams.simulator import simulate as events_of

    out.mkdir(parents=True, exist_ok=True)
    counts = dict.fromkeys(TOPICS, 0)
    names = {topic: name for name, topic in TOPICS.items()}
    with ExitStack() as stack, progress_on_stderr() as progress:
        task = progress.add_task("simulating", total=plan.days, status="")
        files = {name: stack.enter_context((out / f"{name}.jsonl").open("wb")) for name in TOPICS if name in _WRITTEN}
        for number, event in enumerate(events_of(plan)):
            name = names[event.topic.value]
            files[name].write(orjson.dumps(event.value) + b"\n")
            counts[name] += 1
            if number % 5_000 == 0:
                progress.update(task, completed=(event.at - plan.start) / DAY_MS, status=f"{number:,} events")
    _write_truth(plan, out / "truth.jsonl")
    told = ", ".join(f"{counts[name]:,} {name}" for name in _WRITTEN)
    tell(f"wrote to {out}: {told}, and truth.jsonl")


_WRITTEN = ("product-usage", "billing", "accounts", "feedback")


def _write_truth(plan: "FleetPlan", file: Path) -> None:
    import orjson

    from streams.simulator import truths

    with file.open("wb") as lines:
        for truth in truths(plan):
            lines.write(orjson.dumps(truth.as_dict()) + b"\n")


async def _send(settings: "Settings", plan: "FleetPlan", pace: "Pace | None", settle_ms: int) -> "Sent":
    from streams.produce import send
    from streams.produce.simulated import records
    from streams.simulator import simulate as events_of

    with progress_on_stderr() as progress:
        task = progress.add_task("sending", total=plan.days, status="")

        def show(sent: Any) -> None:
            if sent.last_at is not None:
                progress.update(task, completed=(sent.last_at - plan.start) / DAY_MS, status=f"{sent.total:,} events")

        return await send(records(events_of(plan)), settings, pace=pace, settle_ms=settle_ms, progress=show)
