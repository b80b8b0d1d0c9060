"""A worker's directory is its own, and what is wrong with it is told before anything is joined."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemas.errors import StartError
from streams.runtime.state_directory import UNUSED_SECONDS, StateDirectory

NOBODY = 65_534


@contextmanager
def not_as_root() -> Iterator[None]:
    """Root may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_a_directory_is_made_and_can_be_taken_again_when_it_was_let_go(tmp_path: Path) -> None:
    directory = StateDirectory(tmp_path / "a" / "b")
    await directory.take()
    assert (directory.path / "lock").read_text() == str(os.getpid())
    directory.release()
    await StateDirectory(directory.path).take(patience=0)


async def test_a_second_worker_is_told_who_has_it(tmp_path: Path) -> None:
    first, second = StateDirectory(tmp_path), StateDirectory(tmp_path)
    await first.take()
    with pytest.raises(StartError, match=rf"in use by another worker \(process {os.getpid()}\); give each worker"):
        await second.take(patience=0)
    first.release()
    await second.take(patience=0)


async def test_a_worker_that_is_about_to_end_is_waited_for(tmp_path: Path) -> None:
    dying, next_ = StateDirectory(tmp_path), StateDirectory(tmp_path)
    await dying.take()
    asyncio.get_running_loop().call_later(0.3, dying.release)
    await next_.take(patience=20)


async def test_a_directory_that_cannot_be_written_is_a_start_error_that_names_the_setting() -> None:
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o555)
        with not_as_root(), pytest.raises(StartError, match=r"SLACKWATER_STATE_DIR: .*Permission denied"):
            await StateDirectory(Path(parent) / "state").take()


async def test_a_file_in_its_place_is_a_start_error(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    with pytest.raises(StartError, match=r"SLACKWATER_STATE_DIR: .*SLACKWATER_STORE=memory"):
        await StateDirectory(tmp_path / "state" / "app").take()


async def test_partitions_that_nobody_wrote_for_long_are_deleted(tmp_path: Path) -> None:
    for name, age in (("engagement-0", UNUSED_SECONDS + 60), ("engagement-1", UNUSED_SECONDS - 60)):
        (tmp_path / name).mkdir()
        for path in (tmp_path / name / "000001.log", tmp_path / name):
            path.touch()
            before = path.stat().st_mtime - age
            os.utime(path, (before, before))
    await StateDirectory(tmp_path).take()
    assert {path.name for path in tmp_path.iterdir()} == {"lock", "engagement-1"}
