"""Whose the rows of a file are, where accounts have several ids."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from schemas.accounts import AccountUpdate
from schemas.events import InputTopic
from streams.backtest.identities import Identities, identities_of, read_identities
from streams.backtest.reading import Part, Reading, event_of, parts_of, read_items
from streams.cli import app
from streams.produce import Format, InputError, Source

pytestmark = pytest.mark.slow

UTC_ZONE = ZoneInfo("UTC")
BEGAN = 1_740_000_000_000


def update(account: str, at: int, *ids: str) -> AccountUpdate:
    return AccountUpdate(account_id=account, updated_at=BEGAN + at, aliases=ids)


def test_an_id_is_whose_it_is_in_the_end() -> None:
    known = identities_of([update("b", 2, "x", "y"), update("a", 1, "x"), update("y", 3), update("b", 4, "x", "y")])
    assert {name: known.account_of(name) for name in ("a", "x", "y", "z")} == {"a": "a", "x": "b", "y": "y", "z": "z"}


def test_an_id_that_has_to_be_an_alias_and_is_none_is_nobodys() -> None:
    known = identities_of([update("a", 1, "cus_1"), update("cus_2", 1)], ("cus_*",))
    assert [known.account_of(name) for name in ("cus_1", "cus_2", "cus_3")] == ["a", "cus_2", None]


def lines(path: Path, *rows: Mapping[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_files_of_accounts_and_a_table_say_whose_ids_are(tmp_path: Path) -> None:
    said = {"account_id": "a", "updated_at": "2025-02-20T00:00:00Z", "aliases": ["x", "z"]}
    file = lines(tmp_path / "accounts.jsonl", said, {"account_id": 7})
    (tmp_path / "ids.csv").write_text("account_id,aliases\nb,x|y\n")
    sources = [Source(file, InputTopic.ACCOUNTS, Format.AUTO)]
    known = read_identities(sources, tmp_path / "ids.csv", UTC_ZONE, ())
    assert [known.account_of(name) for name in ("x", "y", "z")] == ["b", "b", "a"]
    (tmp_path / "ids.csv").write_text("account_id,aliases\nb,x\nc,x\n")
    with pytest.raises(InputError, match="line 3, column 'aliases': 'x' is an alias of the account of line 2 already"):
        read_identities(sources, tmp_path / "ids.csv", UTC_ZONE, ())


def test_rows_are_their_accounts_and_what_is_nobodys_is_told(tmp_path: Path) -> None:
    at = "2025-02-20T00:00:00Z"
    used = {"event": "click", "occurred_at": at}
    usage = lines(tmp_path / "usage.jsonl", *({**used, "account_id": name} for name in ("x", "cus_9", "a")))
    score = {"account_id": "x", "type": "nps", "score": 1, "occurred_at": at}
    feedback = lines(tmp_path / "feedback.jsonl", score)
    known = Identities({"x": "a"}, ("cus_*",))
    reading, items = Reading(), []
    for source in (Source(usage, InputTopic.USAGE, Format.NATIVE), Source(feedback, InputTopic.FEEDBACK, Format.AUTO)):
        for part in parts_of([source]):
            items += list(read_items(Part(part.source, part.span, part.last), None, reading, known))
    assert [item[2] for item in items] == ["a", "a", "a"]
    assert [event_of(item).account_id for item in items] == ["a", "a", "a"]
    assert reading.ignored == {"unknown_account": 1}
    assert reading.rows == {"usage": 2, "feedback": 1}


@pytest.mark.parametrize("jobs", ["1", pytest.param("2", marks=pytest.mark.thorough)])
def test_a_backtest_with_aliases_is_that_of_a_file_with_one_id_for_each_account(tmp_path: Path, jobs: str) -> None:
    began = datetime(2025, 1, 6, 9, tzinfo=UTC)
    days = [began + timedelta(days=day) for day in range(90)]
    rows = [
        (name, day)
        for number, day in enumerate(days)
        for name in ("one", "two", "crm-2")
        if number < 60 or name == "one"
    ]
    merged = {"crm-2": "two"}
    for file, names in (("ids.csv", {}), ("plain.csv", merged)):
        text = "".join(f"{names.get(name, name)},{day.isoformat()}\n" for name, day in rows)
        (tmp_path / file).write_text(f"account_id,occurred_at\n{text}")
    (tmp_path / "accounts.csv").write_text("account_id,aliases\ntwo,crm-2\n")
    results = []
    for file, options in (("ids.csv", ["--aliases", str(tmp_path / "accounts.csv")]), ("plain.csv", [])):
        out = tmp_path / f"{file}.out"
        command = ["backtest", str(tmp_path / file), "--out", str(out), "--jobs", jobs, *options]
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
        results.append([(out / name).read_text() for name in ("alerts.jsonl", "accounts.csv")])
    assert results[0] == results[1]
    assert results[0][0], "the account that stopped was not found"
    assert "crm-2" not in results[0][1]
