"""CSV files as tables of usage events."""

import csv
from collections.abc import Callable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

from schemas.plain_usage import UsageFields
from streams.produce.columns import Cell, Columns, Row, usage_fields
from streams.produce.errors import BadRow
from streams.produce.text import open_text
from streams.produce.times import parse_time


def read_csv(path: Path, columns: Columns, zone: ZoneInfo) -> Iterator[UsageFields | BadRow]:
    """Usage events of a CSV file with a header line, in the file's order; tab-separated when its name says .tsv.

    Raises InputError when there is no such file or column.
    """

    def read_time(cell: Cell) -> int:
        return parse_time(str(cell), zone)

    with open_text(path) as text:
        yield from usage_fields(path, "line", _csv_rows(path, text, columns), columns, read_time)


def _csv_rows(path: Path, text: TextIO, columns: Columns) -> Iterator[Row | BadRow]:
    reader = csv.reader(text, delimiter="\t" if ".tsv" in path.suffixes else ",", strict=True)
    header: list[str] | None = None
    pick: Callable[[list[str]], tuple[str, ...]] = tuple
    while True:
        try:
            for cells in reader:
                if header is None:
                    header = cells
                    columns.require(path, header)
                    pick = itemgetter(*(header.index(column) for column in columns.fields.values()))
                elif len(cells) == len(header):
                    yield Row(reader.line_num, pick(cells))
                elif cells:
                    detail = f"has {len(cells)} fields where the header has {len(header)}"
                    yield BadRow(path, f"line {reader.line_num}", None, detail)
            break
        except csv.Error as error:  # the reader goes on with the next line
            yield BadRow(path, f"line {reader.line_num}", None, str(error))
    if header is None:
        columns.require(path, [])
