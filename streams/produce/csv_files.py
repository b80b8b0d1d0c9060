"""CSV files as tables of usage events."""

import csv
from collections.abc import Callable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.plain_usage import UsageFields
from streams.produce.cells import cells_of
from streams.produce.columns import Cell, Columns, Row, usage_fields
from streams.produce.errors import BadRow
from streams.produce.text import Span, open_text
from streams.produce.times import parse_time

OPEN_END: Final = "unexpected end of data"
"""What the reader says of a text that ends between quotation marks."""


def read_csv(path: Path, columns: Columns, zone: ZoneInfo, span: Span | None = None) -> Iterator[UsageFields | BadRow]:
    """Usage events of a CSV file with a header line, in the file's order; what separates its cells is told by that line
    (`cells.SEPARATORS`). Of a part of it with `span`. Raises InputError when there is no such file or column.
    """

    def read_time(cell: Cell) -> int:
        return parse_time(str(cell), zone)

    header: list[str] | None = None
    separator: str | None = None
    before = 0
    if span is not None and span.start:
        before = span.lines
        with open_text(path) as text:
            reader = cells_of(path, text)
            header, separator = _header(reader), reader.dialect.delimiter
    with open_text(path, span) as text:
        rows = _csv_rows(path, cells_of(path, text, separator), columns, header, before)
        yield from usage_fields(path, "line", rows, columns, read_time)


def _header(reader: Any) -> list[str]:
    while True:
        try:
            return list(next(reader, ()))
        except csv.Error:  # as when the rows are read: the next line is tried
            continue


def _csv_rows(
    path: Path, reader: Any, columns: Columns, header: list[str] | None, before: int
) -> Iterator[Row | BadRow]:
    pick = tuple if header is None else _picked(columns, header)
    while True:
        try:
            for cells in reader:
                if header is None:
                    header = cells
                    columns.require(path, header)
                    pick = _picked(columns, header)
                elif len(cells) == len(header) and (cells[0] or any(cells)):
                    yield Row(before + reader.line_num, pick(cells))
                elif len(cells) != len(header) and any(map(str.strip, cells)):
                    detail = f"has {len(cells)} fields where the header has {len(header)}"
                    yield BadRow(path, f"line {before + reader.line_num}", None, detail)
            break
        except csv.Error as error:  # the reader goes on with the next line
            yield BadRow(path, f"line {before + reader.line_num}", None, str(error))
    if header is None:
        columns.require(path, [])


def _picked(columns: Columns, header: list[str]) -> Callable[[list[str]], tuple[str, ...]]:
    return itemgetter(*(header.index(column) for column in columns.fields.values()))
