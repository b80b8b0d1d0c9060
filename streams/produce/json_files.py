"""JSON lines with names of a company's own, as tables of usage events."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from schemas.plain_usage import UsageFields
from streams.produce.columns import Cell, Columns, Row, usage_fields
from streams.produce.errors import BadRow
from streams.produce.lines import read_lines
from streams.produce.text import Span
from streams.produce.times import ALLOWED, from_number, parse_time

_SHOWN = 10


def read_json(path: Path, columns: Columns, zone: ZoneInfo, span: Span | None = None) -> Iterator[UsageFields | BadRow]:
    """Usage events of a file with an object on each line, in the file's order; a column is a field of these. Of a part
    of it with `span`. Raises InputError when there is no such file."""

    def read_time(cell: Cell) -> int:
        if isinstance(cell, str):
            return parse_time(cell, zone)
        if isinstance(cell, bool) or not isinstance(cell, int | float):
            raise ValueError(ALLOWED)
        return from_number(cell)

    yield from usage_fields(path, "line", _rows(path, columns, span), columns, read_time)


def _rows(path: Path, columns: Columns, span: Span | None) -> Iterator[Row | BadRow]:
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
            yield Row(number, [value.get(column) for column in wanted])
        else:
            yield BadRow(path, f"line {number}", missing, f"is missing; the line has {_names(value)}")


def _names(value: dict[str, Any]) -> str:
    names = ", ".join(map(repr, list(value)[:_SHOWN])) or "nothing"
    return f"{names} and {len(value) - _SHOWN} more" if len(value) > _SHOWN else names
