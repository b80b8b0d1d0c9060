"""Which column of a table holds what, and a table's rows to usage records."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from schemas.codec import decode
from schemas.errors import Rejected
from schemas.events import InputTopic
from schemas.instants import format_instant
from streams.produce.errors import InputError, bad_row
from streams.produce.record import InputRecord

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of a table's columns; None: there is none. `event_name` is what every row is called when `event` is None.

    With `id` only the first row, in the file's order, of each account and id is kept (a line of a basket, a page of a
    visit), and the id becomes the event's own.
    """

    account: str = "account_id"
    time: str = "occurred_at"
    user: str | None = None
    event: str | None = None
    quantity: str | None = None
    id: str | None = None
    event_name: str = "activity"

    @property
    def fields(self) -> dict[str, str]:
        """Native field to column, for the columns that are used."""
        names = {
            "account_id": self.account,  # first, as usage_records relies on
            "occurred_at": self.time,
            "event_id": self.id,
            "user_id": self.user,
            "event": self.event,
            "quantity": self.quantity,
        }
        return {field: column for field, column in names.items() if column is not None}

    def require(self, path: Path, present: Sequence[str]) -> None:
        """Raises InputError naming the columns that the file lacks, and those it has."""
        missing = [column for column in self.fields.values() if column not in present]
        if missing:
            names = ", ".join(repr(name) for name in missing)
            has = ", ".join(repr(name) for name in present)
            raise InputError(f"{path}: there is no column {names}; the file has {has or 'no columns'}")


class Row(NamedTuple):
    """One row: its number in the file, for error messages, and the cells of `Columns.fields`, in that order."""

    number: int
    cells: Sequence[Cell]


def usage_records(
    path: Path, unit: str, rows: Iterable[Row], columns: Columns, read_time: Callable[[Cell], int]
) -> Iterator[InputRecord]:
    """A table's rows as usage records, in the table's order. `unit` is what `Row.number` counts: `line` or `row`.

    `read_time` raises ValueError with what is allowed. Every value is checked as the worker would check it. Raises
    InputError at the first row that is not usable.
    """
    fields = columns.fields
    readers = [_READERS.get(field, read_time if field == "occurred_at" else _text) for field in fields]
    names = list(fields)
    id_index = names.index("event_id") if "event_id" in fields else None
    seen: set[tuple[Cell, Cell]] = set()
    for number, cells in rows:
        if id_index is not None:
            key = (cells[0], cells[id_index])
            if key in seen:
                continue
            seen.add(key)
        value: dict[str, Any] = {"event": columns.event_name}
        for field, reader, cell in zip(names, readers, cells, strict=True):
            try:
                value[field] = reader(cell)
            except ValueError as error:
                raise bad_row(path, f"{unit} {number}", fields[field], str(error)) from None
        if value.get("user_id") == "":
            del value["user_id"]  # nobody in particular
        at = value["occurred_at"]
        value["occurred_at"] = format_instant(at)
        raw = orjson.dumps(value)
        event = decode(InputTopic.USAGE, raw)
        if isinstance(event, Rejected):
            raise bad_row(path, f"{unit} {number}", fields.get(event.field or ""), event.detail)
        yield InputRecord(at, InputTopic.USAGE, event.account_id, raw)


def _text(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # a column of whole numbers with gaps is often stored as floats
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)
    if cell is None:
        return ""
    raise ValueError("must be text or a whole number")


def _whole(cell: Cell) -> int:
    try:
        number = float(cell) if isinstance(cell, str) else cell
        if number is not None and not isinstance(number, bool) and int(number) == number and 1 <= number <= 1_000_000:
            return int(number)
    except (ValueError, OverflowError):
        pass
    raise ValueError("must be a whole number from 1 to 1,000,000")


_READERS: dict[str, Callable[[Cell], Any]] = {"quantity": _whole}
