"""A wall clock for workers that a test moves (libfaketime; Debian: apt-get install libfaketime)."""

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.chaos.stories.clock_jumps import library, unavailable


class MovedClock:
    """Runs as fast as any, and stands where it is told to. The monotonic clock is left alone.

    It is best set into the past: a broker refuses records of the future, and removes those of long ago.
    """

    def __init__(self, home: Path, at: int) -> None:
        """`at`: where it stands at first, in ms. Skips the test where there is no libfaketime."""
        if reason := unavailable():
            pytest.skip(reason)
        self._file = home / "clock"
        self._ahead = 0.0
        self.set(at)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs to have this clock."""
        return {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def now(self) -> int:
        """Where it stands, in ms."""
        return int((time.time() + self._ahead) * 1_000)

    def set(self, at: int) -> None:
        """Move it; processes see it within a second."""
        self._ahead = at / 1_000 - time.time()
        new = self._file.with_suffix(".new")
        new.write_text(f"{self._ahead:+.3f}\n")
        new.replace(self._file)  # never read half
