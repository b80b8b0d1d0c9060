"""`slackwater check`."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streams.cli.common import emit_json, run, settings_of

if TYPE_CHECKING:
    from streams.cli.composition import Composition
    from streams.runtime.settings import Settings


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: SLACKWATER_BROKERS=kafka:9092 slackwater check --json")(check)


def check(
    context: typer.Context,
    sample: Annotated[
        int, typer.Option(metavar="N", min=0, help="Records of the usage topic, the last ones, that are looked at.")
    ] = 20_000,
    slack: Annotated[
        bool, typer.Option("--slack", help="Ask Slack, too, whether it knows the tokens; nothing is posted.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the result as JSON.")] = False,
) -> None:
    """Would a worker start here, and what could it promise? Looks at the settings, the broker and the topics; exit
    status 1 when it would not.

    Where it would, it looks at the usage topic, too: which events there are, and which are perhaps no usage, as they
    come at regular times, around the clock, or name no user. SLACKWATER_EXCLUDE_EVENTS and SLACKWATER_EXCLUDE_USERS
    leave them out. At night: share in a user's quietest eight hours, of which a program has a third.
    """
    settings = settings_of(context)  # impossible settings end it here, with status 2
    result, found = run(_look(settings, sample))
    if slack:
        from streams.cli.slack_check import ask

        result["slack"] = run(ask(settings))
        result["ok"] = result["ok"] and all(each["ok"] for each in result["slack"])
    if as_json:
        emit_json({**result, "usage": None if found is None else found.as_json()})
    else:
        typer.echo(f"settings: fine (brokers {settings.brokers}, {settings.partitions} partitions)")
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
    return {"ok": ok, "broker": broker, "topics": faults, "exactly_once": exactly_once}, found
