"""`slackwater topics`."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import emit_json, run, settings_of, tell

if TYPE_CHECKING:
    from streams.runtime.topics import TopicPlan

group = typer.Typer(help="The topics that slackwater reads and writes.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="topics")


@group.command(epilog="Example: slackwater topics create --dry-run")
def create(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show the topics, and which of them there are.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the topics, or the names created, as JSON.")] = False,
) -> None:
    """Create the topics that are missing, each with the settings that it needs. Those that exist stay as they are."""
    from streams.runtime import topics

    settings = settings_of(context)
    plans = topics.plan(settings)
    if dry_run:
        there = run(topics.partition_counts(settings))
        if settings.replayed_topic in there:  # it is made by the first replay
            plans.append(topics.of_replays(settings))
        if as_json:
            emit_json([_as_json(plan, there) for plan in plans])
        else:
            _show(plans, there)
        return
    created = run(topics.create(settings))
    if as_json:
        emit_json(created)
        return
    for name in created:
        typer.echo(name)
    tell(f"created {len(created)} topics at {settings.brokers}; {len(plans) - len(created)} were there already")


def _as_json(plan: "TopicPlan", there: Mapping[str, int]) -> dict[str, object]:
    partitions = there.get(plan.name, plan.partitions)
    of = {"name": plan.name, "partitions": partitions, "configs": plan.configs, "role": plan.role}
    return of | {"exists": plan.name in there}


def _show(plans: "Sequence[TopicPlan]", there: Mapping[str, int]) -> None:
    width = max(len(plan.name) for plan in plans)
    for plan in plans:
        if plan.name in there:
            count, what = there[plan.name], "is there, and stays as it is"
        else:
            count, what = plan.partitions, " ".join(f"{key}={value}" for key, value in plan.configs.items())
        typer.echo(f"{plan.name:{width}}  {count:3} partitions  {plan.role:8}  {what}".rstrip())


class Who(StrEnum):
    """Whom rights are for: the roles of `streams.runtime.acls`, known here without it."""

    WORKER = "worker"
    PRODUCER = "producer"
    BOARD = "board"
    PEOPLE = "people"
    OPERATOR = "operator"


@group.command(epilog="Example: slackwater topics acls worker --principal User:slackwater")
def acls(
    context: typer.Context,
    who: Annotated[
        Who,
        typer.Argument(
            help="worker: workers and check; producer: whoever writes the input topics; board; "
            "people: alerts, score, dead-letters list; operator: topics create, dead-letters replay, reset, bootstrap."
        ),
    ],
    principal: Annotated[
        str | None, typer.Option(metavar="TYPE:NAME", help="Whom Kafka knows it as; User:slackwater-WHO if not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the rights as JSON.")] = False,
) -> None:
    """Show the rights on Kafka that somebody needs, and no more than that, as the commands that give them. Nothing is
    changed, and no broker is asked."""
    from streams.runtime.acls import Role, acls_of, commands

    settings = settings_of(context)
    found = acls_of(settings, Role(who.value))
    if as_json:
        emit_json([each._asdict() for each in found])
        return
    for line in commands(settings, principal or f"User:slackwater-{who.value}", found):
        typer.echo(line)
