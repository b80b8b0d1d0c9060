"""Rows on disk and where they stand: what is written together, what is gone on from, what is thrown away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.errors import StoreError
from streams.runtime.database import Changelog, Database, Stand, distrust

LOG = "cluster/changelog/0"
NOW = 1_740_000_000_000
HOUR = 3_600_000


def opened(path: Path) -> Database:
    return Database(path / "engagement-0")


def test_rows_and_stand_are_there_after_it_was_closed(tmp_path: Path) -> None:
    database = opened(tmp_path)
    assert database.stand is None
    database.write(LOG, [(b"\0progress", b"p"), (b"acme", b"1"), (b"bolt", b"2")], 7, level=True)
    database.write(LOG, [(b"acme", b"3"), (b"bolt", None)], 9, level=True)
    database.close()

    again = opened(tmp_path)
    assert again.stand is not None
    assert (again.stand.changelog, again.stand.offset) == (LOG, 9)
    assert dict(again.items()) == {b"\0progress": b"p", b"acme": b"3"}
    assert again.get(b"acme") == b"3"
    assert again.get(b"bolt") is None
    assert again.size > 0
    again.close()


def test_what_was_written_survives_a_process_that_ends_without_a_word(tmp_path: Path) -> None:
    program = f"""
import os
from pathlib import Path
from streams.runtime.database import Database
Database(Path({str(tmp_path)!r}) / "engagement-0").write({LOG!r}, [(b"acme", b"1")], 3, level=True)
os._exit(0)  # nothing is closed
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    database = opened(tmp_path)
    assert database.get(b"acme") == b"1"
    assert database.stand is not None
    assert database.stand.offset == 3
    database.close()


def test_only_a_reading_to_the_end_of_the_changelog_makes_it_complete(tmp_path: Path) -> None:
    database = opened(tmp_path)
    database.write(LOG, [(b"acme", b"1")], 3, level=True)
    before = database.stand
    assert before is not None
    database.stand = replace(before, level=5)
    database.write(LOG, [(b"acme", b"2")], 4, level=False)
    assert database.stand is not None
    assert (database.stand.offset, database.stand.level) == (4, 5)
    database.close()


def test_damage_is_an_error_and_not_the_end_of_the_rows(tmp_path: Path) -> None:
    database = opened(tmp_path)
    database.write(LOG, [(b"acct_%05d" % number, os.urandom(500)) for number in range(20_000)], 1, level=True)
    database.close()
    files = sorted((tmp_path / "engagement-0").glob("*.sst"), key=lambda path: path.stat().st_size)
    content = bytearray(files[-1].read_bytes())
    content[200_000:200_500] = bytes(500)
    files[-1].write_bytes(content)

    database = opened(tmp_path)
    with pytest.raises(StoreError, match=r"engagement-0 \(SLACKWATER_STATE_DIR\) cannot be read: Corruption"):
        list(database.items())
    assert database.failed
    database.destroy()


def test_one_that_cannot_be_opened_is_begun_anew(tmp_path: Path) -> None:
    database = opened(tmp_path)
    database.write(LOG, [(b"acme", b"1")], 1, level=True)
    database.close()
    (tmp_path / "engagement-0" / "CURRENT").write_text("nothing\n")

    database, reason = Database.open(tmp_path / "engagement-0")
    assert reason is not None
    assert "cannot be opened" in reason
    assert database.stand is None
    assert list(database.items()) == []
    database.close()
    database, reason = Database.open(tmp_path / "engagement-0")
    assert reason is None
    database.close()


def test_a_place_where_nothing_can_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "engagement-0").touch()
    with pytest.raises(StoreError, match="cannot be opened"):
        opened(tmp_path)


def test_after_it_failed_its_lock_is_free(tmp_path: Path) -> None:
    database = opened(tmp_path)
    database.write(LOG, [(b"acme", b"1")], 1, level=True)
    shutil.rmtree(database.path)
    database.destroy()
    opened(tmp_path).close()


STAND = Stand(LOG, offset=9, level=NOW - HOUR)
FINE = Changelog(LOG, start=0, end=10)


def test_what_the_changelog_still_has_is_gone_on_from() -> None:
    assert distrust(STAND, FINE, NOW) is None
    assert distrust(STAND, FINE._replace(start=10, end=50), NOW) is None


@pytest.mark.parametrize(
    ("stand", "changelog", "reason"),
    [
        (replace(STAND, changelog="another/changelog/0"), FINE, "it is of another"),
        (STAND, FINE._replace(end=9), "the changelog ends at 9"),
        (STAND, FINE._replace(start=11, end=50), "the changelog begins at 11"),
        (replace(STAND, level=NOW - 13 * HOUR), FINE, "complete 13 hours ago"),
    ],
)
def test_what_may_be_wrong_is_not(stand: Stand, changelog: Changelog, reason: str) -> None:
    found = distrust(stand, changelog, NOW)
    assert found is not None
    assert reason in found
