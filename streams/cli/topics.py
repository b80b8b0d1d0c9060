"""`slackwater topics`."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from typing import Annotated

import typer

from streams.cli.common import emit_json, run, settings_of, tell

group = typer.Typer(help="The topics that slackwater reads and writes.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="topics")


@group.command(epilog="Example: slackwater topics create --dry-run")
def create(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show which topics there would be.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the topics, or the names created, as JSON.")] = False,
) -> None:
    """Create the topics that are missing, each with the settings that it needs. Those that exist stay as they are."""
    from streams.runtime import topics

    settings = settings_of(context)
    plans = topics.plan(settings)
    if dry_run:
        if as_json:
            emit_json(
                [{"name": p.name, "partitions": p.partitions, "configs": p.configs, "role": p.role} for p in plans]
            )
            return
        width = max(len(plan.name) for plan in plans)
        for plan in plans:
            configs = " ".join(f"{key}={value}" for key, value in plan.configs.items())
            typer.echo(f"{plan.name:{width}}  {plan.partitions:3} partitions  {plan.role}  {configs}".rstrip())
        return
    created = run(topics.create(settings))
    if as_json:
        emit_json(created)
        return
    for name in created:
        typer.echo(name)
    tell(f"created {len(created)} topics at {settings.brokers}; {len(plans) - len(created)} were there already")
