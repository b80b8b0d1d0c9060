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

_SHOWN = 20
_KEPT: Final = 100
_LONG: Final = 60
"""Characters of a name that are shown: where objects have ids for names, it may be anything."""
_DEEP: Final = 10
"""So many objects inside of each other are looked into for names to show."""
_NONE: Final = object()


@dataclass(slots=True)
class Named:
    """Whether any line has the field that each of them may leave out, the user's. The parts of a file add up."""

    rows: int = 0
    found: bool = False
    others: dict[str, None] = field(default_factory=dict)
    """Names that there are while it is not found, in their order; not all, if they are many."""

    def look(self, value: dict[str, Any], *, found: bool) -> None:
        """One more line."""
        self.rows += 1
        self.found = found
        if len(self.others) < _KEPT:
            self.others.update(dict.fromkeys(_names(value)))

    def __iadd__(self, other: Self) -> Self:
        """Those of the next part."""
        self.rows += other.rows
        self.found |= other.found
        self.others |= other.others
        return self

    def require(self, path: Path, columns: Columns) -> None:
        """Raises InputError, with the names that there are, when no line has it."""
        if columns.user is not None and self.rows and not self.found:
            raise InputError(f"{path}: no line has {columns.named('user_id')}; there are {_listed(self.others)}")


def read_json(
    path: Path, columns: Columns, zone: ZoneInfo, span: Span | None = None, named: Named | None = None
) -> Iterator[UsageFields | BadRow]:
    """Usage events of a file with an object on each line, in the file's order; a column is a field of these, or of an
    object in them (`properties.plan`). Of a part of it with `span`. Raises InputError when there is no such file, and
    at the end when no line at all has the user's field; with `named`, that is left to whoever knows all parts."""

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


def first_names(path: Path) -> str | None:
    """The names on the first line that is an object. None: there is none. Raises InputError when it cannot be read."""
    for _, raw in read_lines(path):
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError:
            continue
        if isinstance(value, dict):
            return _listed(_names(value))
    return None


def _rows(path: Path, columns: Columns, span: Span | None, named: Named) -> Iterator[Row | BadRow]:
    wanted = list(columns.fields.items())
    for number, raw in read_lines(path, span):
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            yield BadRow(path, f"line {number}", None, f"no JSON: {error.msg}")
            continue
        if not isinstance(value, dict):
            yield BadRow(path, f"line {number}", None, "must be a JSON object")
            continue
        cells, nobody = [], False
        for field_, column in wanted:
            cell = value.get(column, _NONE)
            if cell is _NONE:
                cell = _inside(value, column)
            if cell is _NONE:
                if field_ != "user_id":  # an event may be nobody's in particular
                    detail = f"is missing; the line has {_listed(_names(value))}"
                    yield BadRow(path, f"line {number}", column, detail)
                    break
                cell, nobody = None, True
            cells.append(cell)
        else:
            if columns.user is not None and not named.found:
                named.look(value, found=not nobody)
            yield Row(number, cells)


def _inside(value: dict[str, Any], column: str) -> Any:
    """A field of an object within the line's object: `properties.plan`. Names may have dots of their own:
    `attributes.account.id` is also what `attributes` has as `account.id`."""
    dot = column.find(".")
    while dot >= 0:
        inner, rest = value.get(column[:dot]), column[dot + 1 :]
        if isinstance(inner, dict):
            found = inner[rest] if rest in inner else _inside(inner, rest)
            if found is not _NONE:
                return found
        dot = column.find(".", dot + 1)
    return _NONE


def _names(value: dict[str, Any], before: str = "", deep: int = _DEEP) -> Iterator[str]:
    for name, inner in value.items():
        if isinstance(inner, dict) and inner and deep:
            yield from _names(inner, f"{before}{name}.", deep - 1)
        else:
            yield before + name


def _listed(names: Iterable[str]) -> str:
    each = [repr(name if len(name) <= _LONG else f"{name[:_LONG]}...") for name in names]
    listed = ", ".join(each[:_SHOWN]) or "nothing"
    return f"{listed} and {len(each) - _SHOWN} more" if len(each) > _SHOWN else listed
