"""What commands share: settings, words to the person at the terminal, and running what is asynchronous."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

import asyncio
import getpass
import json
import logging
import os
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from streams.runtime.settings import Settings

T = TypeVar("T")

INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM


@dataclass(frozen=True, slots=True)
class Globals:
    """Options that stand before the command."""

    config: Path | None = None


def settings_of(context: typer.Context) -> "Settings":
    """The settings of the environment and the settings file. Raises SettingsError."""
    from streams.runtime.settings import load_settings

    return load_settings(os.environ, context.obj.config)


def own_name() -> str | None:
    """The name of the user whose process this is; None where there is none, as in many a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None


def tell(text: str) -> None:
    """Say something to the person at the terminal: on stderr, so that output stays for programs."""
    typer.echo(text, err=True)


def complain(text: str) -> None:
    """Say what went wrong."""
    typer.secho(f"slackwater: {text}", err=True, fg=typer.colors.RED)


def emit_json(value: object, *, lines: bool = False) -> None:
    """Write a value as JSON to stdout: indented, or on one line."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=None if lines else 2, default=str))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end. Ctrl-C or SIGTERM cancels it, lets it clean up, and exits with status 130 or 143."""
    # The clients log each failed attempt; what matters arrives as an error, once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(_cancelled_by_sigterm(work))
    except KeyboardInterrupt:
        tell("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except asyncio.CancelledError:
        tell("terminated")
        raise typer.Exit(TERMINATED) from None


@contextmanager
def cleaned_up(left: str) -> Iterator[None]:
    """As `run`, for what is not asynchronous: Ctrl-C or SIGTERM lets it clean up, says what is left (`nothing was
    written`), and exits with status 130 or 143."""

    def terminate(*_: object) -> None:
        tell(f"terminated: {left}")
        raise typer.Exit(TERMINATED)

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    except KeyboardInterrupt:
        tell(f"interrupted: {left}")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, before)


async def _cancelled_by_sigterm(work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.current_task()
    assert task is not None
    with suppress(NotImplementedError):  # Windows has no such handlers
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work


@contextmanager
def progress_on_stderr() -> Iterator["Progress"]:
    """A progress display on stderr, away from output that a program reads."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[status]}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        yield progress


def wide_console() -> "Console":
    """For tables on stdout: for a program or a file nothing is cut off."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 1_000
    return console


def confirmed(question: str) -> bool:
    """Ask, and say so when the answer is no. Ends with status 2 where there is no terminal to ask at."""
    if not sys.stdin.isatty():
        complain("no terminal to ask at: nothing was changed; --yes carries the plan out, --plan only shows it")
        raise typer.Exit(2)
    if typer.confirm(question, err=True):
        return True
    tell("nothing was changed")
    return False
