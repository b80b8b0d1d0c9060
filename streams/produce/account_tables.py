"""CSV files of accounts: a row is an account update."""

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from schemas.accounts import AccountUpdate
from schemas.codec import decode
from schemas.errors import Rejected
from schemas.events import InputTopic
from schemas.instants import format_instant
from streams.produce.cells import cells_of
from streams.produce.errors import BadRow, InputError
from streams.produce.text import open_text
from streams.produce.times import parse_time

SEPARATOR: Final = "|"
"""Between the items of a cell that holds several."""
_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class AccountRow(NamedTuple):
    """The update that a row stands for, and the row's line."""

    line: int
    update: AccountUpdate


def read_accounts(path: Path, at: int, zone: ZoneInfo, *, clear: bool = False) -> Iterator[AccountRow | BadRow]:
    """The updates of a CSV file with a header line, in the file's order.

    A column is a field of an account update, and `account_id` has to be among them. Lists are separated by `|`, links
    written `label=address`; a time without an offset is one of `zone`. An empty cell changes nothing, or clears the
    field with `clear`. Without a column `updated_at` every update is of the time `at` (ms). Raises InputError when
    there is no such file, or a column that is no field.
    """
    with open_text(path) as text:
        reader = cells_of(path, text)
        header: list[str] | None = None
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                break
            except csv.Error as error:  # the reader goes on with the next line
                yield BadRow(path, f"line {reader.line_num}", None, str(error))
                continue
            if header is None:
                header = [cell.strip() for cell in cells]
                _require(path, header)
            elif not any(map(str.strip, cells)):
                continue
            elif len(cells) == len(header):
                yield _row(path, reader.line_num, dict(zip(header, cells, strict=True)), at, zone, clear=clear)
            else:
                detail = f"has {len(cells)} fields where the header has {len(header)}"
                yield BadRow(path, f"line {reader.line_num}", None, detail)
        if header is None:
            _require(path, [])


def _require(path: Path, header: Sequence[str]) -> None:
    if "account_id" not in header:
        raise InputError(f"{path}: there is no column 'account_id'; the file has {_listed(header) or 'no columns'}")
    for column in header:
        if column not in COLUMNS:
            raise InputError(f"{path}: column {column!r} is no field of an account; there are {_listed(COLUMNS)}")
        if header.count(column) > 1:
            raise InputError(f"{path}: there are {header.count(column)} columns {column!r}; one can be read")
    if "mrr" in header and "mrr_minor" in header:
        raise InputError(f"{path}: the columns 'mrr' and 'mrr_minor' are the same field; one can be read")


def _row(path: Path, line: int, cells: dict[str, str], at: int, zone: ZoneInfo, *, clear: bool) -> AccountRow | BadRow:
    value: dict[str, Any] = {"updated_at": format_instant(at)}
    for column, cell in cells.items():
        text = cell.strip()
        if not text:
            if clear and column not in {"account_id", "updated_at"}:
                value[column] = None
            continue
        try:
            text.encode()
            value[column] = _READERS.get(column, _text)(text, zone)
        except UnicodeEncodeError:
            return BadRow(path, f"line {line}", column, "is not UTF-8 text")
        except ValueError as error:
            return BadRow(path, f"line {line}", column, str(error))
    update = decode(InputTopic.ACCOUNTS, orjson.dumps(value))
    if isinstance(update, Rejected):
        return BadRow(path, f"line {line}", update.field, update.detail)
    assert isinstance(update, AccountUpdate)
    return AccountRow(line, update)


def _text(text: str, zone: ZoneInfo) -> str:  # noqa: ARG001 - as the others
    return text


def _whole(text: str, zone: ZoneInfo) -> int:  # noqa: ARG001 - as the others
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError("must be a whole number, 0 or more; money is in minor units")
    return int(text)


def _time(text: str, zone: ZoneInfo) -> str:
    return format_instant(parse_time(text, zone))


def _flag(text: str, zone: ZoneInfo) -> bool:  # noqa: ARG001 - as the others
    if text.lower() not in _FLAGS:
        raise ValueError(f"must be one of {', '.join(_FLAGS)}")
    return _FLAGS[text.lower()]


def _items(text: str, zone: ZoneInfo) -> list[str]:  # noqa: ARG001 - as the others
    return [item.strip() for item in text.split(SEPARATOR) if item.strip()]


def _links(text: str, zone: ZoneInfo) -> dict[str, str]:
    pairs = [item.partition("=") for item in _items(text, zone)]
    if not all(equals for _, equals, _ in pairs):
        raise ValueError(f"must be links, each as label=address, separated by {SEPARATOR}")
    return {label.strip(): address.strip() for label, _, address in pairs}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


COLUMNS: Final = (*(name for name in AccountUpdate.model_fields if name != "schema_version"), "mrr")
"""What a column may be called."""
_READERS: Final[dict[str, Callable[[str, ZoneInfo], Any]]] = {
    "updated_at": _time,
    "renewal_at": _time,
    "started_at": _time,
    "mrr_minor": _whole,
    "mrr": _whole,
    "seats": _whole,
    "internal": _flag,
    "champions": _items,
    "contacts_left": _items,
    "aliases": _items,
    "links": _links,
}
