"""`slackwater check`."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import emit_json, run, settings_of
from streams.cli.routes import Example, show_routes

if TYPE_CHECKING:
    from pathlib import Path

    from streams.cli.checks.finding import Finding
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
        int, typer.Option(metavar="N", min=0, help="Records of each input topic, the last ones, that are looked at.")
    ] = 20_000,
    slack: Annotated[
        bool, typer.Option("--slack", help="Ask Slack, too, whether it knows the tokens; nothing is posted.")
    ] = False,
    send_test_message: Annotated[
        bool, typer.Option("--send-test-message", help="Send a message to each channel, and say what came of it.")
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
    """Would a worker start here, and what could it promise? Looks at the settings and the files of secrets; the
    brokers; rights; the topics, and how long they keep what; the consumer group, and what it has still to read; the
    stored state; the last records of each input topic, whether they can be read, and what their times say of clocks;
    and whether the hosts of the channels can be reached. Changes nothing, sends nothing, and has an end, also where
    nobody answers.

    Each line is ok, a WARNING (a worker starts; somebody should have a look) or a FAILURE, with what to do. Exit
    status: 0 without a failure, 1 with one, 2 for wrong use or impossible settings.

    Of the usage topic it shows which events there are, and which are perhaps no usage, as they come at regular times,
    around the clock, or name no user. SLACKWATER_EXCLUDE_EVENTS and SLACKWATER_EXCLUDE_USERS leave them out. At night:
    share in a user's quietest eight hours, of which a program has a third. Where many events are alike and have no id,
    it says that each counts.

    With --routes it asks no broker: exit status 1 when nobody would be told of the example.
    """
    settings = settings_of(context)  # impossible settings end it here, with status 2
    if routes:
        example = Example(kind, severity, team, owner, tier, tag or (), mrr_minor, currency, reason)
        if not show_routes(settings, example, as_json=as_json):
            raise typer.Exit(1)
        return
    from streams.cli.checks.finding import failed

    findings, usage = run(_look(settings, context.obj.config, sample, slack=slack, send=send_test_message))
    if as_json:
        emit_json(
            {
                "ok": not failed(findings),
                "findings": [each.as_json() for each in findings],
                "usage": None if usage is None else usage.as_json(),
            }
        )
    else:
        from streams.cli.checks.show import conclude, show

        show(findings)
        if usage is not None:
            from streams.cli.composition import show as show_usage

            show_usage(usage, settings.topic("usage"))
        conclude(findings)
    if failed(findings):
        raise typer.Exit(1)


async def _look(
    settings: "Settings", config: "Path | None", sample: int, *, slack: bool, send: bool
) -> "tuple[list[Finding], Composition | None]":
    from streams.cli.checks.delivery import send_test_message
    from streams.cli.checks.finding import Finding, Level
    from streams.cli.checks.survey import Survey

    survey = Survey(settings, config=config)
    await survey.look(sample=sample)
    if slack:
        from streams.cli.slack_check import ask

        for each in await ask(settings):
            level = Level.OK if each["ok"] else Level.FAILURE
            survey.findings.append(Finding("slack", level, each["text"], subject=each["what"]))
    if send:
        survey.findings += await send_test_message(settings)
    return survey.findings, survey.usage
