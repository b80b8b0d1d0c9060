"""The directory that a worker keeps its tables in, and nobody else as long as it runs."""

import asyncio
import fcntl
import logging
import os
import shutil
from pathlib import Path
from time import monotonic, time
from typing import Final

from schemas.errors import StartError
from streams.runtime.settings import Settings

log = logging.getLogger(__name__)

PATIENCE: Final = 10.0
"""Seconds in which another worker that has the directory may end: a stop takes 8 at most."""
UNUSED_SECONDS: Final = 12 * 3_600
"""A partition on disk that nobody wrote for so long would not be gone on from: it is deleted at the next start."""
_POLL: Final = 0.2
_LOCK: Final = "lock"


def path_of(settings: Settings) -> Path:
    """Where an application's tables are."""
    return settings.state_dir / settings.app_id


class StateDirectory:
    """Held by `take` until `release`, or the end of the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    async def take(self, patience: float = PATIENCE) -> None:
        """Make the directory and lock it. Raises `StartError` when it cannot be written, or another has it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            await self._locked(self._lock, patience)
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, str(os.getpid()).encode(), 0)
            os.fsync(self._lock)  # a full disk shows now
            self._sweep()
        except OSError as error:
            self.release()
            raise StartError(
                f"SLACKWATER_STATE_DIR: {self.path} cannot be written: {error.strerror or error}; "
                "name a directory that the worker may write, or set SLACKWATER_STORE=memory"
            ) from error
        except StartError:
            self.release()
            raise

    def release(self) -> None:
        """Let another have it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def _locked(self, lock: int, patience: float) -> None:
        started = monotonic()
        told = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                process = os.pread(lock, 20, 0).decode(errors="replace")
                if monotonic() - started >= patience:
                    raise StartError(
                        f"SLACKWATER_STATE_DIR: {self.path} is in use by another worker (process {process}); "
                        "give each worker a directory of its own"
                    ) from None
                if not told:
                    log.warning("%s is in use by process %s; waiting up to %g s for it", self.path, process, patience)
                    told = True
                await asyncio.sleep(_POLL)
            else:
                return

    def _sweep(self) -> None:
        for part in self.path.iterdir():
            if (
                part.is_dir()
                and time() - max(each.stat().st_mtime for each in (part, *part.iterdir())) > UNUSED_SECONDS
            ):
                log.info("deleting %s: unused for more than %d hours", part, UNUSED_SECONDS // 3_600)
                shutil.rmtree(part, ignore_errors=True)
