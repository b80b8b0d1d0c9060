"""`slackwater schema`."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

import json
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.common import emit_json, settings_of, tell

group = typer.Typer(help="The formats of the topics' values.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="schema")


@group.command(name="json", epilog="Example: slackwater schema json product-usage > product-usage.schema.json")
def json_(
    topic: Annotated[str | None, typer.Argument(help="A topic's default name; without it, all of them.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write a file for each topic into DIR.")] = None,
) -> None:
    """JSON Schema (2020-12) of a topic's values, or of every topic's, by the topics' default names."""
    from schemas.export import TOPICS, json_schema

    if topic is not None and topic not in TOPICS:
        raise typer.BadParameter(f"there is no topic {topic!r}; there are {', '.join(TOPICS)}", param_hint="TOPIC")
    names = TOPICS if topic is None else (topic,)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for name in names:
            file = out / f"{name}.schema.json"
            file.write_text(json.dumps(json_schema(name), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        tell(f"wrote {len(names)} schemas to {out}")
    else:
        emit_json(json_schema(topic) if topic is not None else {name: json_schema(name) for name in names})


@group.command(name="asyncapi", epilog="Example: slackwater schema asyncapi > asyncapi.json")
def asyncapi_(context: typer.Context) -> None:
    """An AsyncAPI 3 document of all topics as they are called and set up here, with Kafka bindings."""
    from streams.cli.asyncapi import asyncapi

    emit_json(asyncapi(settings_of(context)))
