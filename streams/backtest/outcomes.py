"""Which accounts were lost, and when: as a file says, as billing says, or as silence tells."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from streams.detection.config import DAY_MS
from streams.produce import InputError
from streams.produce.cells import cells_of, header_of
from streams.produce.errors import BadRow
from streams.produce.lines import read_lines
from streams.produce.text import open_text
from streams.produce.times import parse_time

LOST: Final = ("churned", "lost", "cancelled", "canceled")
KEPT: Final = ("retained", "renewed", "saved", "active", "false_alarm")
_NEEDED: Final = ("account_id", "at", "outcome")


class Basis(StrEnum):
    """Where outcomes come from."""

    FILE = "file"
    BILLING = "billing"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The losses, by account, in milliseconds: the end as a customer, or with `SILENCE` the last event."""

    basis: Basis
    losses: Mapping[str, int]
    silence_days: int = 0
    """With `SILENCE`: an account is lost when there are at least so many days of data after its last event."""


def silent_for_good(last_events: Iterable[tuple[str, int]], end: int, days: int) -> Outcomes:
    """Losses as silence tells them, from each account's last event (ms); the data go up to `end`."""
    losses = {account: at for account, at in last_events if end - at >= days * DAY_MS}
    return Outcomes(Basis.SILENCE, losses, days)


def read_outcomes(path: Path, zone: ZoneInfo) -> Outcomes:
    """Losses from a CSV file with the columns account_id, at and outcome, or JSON lines with such fields. `outcome` is
    one of `LOST` or `KEPT`; of an account the last loss counts. Raises InputError at the first row that is not usable.
    """
    losses: dict[str, int] = {}
    for place, row in _rows(path):
        account, at, outcome = (str(row.get(name) or "").strip() for name in _NEEDED)
        if not account:
            raise InputError(str(BadRow(path, place, "account_id", "is missing")))
        if outcome.lower() not in LOST + KEPT:
            allowed = f"must be one of {', '.join(LOST)} (it left) or {', '.join(KEPT)} (it did not)"
            raise InputError(str(BadRow(path, place, "outcome", allowed)))
        try:
            when = parse_time(at, zone)
        except ValueError as error:
            raise InputError(str(BadRow(path, place, "at", str(error)))) from None
        if outcome.lower() in LOST:
            losses[account] = max(when, losses.get(account, 0))
    return Outcomes(Basis.FILE, losses)


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    if {".jsonl", ".ndjson", ".json"} & set(path.suffixes):
        for number, raw in read_lines(path):
            try:
                value = orjson.loads(raw)
            except orjson.JSONDecodeError as error:
                raise InputError(str(BadRow(path, f"line {number}", None, f"no JSON: {error.msg}"))) from None
            if not isinstance(value, dict):
                raise InputError(str(BadRow(path, f"line {number}", None, "must be a JSON object")))
            yield f"line {number}", value
        return
    with open_text(path) as text:
        reader = cells_of(path, text)
        try:
            header = header_of(reader)
            missing = [name for name in _NEEDED if name not in header]
            if missing:
                has = ", ".join(map(repr, header)) or "no columns"
                raise InputError(f"{path}: there is no column {', '.join(map(repr, missing))}; the file has {has}")
            for cells in reader:
                if any(map(str.strip, cells)):
                    yield f"line {reader.line_num}", dict(zip(header, cells, strict=False))
        except csv.Error as error:
            raise InputError(f"{path}, line {reader.line_num}: {error}") from None
