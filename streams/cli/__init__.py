"""The command line: `slackwater`, also `python -m streams`. One file a command; this one puts them together.

Exit status: 0 done, 1 a check failed or the input was unusable, 2 wrong use or wrong settings, 130 interrupted.
Modules of commands import at their top only what is quick to import: help is to come at once.
"""

import sys
from importlib.metadata import version
from inspect import getdoc
from pathlib import Path
from typing import Annotated

import typer

from schemas.errors import SettingsError, SlackwaterError
from streams.cli import (
    accounts,
    alerts,
    backtest,
    board,
    bootstrap,
    check,
    dead_letters,
    demo,
    formats,
    produce,
    reset,
    schema,
    score,
    signals,
    simulate,
    topics,
    worker,
)
from streams.cli.common import Globals, complain

app = typer.Typer(
    name="slackwater",
    help="Watches product usage and billing in Kafka, and tells which accounts are going slack before they leave.",
    epilog="Start with: slackwater demo. Settings: SLACKWATER_* in the environment over slackwater.toml.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"slackwater {version('slackwater')}")
        raise typer.Exit


@app.callback()
def _globals(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Settings file instead of the one SLACKWATER_CONFIG names, or slackwater.toml."
        ),
    ] = None,
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    context.obj = Globals(config)


def _let_flow(group: typer.Typer) -> None:
    """Have paragraphs of help break where the terminal ends: lines of docstrings are kept as they are otherwise."""
    for command in group.registered_commands:
        paragraphs = (getdoc(command.callback) or "").split("\n\n")
        command.help = "\n\n".join(" ".join(each.split()) for each in paragraphs)
    for each in group.registered_groups:
        if each.typer_instance is not None:
            _let_flow(each.typer_instance)


demo.register(app)
worker.register(app)
check.register(app)
topics.register(app)
produce.register(app)
accounts.register(app)
backtest.register(app)
bootstrap.register(app)
simulate.register(app)
alerts.register(app)
board.register(app)
score.register(app)
signals.register(app)
reset.register(app)
dead_letters.register(app)
formats.register(app)
schema.register(app)

_let_flow(app)


def main() -> None:
    """Run the command that the process's arguments name, and exit with its status."""
    try:
        app(prog_name="slackwater")
    except SettingsError as error:
        complain(str(error))
        sys.exit(2)
    except SlackwaterError as error:
        complain(str(error))
        sys.exit(1)
    except OSError as error:  # a file or directory that cannot be read or written
        complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        sys.exit(1)
