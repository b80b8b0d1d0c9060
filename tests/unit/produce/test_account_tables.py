"""Files of accounts: rows to account updates, and what is wrong with those that are none."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from schemas.codec import encode
from schemas.instants import parse_instant
from streams.produce.account_tables import AccountRow, read_accounts
from streams.produce.errors import BadRow, InputError
from streams.produce.identities import contradictions

NOW = parse_instant("2026-11-22T09:00:00Z")


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def read(path: Path, *, clear: bool = False) -> list[AccountRow | BadRow]:
    return list(read_accounts(path, NOW, ZoneInfo("Europe/Berlin"), clear=clear))


def complaints(path: Path) -> list[str]:
    found = read(path)
    rows = [each for each in found if isinstance(each, AccountRow)]
    bad = [each for each in found if isinstance(each, BadRow)]
    return [str(each).removeprefix(f"{path}, ") for each in bad or contradictions(path, rows)]


def test_every_kind_of_cell_becomes_its_field(tmp_path: Path) -> None:
    (row,) = read(
        written(
            tmp_path / "accounts.csv",
            "account_id,name,mrr,currency,seats,renewal_at,champions,internal,aliases,links",
            'a-1,"Evergreen, Inc",19900,eur,20,2027-01-01 00:00:00,u-1 | u-2,no,cus_1|grp-7,CRM=https://crm.example/a?b=c',
        )
    )
    assert isinstance(row, AccountRow)
    assert row.line == 2
    assert row.update.changes() == {
        "name": "Evergreen, Inc",
        "mrr_minor": 19_900,
        "currency": "EUR",
        "seats": 20,
        "renewal_at": parse_instant("2026-12-31T23:00:00Z"),
        "champions": ("u-1", "u-2"),
        "aliases": ("cus_1", "grp-7"),
        "links": {"CRM": "https://crm.example/a?b=c"},
        "internal": False,
    }
    assert (row.update.account_id, row.update.updated_at) == ("a-1", NOW)


def test_an_empty_cell_changes_nothing_unless_it_is_to_clear(tmp_path: Path) -> None:
    path = written(
        tmp_path / "accounts.tsv", "account_id\taliases\tupdated_at", "a-1\t\t", "", "\t\t", " ", "a-2\tx\t2026-01-01"
    )
    kept, said = read(path)
    assert isinstance(kept, AccountRow)
    assert isinstance(said, AccountRow)
    assert encode(kept.update) == b'{"account_id":"a-1","updated_at":"2026-11-22T09:00:00Z"}'
    assert said.update.updated_at == parse_instant("2025-12-31T23:00:00Z")
    cleared = read(path, clear=True)[0]
    assert isinstance(cleared, AccountRow)
    assert cleared.update.changes() == {"aliases": None}


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        ("account_id,seats", "a,many", "line 2, column 'seats': must be a whole number, 0 or more; money is in minor"),
        ("account_id,internal", "a,maybe", "line 2, column 'internal': must be one of true, yes, 1, false, no, 0"),
        ("account_id,renewal_at", "a,soon", "line 2, column 'renewal_at': a time is written like"),
        ("account_id,links", "a,crm", "line 2, column 'links': must be links, each as label=address, separated by |"),
        ("account_id,links", "a,crm=ftp://x", "line 2, column 'links': must be an address that starts with http"),
        ("account_id,currency", "a,euros", "line 2, column 'currency': must be an ISO 4217 currency code"),
        ("account_id,name", ",nobody", "line 2, column 'account_id': is missing or null"),
        ("account_id,aliases", f"a,b|{'x' * 300}", "line 2, column 'aliases[1]': must have at most 256 characters"),
        ("account_id,name", "a", "line 2: has 1 fields where the header has 2"),
        ("account_id,name", 'a,"b"c', "line 2: "),
    ],
)
def test_a_row_that_is_not_usable_is_told_by_line_and_column(tmp_path: Path, header: str, row: str, said: str) -> None:
    (complaint,) = complaints(written(tmp_path / "accounts.csv", header, row))
    assert complaint.startswith(said)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("name", "there is no column 'account_id'; the file has 'name'"),
        ("account_id,owned_by", "column 'owned_by' is no field of an account; there are 'account_id', 'updated_at'"),
        ("account_id,name,name", "there are 2 columns 'name'; one can be read"),
        ("account_id,mrr,mrr_minor", "the columns 'mrr' and 'mrr_minor' are the same field"),
    ],
)
def test_columns_that_cannot_be_are_told(tmp_path: Path, header: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(written(tmp_path / "accounts.csv", header, ""))


def test_ids_that_contradict_each_other_are_told_with_both_lines(tmp_path: Path) -> None:
    path = written(tmp_path / "accounts.csv", "account_id,aliases", "a,x|y|a", "b,x", "c,a", "b,")
    assert complaints(path) == [
        "line 5, column 'account_id': is the account of line 3 again",
        "line 3, column 'aliases': 'x' is an alias of the account of line 2 already",
        "line 4, column 'aliases': 'a' is the account of line 2, and so no alias",
    ]
