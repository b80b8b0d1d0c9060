"""`slackwater check`."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streams.cli.common import emit_json, run, settings_of
from streams.cli.routes import Example, show_doubts, show_routes

if TYPE_CHECKING:
    from streams.cli.composition import Composition
    from streams.runtime.settings import Settings


def register(app: typer.Typer) -> None:
    app.command(
        epilog="Example: SLACKWATER_BROKERS=kafka:9092 slackwater check --json; "
        "slackwater check --routes --kind payment_failed --severity critical --team emea"
    )(check)


def check(  # noqa: PLR0913, PLR0917 - a command has the options that it has
    context: typer.Context,
    sample: Annotated[
        int, typer.Option(metavar="N", min=0, help="Records of the usage topic, the last ones, that are looked at.")
    ] = 20_000,
    slack: Annotated[
        bool, typer.Option("--slack", help="Ask Slack, too, whether it knows the tokens; nothing is posted.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the result as JSON.")] = False,
    routes: Annotated[
        bool, typer.Option("--routes", help="Only show which route takes an example alert, and why the others do not.")
    ] = False,
    kind: Annotated[str, typer.Option(metavar="KIND", help="The example's kind.")] = "usage_drop",
    severity: Annotated[str, typer.Option(metavar="S", help="Its severity: watch, warning or critical.")] = "warning",
    team: Annotated[str | None, typer.Option(metavar="T", help="Its account's team.")] = None,
    owner: Annotated[str | None, typer.Option(metavar="O", help="Its account's owner.")] = None,
    tier: Annotated[str | None, typer.Option(metavar="X", help="Its account's tier.")] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="A tag of its account; several times.")] = None,
    mrr_minor: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Its account's MRR, in minor units.")
    ] = None,
    currency: Annotated[str | None, typer.Option(metavar="C", help="Of the MRR: EUR.")] = None,
    reason: Annotated[str | None, typer.Option(metavar="R", help="The class of the reason given for leaving.")] = None,
) -> None:
    """Would a worker start here, and what could it promise? Looks at the settings, the broker and the topics; exit
    status 1 when it would not.

    Where it would, it looks at the usage topic, too: which events there are, and which are perhaps no usage, as they
    come at regular times, around the clock, or name no user. SLACKWATER_EXCLUDE_EVENTS and SLACKWATER_EXCLUDE_USERS
    leave them out. At night: share in a user's quietest eight hours, of which a program has a third.

    With --routes it asks no broker: exit status 1 when nobody would be told of the example.
    """
    settings = settings_of(context)  # impossible settings end it here, with status 2
    if routes:
        example = Example(kind, severity, team, owner, tier, tag or (), mrr_minor, currency, reason)
        if not show_routes(settings, example, as_json=as_json):
            raise typer.Exit(1)
        return
    result, found = run(_look(settings, sample))
    if slack:
        from streams.cli.slack_check import ask

        result["slack"] = run(ask(settings))
        result["ok"] = result["ok"] and all(each["ok"] for each in result["slack"])
    if as_json:
        emit_json({**result, "usage": None if found is None else found.as_json()})
    else:
        typer.echo(f"settings: fine (brokers {settings.brokers}, {settings.partitions} partitions)")
        typer.echo(f"routes:   {', '.join(result['routes']) or 'none: nobody is told'}")
        show_doubts(result["doubts"])
        if result["broker"] is None:
            typer.echo(f"broker:   fine ({settings.brokers})")
            typer.echo(f"topics:   {'fine' if not result['topics'] else str(len(result['topics'])) + ' at fault'}")
            typer.echo(f"promise:  {'exactly once' if result['exactly_once'] else AT_LEAST_ONCE}")
        else:
            typer.echo(f"broker:   {result['broker']}")
        for each in result.get("slack", ()):
            typer.echo(f"slack:    {each['what']}: {each['text']}")
        for problem in result["topics"]:
            typer.echo(f"  {problem['topic']}: {problem['text']}\n    {problem['remedy']}")
        if found is not None:
            from streams.cli.composition import show

            show(found, settings.topic("usage"))
    if not result["ok"]:
        raise typer.Exit(1)


AT_LEAST_ONCE: Final = "at least once: this broker has no transactions, so that a crash repeats what was flushed last"


async def _look(settings: "Settings", sample: int) -> "tuple[dict[str, Any], Composition | None]":
    from schemas.errors import SlackwaterError
    from streams.runtime import topics
    from streams.runtime.channels import doubts_of, routes_of
    from streams.runtime.rights import refuse_without_rights
    from streams.runtime.writer import has_transactions

    broker: str | None = None
    exactly_once: bool | None = None
    faults: list[dict[str, str]] = []
    try:
        await refuse_without_rights(settings)
        problems = await topics.verify(settings)
        faults = [{"topic": p.topic, "text": p.text, "remedy": p.remedy} for p in problems]
        exactly_once = await has_transactions(settings)
    except SlackwaterError as error:
        broker = str(error)
    ok = broker is None and not faults
    found = None
    if ok and sample:
        from streams.cli.composition import composition

        found = await composition(settings, sample)
    result = {
        "ok": ok,
        "broker": broker,
        "topics": faults,
        "exactly_once": exactly_once,
        "routes": [each.name for each in routes_of(settings)],
        "doubts": list(doubts_of(settings)),
    }
    return result, found
