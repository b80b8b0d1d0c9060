"""Findings, for people: a line each, and what to do below it."""

from collections import Counter
from typing import Final

import typer

from alerting.words import count
from streams.cli.checks.finding import Finding, Level

_MARKS: Final = {Level.OK: "ok", Level.WARNING: "WARNING", Level.FAILURE: "FAILURE"}
_COLOURS: Final = {Level.OK: typer.colors.GREEN, Level.WARNING: typer.colors.YELLOW, Level.FAILURE: typer.colors.RED}


def show(findings: list[Finding]) -> None:
    """Write them to stdout, in their order."""
    for each in findings:
        mark = typer.style(f"{_MARKS[each.level]:8}", fg=_COLOURS[each.level])
        subject = f"{each.subject}: " if each.subject else ""
        typer.echo(f"{mark}{each.check + ':':10} {subject}{each.text}")
        if each.remedy:
            typer.echo(f"{'':19}-> {each.remedy}")


def conclude(findings: list[Finding]) -> None:
    """Say what they come to."""
    counts = Counter(each.level for each in findings)
    told = [count(counts[level], level.value) for level in (Level.FAILURE, Level.WARNING) if counts[level]]
    said = "a worker would start here" if not counts[Level.FAILURE] else "not as it has to be"
    typer.echo(f"{said}: {', '.join(told) or 'nothing to complain of'}")
