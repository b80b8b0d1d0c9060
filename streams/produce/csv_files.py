"""CSV files as tables of usage events."""

import csv
from collections.abc import Callable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, TextIO
from zoneinfo import ZoneInfo

from schemas.plain_usage import UsageFields
from streams.produce.columns import Cell, Columns, Row, usage_fields
from streams.produce.errors import BadRow
from streams.produce.text import Span, open_text
from streams.produce.times import parse_time

OPEN_END: Final = "unexpected end of data"
"""What the reader says of a text that ends between quotation marks."""


def read_csv(path: Path, columns: Columns, zone: ZoneInfo, span: Span | None = None) -> Iterator[UsageFields | BadRow]:
    """Usage events of a CSV file with a header line, in the file's order; tab-separated when its name says .tsv. Of a
    part of it with `span`. Raises InputError when there is no such file or column.
    """

    def read_time(cell: Cell) -> int:
        return parse_time(str(cell), zone)

    header: list[str] | None = None
    before = 0
    if span is not None and span.start:
        before = span.lines
        with open_text(path) as text:
            header = _header(_reader(path, text))
    with open_text(path, span) as text:
        yield from usage_fields(path, "line", _csv_rows(path, text, columns, header, before), columns, read_time)


def _reader(path: Path, text: TextIO) -> Any:
    return csv.reader(text, delimiter="\t" if ".tsv" in path.suffixes else ",", strict=True)


def _header(reader: Any) -> list[str]:
    while True:
        try:
            return list(next(reader, ()))
        except csv.Error:  # as when the rows are read: the next line is tried
            continue


def _csv_rows(
    path: Path, text: TextIO, columns: Columns, header: list[str] | None, before: int
) -> Iterator[Row | BadRow]:
    reader = _reader(path, text)
    pick = tuple if header is None else _picked(columns, header)
    while True:
        try:
            for cells in reader:
                if header is None:
                    header = cells
                    columns.require(path, header)
                    pick = _picked(columns, header)
                elif len(cells) == len(header):
                    yield Row(before + reader.line_num, pick(cells))
                elif cells:
                    detail = f"has {len(cells)} fields where the header has {len(header)}"
                    yield BadRow(path, f"line {before + reader.line_num}", None, detail)
            break
        except csv.Error as error:  # the reader goes on with the next line
            yield BadRow(path, f"line {before + reader.line_num}", None, str(error))
    if header is None:
        columns.require(path, [])


def _picked(columns: Columns, header: list[str]) -> Callable[[list[str]], tuple[str, ...]]:
    return itemgetter(*(header.index(column) for column in columns.fields.values()))
