"""`slackwater demo`: everything at once, on made-up accounts whose fate is known."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from typing import Annotated

import typer

from streams.cli.common import emit_json, run


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: slackwater demo --accounts 300 --seconds 90 --broker kafka")(demo)


def _broker(value: str) -> str:
    from streams.runtime.settings_values import brokers

    if value in {"embedded", "kafka"}:
        return value
    try:
        return brokers(value)
    except ValueError as error:
        raise typer.BadParameter(f"should be embedded or kafka; an address {error}") from None


def demo(
    broker: Annotated[
        str,
        typer.Option(
            metavar="embedded|kafka|ADDRESS",
            help="kafka needs Java 17 and Maven; an address, no TLS.",
            callback=_broker,
        ),
    ] = "embedded",
    accounts: Annotated[int, typer.Option(min=1, max=5_000, help="Accounts in the fleet.")] = 120,
    days: Annotated[int, typer.Option(min=60, help="Days to live through.")] = 120,
    seconds: Annotated[float, typer.Option(min=1, max=86_400, help="How long that takes.")] = 60.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same fleet.")] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the score card as JSON to stdout, all else to stderr.")
    ] = False,
) -> None:
    """See accounts go slack: a broker, a simulated fleet on a fast clock, the real worker, messages as in Slack.

    Ends by itself with a score card: which changes were found, which were missed, and how many alarms were false.
    """
    from rich.console import Console

    from streams.cli.demo.card import print_card
    from streams.cli.demo.screen import Screen
    from streams.cli.demo.show import Show
    from streams.cli.demo.stage import perform

    console = Console(stderr=as_json, highlight=False)
    show = Show(broker=broker, accounts=accounts, days=days, seconds=seconds, seed=seed)
    try:
        plan = show.plan
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--days") from None
    with Screen(console, plan) as screen:
        result = run(perform(show, screen))
    if as_json:
        emit_json(result.as_dict())
    else:
        print_card(console, result, plan)
