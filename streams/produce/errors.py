"""What is wrong with an input file, or with one of its rows."""

import os
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import SlackwaterError


class InputError(SlackwaterError):
    """A file cannot be used as it is. The text names the file, the place in it, and what is allowed."""


def shown(path: Path) -> str:
    """A file's name as text: what of it is no UTF-8 is replaced."""
    return os.fsencode(path).decode(errors="replace")


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is not usable: `place` is `line 7` or `row 7`, `column` the file's own name of the field at fault."""

    path: Path
    place: str
    column: str | None
    detail: str

    def __str__(self) -> str:
        at_column = "" if self.column is None else f", column {self.column!r}"
        return f"{shown(self.path)}, {self.place}{at_column}: {self.detail}"
