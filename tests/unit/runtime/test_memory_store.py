"""The store in memory holds what its changelog has, and no more room than that takes."""

from __future__ import annotations

import subprocess
import sys
from typing import Literal

import pytest
from faust.types import TP

from streams.runtime.application import create_app
from streams.runtime.settings import Settings
from streams.runtime.stores import TableStore
from streams.runtime.topics import ENGAGEMENT, changelog

KIND: Literal["memory"] = "memory"
SETTINGS = Settings(brokers="127.0.0.1:1", partitions=1, store=KIND)
LOG = TP(changelog(SETTINGS, ENGAGEMENT), 0)


def store() -> TableStore:
    return create_app(SETTINGS).tasks.store(ENGAGEMENT)


async def test_rows_size_and_offset_follow_the_changelog() -> None:
    found = store()
    assert found.persisted_offset(LOG) is None
    found.apply(LOG, [(b"acme", b"12"), (b"bolt", b"345")], 4)
    found.apply(LOG, [(b"acme", None), (b"corp", b"6"), (b"gone", None)], 9)
    assert dict(found.rows(0).items()) == {b"bolt": b"345", b"corp": b"6"}
    assert (found.size, found.persisted_offset(LOG)) == (12, 9)
    await found.on_rebalance(set(), {LOG}, set())
    assert dict(found.rows(0).items()) == {}
    assert (found.size, found.persisted_offset(LOG)) == (0, None)


@pytest.mark.slow
def test_a_row_takes_the_room_of_its_bytes() -> None:
    program = """
import resource, orjson
from tests.unit.runtime.test_memory_store import LOG, store
found, text = store(), "x" * 1_500
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB; bytes on macOS
found.apply(LOG, [(b"first", orjson.dumps([text]))], 0)
before = peak()
for number in range(40_000):
    found.apply(LOG, [(b"%d" % number, orjson.dumps([number, text]))], number)
print(peak() / before)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=100)
    # 60 MB of rows on a process of about as many; with what orjson leaves around them it would be several times that.
    assert float(done.stdout) < 3
