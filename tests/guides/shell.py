"""A person's terminals: blocks of commands are run one after the other in one bash, and what runs until it is stopped
in a terminal of its own."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp

_PATIENCE: Final = 600.0
"""Seconds for a block: an installation on a busy machine."""
_SESSION: Final = 4.0
"""Longer than a worker's session, by the environment: the embedded broker has it in the group until then."""
_DONE: Final = "@@ done"
_LASTING: Final = {"slackwater worker": "WEB_PORT", "faust -A": "WEB_PORT", "slackwater board": "BOARD_PORT"}
"""Commands that run until they are stopped, and the setting of the port at which they say that they are there."""
_ALONE: Final = ("slackwater reset", "slackwater bootstrap", "slackwater worker", "faust -A")
"""Before these a reader has stopped the worker that runs."""


class Shell:
    """`async with Shell(folder, environment) as shell`: bash in that folder; inside, `await shell.run(commands)`.

    What still runs is stopped at the end.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self.environment = dict(environment)
        self._lasting: dict[str, int] = {}
        self._blocks = 0

    async def __aenter__(self) -> Self:
        self._bash = await asyncio.create_subprocess_exec(
            "bash", "--noprofile", "--norc", "-e", "-o", "pipefail",
            cwd=self._folder, env=self.environment, start_new_session=True,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in list(self._lasting):
            await self._stop(name)
        assert self._bash.stdin is not None
        self._bash.stdin.close()
        if kind is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._bash.pid, signal.SIGKILL)
        await self._bash.wait()

    async def run(self, commands: str) -> str:
        """What the commands say, stdout and stderr together. AssertionError when one of them fails."""
        started = [line for line in commands.splitlines() if line.startswith(tuple(_LASTING))]
        for name in list(self._lasting):
            if name == "worker" and any(line.startswith(_ALONE) for line in commands.splitlines()):
                await self._stop(name)
                await asyncio.sleep(_SESSION)
        said = await self._say("\n".join(_in_background(line) for line in commands.splitlines()))
        for line in started:
            await self._until_there(line)
        return said

    def log(self, name: str) -> str:
        """What a command that lasts (`worker`, `board`) has written."""
        return (self._folder / f"{name}.log").read_text(errors="replace")

    async def _say(self, commands: str) -> str:
        self._blocks += 1
        file = self._folder / f".block-{self._blocks}.sh"
        file.write_text(commands + "\n")
        assert self._bash.stdin is not None
        self._bash.stdin.write(f". ./{file.name} </dev/null\necho '{_DONE}'\n".encode())
        return await asyncio.wait_for(self._answer(), _PATIENCE)

    async def _answer(self) -> str:
        assert self._bash.stdout is not None
        said: list[str] = []
        while line := (await self._bash.stdout.readline()).decode(errors="replace"):
            if line.rstrip() == _DONE:
                return "".join(said)
            said.append(line)
        raise AssertionError(f"a command failed (status {await self._bash.wait()}):\n{''.join(said)}")

    async def _until_there(self, line: str) -> None:
        name = _name(line)
        self._lasting[name] = int((self._folder / f"{name}.pid").read_text())
        port = self.environment[
            f"SLACKWATER_{next(port for start, port in _LASTING.items() if line.startswith(start))}"
        ]
        page = f"http://127.0.0.1:{port}/{'healthz' if name == 'board' else 'readyz'}"
        async with aiohttp.ClientSession() as session:
            for _ in range(600):
                if not _runs(self._lasting[name]):
                    raise AssertionError(f"{line!r} ended:\n{self.log(name)}")
                try:
                    async with session.get(page) as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientConnectionError:
                    pass
                await asyncio.sleep(0.1)
        raise AssertionError(f"{line!r} does not answer at {page}:\n{self.log(name)}")

    async def _stop(self, name: str) -> None:
        pid = self._lasting.pop(name)
        if _runs(pid):
            os.kill(pid, signal.SIGTERM)
        for _ in range(200):
            if not _runs(pid):
                return
            await asyncio.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
        raise AssertionError(f"the {name} has not stopped within 20 s:\n{self.log(name)}")


def _name(line: str) -> str:
    return "board" if line.startswith("slackwater board") else "worker"


def _in_background(line: str) -> str:
    if not line.startswith(tuple(_LASTING)):
        return line
    name = _name(line)
    command = line.partition(" #")[0].rstrip()
    return f"{command} >>{name}.log 2>&1 & echo $! >{name}.pid"


def _runs(pid: int) -> bool:
    """Whether a process runs: bash, whose child it is, takes notice of its end by itself."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
