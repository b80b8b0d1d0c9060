"""A child process that never outlives this one."""

from __future__ import annotations

import asyncio
import atexit
import os
import re
import shutil
import signal
import subprocess
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path

_POLL_SECONDS = 0.05
_PAUSE_SECONDS = 1.0
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_running: weakref.WeakSet[ChildProcess] = weakref.WeakSet()


class ChildProcess:
    """One command in a process group of its own, its output going to a file.

    The group is killed when this process exits; on Linux also when it is killed itself, because the kernel then kills
    the child (`setpriv --pdeathsig`, of util-linux). That signal follows the thread that started the child, so start
    it from a thread that stays, as the main one does.
    """

    def __init__(self, command: Sequence[str], *, output: Path, environment: Mapping[str, str] | None = None) -> None:
        self._output = output
        with output.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the command is the caller's, never a user's text
                [*_death_leash(), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=None if environment is None else dict(environment),
                start_new_session=True,
            )
        _running.add(self)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs; a negative number when a signal ended it."""
        return self._process.poll()

    @property
    def output(self) -> str:
        """All that it wrote, without colours."""
        return _COLOUR.sub("", self._output.read_text(errors="replace"))

    def output_tail(self, lines: int = 15) -> str:
        """The last lines it wrote, for an error message, without colours."""
        return "\n".join(self.output.strip().splitlines()[-lines:])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; nothing happens when it is gone."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def pause(self) -> None:
        """Stop it in its tracks (SIGSTOP), and return when it stands: its threads stop one by one.

        Not before: what was sent to it would still be answered. One that waits for a child of its own to start cannot
        stand before that; after a second this returns in any case.
        """
        self.signal(signal.SIGSTOP)
        deadline = time.monotonic() + _PAUSE_SECONDS
        while time.monotonic() < deadline and self.exit_status is None:
            if os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOHANG) is not None:
                return
            time.sleep(0.001)

    def resume(self) -> None:
        """Let it go on after `pause()`."""
        self.signal(signal.SIGCONT)

    async def stop(self, *, patience: float) -> None:
        """Ask it to end, and kill it when it has not after `patience` seconds."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)  # a stopped process would never see the SIGTERM
        await self.wait(patience=patience)
        self.kill()

    async def wait(self, *, patience: float) -> int | None:
        """Its exit status once it has ended; None when it has not after `patience` seconds."""
        deadline = time.monotonic() + patience
        while self.exit_status is None and time.monotonic() < deadline:  # noqa: ASYNC110 - nothing tells of a child's end
            await asyncio.sleep(_POLL_SECONDS)
        return self.exit_status

    def kill(self) -> None:
        """End it at once (SIGKILL) and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self._process.wait()
        _running.discard(self)


def _death_leash() -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


@atexit.register
def _kill_all() -> None:
    for child in list(_running):
        child.kill()
