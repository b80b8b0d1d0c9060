"""CSV files as tables of usage events."""

import csv
from collections.abc import Callable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.plain_usage import UsageFields
from streams.produce.cells import cells_of, header_of
from streams.produce.columns import Cell, Columns, Row, usage_fields
from streams.produce.errors import BadRow, InputError
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

    later = span if span is not None and span.start else None
    with open_text(path, None if later else span) as text:
        reader = cells_of(path, text)
        header = _header(path, reader)
        columns.require(path, header)
        if later is None:
            yield from usage_fields(path, "line", _csv_rows(path, reader, columns, header, 0), columns, read_time)
            return
    with open_text(path, later) as text:
        cells = cells_of(path, text, reader.dialect.delimiter)
        yield from usage_fields(path, "line", _csv_rows(path, cells, columns, header, later.lines), columns, read_time)


def _header(path: Path, reader: Any) -> list[str]:
    try:
        return header_of(reader)
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}, which names the columns: {error}") from None


def _csv_rows(path: Path, reader: Any, columns: Columns, header: list[str], before: int) -> Iterator[Row | BadRow]:
    pick = _picked(columns, header)
    while True:
        try:
            for cells in reader:
                if len(cells) == len(header) and (cells[0] or any(cells)):
                    yield Row(before + reader.line_num, pick(cells))
                elif len(cells) != len(header) and any(map(str.strip, cells)):
                    detail = f"has {len(cells)} fields where the header has {len(header)}"
                    yield BadRow(path, f"line {before + reader.line_num}", None, detail)
            break
        except csv.Error as error:  # the reader goes on with the next line
            yield BadRow(path, f"line {before + reader.line_num}", None, str(error))


def _picked(columns: Columns, header: list[str]) -> Callable[[list[str]], tuple[str, ...]]:
    return itemgetter(*(header.index(column) for column in columns.fields.values()))
