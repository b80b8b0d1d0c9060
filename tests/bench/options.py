"""What the command line says to every benchmark."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """`events` is how many events, where there are events; None for as many as the figures are asked for.
    `profile` is a file for a py-spy profile of the worker of the pipeline."""

    events: int | None = None
    profile: Path | None = None
