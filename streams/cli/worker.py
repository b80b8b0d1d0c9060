"""`slackwater worker`."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from typing import Annotated

import typer

from streams.cli.common import settings_of


def register(app: typer.Typer) -> None:
    app.command(
        epilog="Example: SLACKWATER_BROKERS=kafka:9092 SLACKWATER_SLACK_WEBHOOK_URL_FILE=slack.url slackwater worker"
    )(worker)


def worker(
    context: typer.Context,
    shadow: Annotated[bool, typer.Option("--shadow", help="Record everything and send nothing.")] = False,
) -> None:
    """Watch the topics and raise alerts, until stopped (SIGTERM or Ctrl-C). Several workers share the partitions."""
    settings = settings_of(context)
    if shadow:
        settings = settings.model_copy(update={"shadow": True})
    from streams.runtime.application import create_app
    from streams.runtime.worker import Worker

    Worker(create_app(settings)).execute_from_commandline()
