"""JSON lines with names of a company's own, as tables of usage events."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

import orjson

from schemas.plain_usage import UsageFields
from streams.produce.columns import Cell, Columns, Row, usage_fields
from streams.produce.errors import BadRow, InputError
from streams.produce.lines import read_lines
from streams.produce.text import Span
from streams.produce.times import ALLOWED, from_number, parse_time

_SHOWN = 10
_KEPT: Final = 100


@dataclass(slots=True)
class Named:
    """Whether any line has the field that each of them may leave out, the user's. The parts of a file add up."""

    rows: int = 0
    found: bool = False
    others: dict[str, None] = field(default_factory=dict)
    """Names that there are while it is not found, in their order; not all, if they are many."""

    def look(self, column: str, value: dict[str, Any]) -> None:
        """One more line."""
        self.rows += 1
        self.found = column in value
        if len(self.others) < _KEPT:
            self.others.update(dict.fromkeys(value))

    def __iadd__(self, other: Self) -> Self:
        """Those of the next part."""
        self.rows += other.rows
        self.found |= other.found
        self.others |= other.others
        return self

    def require(self, path: Path, columns: Columns) -> None:
        """Raises InputError, with the names that there are, when no line has it."""
        if columns.user is not None and self.rows and not self.found:
            raise InputError(f"{path}: no line has {columns.user!r}; there are {_names(self.others)}")


def read_json(
    path: Path, columns: Columns, zone: ZoneInfo, span: Span | None = None, named: Named | None = None
) -> Iterator[UsageFields | BadRow]:
    """Usage events of a file with an object on each line, in the file's order; a column is a field of these. Of a part
    of it with `span`. Raises InputError when there is no such file, and at the end when no line at all has the user's
    field; with `named`, that is left to whoever knows all parts."""

    def read_time(cell: Cell) -> int:
        if isinstance(cell, str):
            return parse_time(cell, zone)
        if isinstance(cell, bool) or not isinstance(cell, int | float):
            raise ValueError(ALLOWED)
        return from_number(cell)

    seen = Named() if named is None else named
    yield from usage_fields(path, "line", _rows(path, columns, span, seen), columns, read_time)
    if named is None:
        seen.require(path, columns)


def _rows(path: Path, columns: Columns, span: Span | None, named: Named) -> Iterator[Row | BadRow]:
    wanted = list(columns.fields.values())
    needed = [column for column in wanted if column != columns.user]  # an event may be nobody's in particular
    for number, raw in read_lines(path, span):
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            yield BadRow(path, f"line {number}", None, f"no JSON: {error.msg}")
            continue
        if not isinstance(value, dict):
            yield BadRow(path, f"line {number}", None, "must be a JSON object")
            continue
        missing = next((column for column in needed if column not in value), None)
        if missing is None:
            if columns.user is not None and not named.found:
                named.look(columns.user, value)
            yield Row(number, [value.get(column) for column in wanted])
        else:
            yield BadRow(path, f"line {number}", missing, f"is missing; the line has {_names(value)}")


def _names(value: Iterable[str]) -> str:
    each = [repr(name) for name in value]
    names = ", ".join(each[:_SHOWN]) or "nothing"
    return f"{names} and {len(each) - _SHOWN} more" if len(each) > _SHOWN else names
