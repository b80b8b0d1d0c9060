"""Parquet files as tables of usage events. Importing this needs pyarrow, which the extra `backtest` brings."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from pyarrow.parquet import ParquetFile

from schemas.plain_usage import UsageFields
from streams.produce.columns import Cell, Columns, Row, usage_fields
from streams.produce.errors import BadRow, InputError
from streams.produce.times import ALLOWED, from_number, local_to_utc, parse_time


def read_parquet(path: Path, columns: Columns, zone: ZoneInfo) -> Iterator[UsageFields | BadRow]:
    """Usage events of a Parquet file, in the file's order. Raises InputError when there is no such file or column."""
    try:
        with path.open("rb") as raw, ParquetFile(raw) as file:
            columns.require(path, file.schema_arrow.names)
            local = _is_local(file.schema_arrow.field(columns.time).type)

            def read_time(cell: Cell) -> int:
                if isinstance(cell, str):
                    return parse_time(cell, zone)
                if isinstance(cell, bool) or not isinstance(cell, int | float):
                    raise ValueError(ALLOWED)
                return local_to_utc(int(cell), zone) if local else from_number(cell)

            yield from usage_fields(path, "row", _parquet_rows(file, columns), columns, read_time)
    except pa.ArrowException as error:
        raise InputError(f"{path}: is not a readable Parquet file: {str(error).splitlines()[0]}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None


def _parquet_rows(file: Any, columns: Columns) -> Iterator[Row]:
    number = 0
    wanted = list(columns.fields.values())
    for batch in file.iter_batches(batch_size=50_000, columns=list(dict.fromkeys(wanted))):
        for cells in zip(*(_cells(batch.column(name)) for name in wanted), strict=True):
            number += 1
            yield Row(number, cells)


def _is_local(kind: pa.DataType) -> bool:
    return pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and kind.tz is None)


def _cells(column: pa.Array) -> Sequence[Cell]:
    """Plain values; times and dates as milliseconds since 1970, on their own clock when they name no zone."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_date(column.type):
        column = column.cast(pa.date64()).cast(pa.int64())
    elif pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ms", column.type.tz), safe=False).cast(pa.int64())
    if column.type == pa.int64() and not column.null_count:
        # Twenty times as fast as to_pylist; the buffer may begin before the column and end after it.
        return memoryview(column.buffers()[1]).cast("q")[column.offset : column.offset + len(column)].tolist()
    cells: Sequence[Any] = column.to_pylist()
    if pa.types.is_decimal(column.type):  # as some databases write every number
        return [None if cell is None else int(cell) if cell == int(cell) else float(cell) for cell in cells]
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):  # text that does not say so
        return [None if cell is None else cell.decode(errors="surrogateescape") for cell in cells]
    return cells
