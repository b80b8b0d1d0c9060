"""Which column of a table holds what, and a table's rows to usage events."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from xxhash import xxh3_64_intdigest

from schemas.base import NO_CONTROL
from schemas.codec import decode
from schemas.errors import Reason, Rejected
from schemas.events import InputTopic
from schemas.instants import format_instant
from schemas.plain_usage import UsageFields
from streams.produce.errors import BadRow, InputError

Cell = str | int | float | bool | None
OPTIONS: Final = {
    "account_id": "--account",
    "occurred_at": "--time",
    "event_id": "--id",
    "user_id": "--user",
    "event": "--event",
    "quantity": "--quantity",
}
"""By which the columns of native fields are told on the command line."""


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
            "account_id": self.account,  # first, as usage_fields relies on
            "occurred_at": self.time,
            "event_id": self.id,
            "user_id": self.user,
            "event": self.event,
            "quantity": self.quantity,
        }
        return {field: column for field, column in names.items() if column is not None}

    def named(self, field: str) -> str:
        """The column of a native field, with the option that says another."""
        return f"{self.fields[field]!r} ({OPTIONS[field]})"

    def require(self, path: Path, present: Sequence[str]) -> None:
        """Raises InputError naming the columns that the file lacks, and those it has, or one that it has twice."""
        missing = [field for field, column in self.fields.items() if column not in present]
        if missing:
            names = ", ".join(self.named(field) for field in missing)
            has = ", ".join(repr(name) for name in present)
            raise InputError(f"{path}: there is no column {names}; the file has {has or 'no columns'}")
        for column in self.fields.values():
            if (count := present.count(column)) > 1:
                raise InputError(f"{path}: there are {count} columns {column!r}; one can be read")


class Row(NamedTuple):
    """One row: its number in the file, for error messages, and the cells of `Columns.fields`, in that order."""

    number: int
    cells: Sequence[Cell]


def usage_fields(
    path: Path, unit: str, rows: Iterable[Row | BadRow], columns: Columns, read_time: Callable[[Cell], int]
) -> Iterator[UsageFields | BadRow]:
    """A table's rows as usage events, in the table's order. `unit` is what `Row.number` counts: `line` or `row`.

    `read_time` raises ValueError with what is allowed. Every value is checked as the worker would check it.
    """
    names = list(columns.fields)
    user, event, quantity, event_id = (
        names.index(name) if name in names else None for name in ("user_id", "event", "quantity", "event_id")
    )
    seen: set[int] = set()  # hashes: a row is wrongly left out once in a million files of ten million ids
    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        number, cells = row
        if event_id is not None:
            key = xxh3_64_intdigest(f"{cells[0]}\0{cells[event_id]}".encode(errors="surrogatepass"))
            if key in seen:
                continue
            seen.add(key)
        try:
            fields = UsageFields(
                _text(cells[0]),
                read_time(cells[1]),
                columns.event_name if event is None else _text(cells[event]),
                None if user is None else _text(cells[user]) or None,  # nobody in particular
                1 if quantity is None else _whole(cells[quantity]),
                "product",
                None if event_id is None else _text(cells[event_id]),
            )
        except ValueError:
            yield _fault(path, f"{unit} {number}", cells, columns, read_time)
            continue
        if (
            _is_account(fields.account)
            and _is_name(fields.event)
            and (fields.user is None or _is_name(fields.user))
            and (fields.event_id is None or (0 < len(fields.event_id) <= 256 and fields.event_id.isascii()))
        ):
            yield fields
        else:
            wrong = _rejected(fields)
            if wrong is None:
                yield fields
            else:
                yield BadRow(path, f"{unit} {number}", columns.fields.get(wrong.field or ""), wrong.detail)


def _fault(path: Path, place: str, cells: Sequence[Cell], columns: Columns, read_time: Callable[[Cell], int]) -> BadRow:
    """Which cell of a row it is that cannot be read."""
    for (field, column), cell in zip(columns.fields.items(), cells, strict=True):
        try:
            (read_time if field == "occurred_at" else _READERS.get(field, _text))(cell)
        except ValueError as error:
            return BadRow(path, place, column, str(error))
    raise AssertionError("every cell can be read")


def usage_value(fields: UsageFields) -> bytes:
    """The record of a usage event that a table holds: native JSON."""
    value = {
        "event": fields.event,
        "account_id": fields.account,
        "occurred_at": format_instant(fields.at),
        "event_id": fields.event_id,
        "user_id": fields.user,
        "quantity": fields.quantity if fields.quantity != 1 else None,
    }
    return orjson.dumps({name: each for name, each in value.items() if each is not None})


def _rejected(fields: UsageFields) -> Rejected | None:
    """Why the worker would not take the record of such an event; None when it would."""
    for name, each in (("account_id", fields.account), ("event", fields.event), ("user_id", fields.user)):
        if each == "":
            return Rejected(Reason.MISSING_FIELD, name, "is empty")
        if each is not None and not _is_utf8(each):  # a surrogate: what a reader makes of a byte that is no text
            return Rejected(Reason.NOT_UTF8, name, "is not UTF-8 text")
    if fields.event_id is not None and not _is_utf8(fields.event_id):
        return Rejected(Reason.NOT_UTF8, "event_id", "is not UTF-8 text")
    read = decode(InputTopic.USAGE, usage_value(fields))
    return read if isinstance(read, Rejected) else None


@lru_cache(maxsize=1 << 17)
def _is_account(text: str) -> bool:
    return _is_name(text) and _NO_CONTROL.match(text) is not None


@lru_cache(maxsize=1 << 17)
def _is_name(text: str) -> bool:
    return 0 < len(text) <= 256 and _is_utf8(text)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_NO_CONTROL: Final = re.compile(NO_CONTROL)


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
