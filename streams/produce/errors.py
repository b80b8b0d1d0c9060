"""What is wrong with an input file."""

from pathlib import Path

from schemas.errors import SlackwaterError


class InputError(SlackwaterError):
    """A file cannot be sent as it is. The text names the file, the place in it, and what is allowed."""


def bad_row(path: Path, place: str, column: str | None, detail: str) -> InputError:
    """An error at one row: `place` is `line 7` or `row 7`, `column` the file's own name of the field at fault."""
    at_column = "" if column is None else f", column {column!r}"
    return InputError(f"{path}, {place}{at_column}: {detail}")
