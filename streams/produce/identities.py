"""What cannot be of the ids in one file of accounts."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from streams.produce.account_tables import AccountRow
from streams.produce.errors import BadRow


def contradictions(path: Path, rows: Iterable[AccountRow]) -> Iterator[BadRow]:
    """Rows that are an account's second one, and aliases that are an account's id or another one's alias: whichever was
    meant, the worker would take the last one, or none."""
    rows = list(rows)
    lines: dict[str, int] = {}
    for row in rows:
        first = lines.setdefault(row.update.account_id, row.line)
        if first != row.line:
            yield BadRow(path, f"line {row.line}", "account_id", f"is the account of line {first} again")
    claimed: dict[str, int] = {}
    for row in rows:
        for alias in row.update.aliases or ():
            if alias == row.update.account_id:
                continue
            if alias in lines:
                detail = f"{alias!r} is the account of line {lines[alias]}, and so no alias"
                yield BadRow(path, f"line {row.line}", "aliases", detail)
            first = claimed.setdefault(alias, row.line)
            if first != row.line:
                detail = f"{alias!r} is an alias of the account of line {first} already"
                yield BadRow(path, f"line {row.line}", "aliases", detail)
