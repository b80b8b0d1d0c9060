"""CSV files as tables of usage events."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

from streams.produce.columns import Cell, Columns, Row, usage_records
from streams.produce.errors import InputError
from streams.produce.record import InputRecord
from streams.produce.text import open_text
from streams.produce.times import parse_time


def read_csv(path: Path, columns: Columns, zone: ZoneInfo) -> Iterator[InputRecord]:
    """Usage records of a CSV file with a header line, in the file's order; tab-separated when its name says .tsv."""

    def read_time(cell: Cell) -> int:
        return parse_time(str(cell), zone)

    with open_text(path) as text:
        yield from usage_records(path, "line", _csv_rows(path, text, columns), columns, read_time)


def _csv_rows(path: Path, text: TextIO, columns: Columns) -> Iterator[Row]:
    reader = csv.reader(text, delimiter="\t" if ".tsv" in path.suffixes else ",", strict=True)
    try:
        header = next(reader, [])
        columns.require(path, header)
        indexes = [header.index(column) for column in columns.fields.values()]
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise InputError(
                    f"{path}, line {reader.line_num}: has {len(cells)} fields where the header has {len(header)}"
                )
            yield Row(reader.line_num, [cells[index] for index in indexes])
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}") from None
