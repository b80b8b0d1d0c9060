"""The workers of a run, as a supervisor would have them: who ends without being asked to is started again."""

import asyncio
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Final, Self

import aiohttp

from streams.broker.child import ChildProcess
from streams.broker.ready import free_port
from streams.cli.demo.worker import inherited
from streams.runtime.stopping import FORCED

_POLL: Final = 0.1
_INSIDE: Final = Path(__file__).parent / "inside"
_AGAIN_SECONDS: Final = 1.0


@dataclass(slots=True)
class Member:
    """One place of the fleet, and the process that is in it now."""

    name: str
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    process: ChildProcess | None = None
    address: str = ""
    wanted: bool = False
    said_before: int = 0
    """Bytes in the log when the process was started."""

    @property
    def running(self) -> bool:
        """There is a process, and it has not ended."""
        return self.process is not None and self.process.exit_status is None

    def missing(self) -> bool:
        """It is to run, and does not."""
        return self.wanted and not self.running


class Fleet:
    """`async with Fleet(...)`: workers by name, one log each; none is left afterwards."""

    def __init__(self, environment: Mapping[str, str], home: Path) -> None:
        self._environment = dict(environment)
        self._home = home
        self._members: dict[str, Member] = {}
        self._keeper: asyncio.Task[None] | None = None
        self.ended: list[str] = []
        """Who ended by itself, with the status."""

    async def __aenter__(self) -> Self:
        self._keeper = asyncio.create_task(self._keep(), name="the supervisor")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        for member in self._members.values():
            if member.process is not None:
                member.process.kill()

    @property
    def running(self) -> list[str]:
        """The names of those that run."""
        return [member.name for member in self._members.values() if member.running]

    def start(self, name: str = "a", **environment: str) -> None:
        """Start a worker; it is not waited for. `environment` holds for all that follow in its place."""
        member = self._members.setdefault(name, Member(name, self._home / f"worker-{name}.log"))
        assert not member.running, f"worker {name} runs"
        member.environment.update(environment)
        member.wanted = True
        self._launch(member)

    async def ready(self, name: str = "a", *, patience: float = 90.0) -> None:
        """Return when the worker is assigned and recovered."""
        deadline = monotonic() + patience
        while await self._page(self._members[name], "readyz") is None:
            assert monotonic() < deadline, f"worker {name} is not ready after {patience:g} s:\n{self.tail(name)}"
            await asyncio.sleep(_POLL)

    async def said(self, name: str, words: str, *, since: int = 0, patience: float = 60.0) -> None:
        """Return as soon as the worker's log has these words, `since` so many bytes of it."""
        deadline = monotonic() + patience
        while words not in self.log(name)[since:]:
            assert monotonic() < deadline, f"worker {name} has not said {words!r}:\n{self.tail(name)}"
            await asyncio.sleep(0.01)

    def kill(self, name: str = "a") -> None:
        """SIGKILL, and it stays dead until `start`."""
        self._unwanted(name).kill()

    async def stop(self, name: str = "a", *, patience: float = 30.0, in_order: bool = True) -> float:
        """SIGTERM. Gives the seconds that it took; it has to end in time, and `in_order` with status 0."""
        process, began = self._unwanted(name), monotonic()
        begun = "metrics at" in self.log(name)[self._members[name].said_before :]
        if process.exit_status is not None:  # before it was asked to
            self.ended.append(f"{name} with {process.exit_status}")
            return 0.0
        process.signal(signal.SIGTERM)
        status = await process.wait(patience=patience)
        if status is None:
            process.signal(signal.SIGUSR1)  # see `inside`
            await asyncio.sleep(2.0)
            process.kill()
            (self._home / "hanging.txt").write_text(self.tail(name, 5_000))
            raise AssertionError(f"worker {name} has not ended after {patience:g} s: see hanging.txt")
        if status == -signal.SIGTERM and not begun:
            return 0.0  # Python was still loading it
        expected = (0,) if in_order else (0, FORCED)
        assert status in expected, (
            f"worker {name} ended with {status} after {monotonic() - began:.1f} s:\n{self.tail(name)}"
        )
        return monotonic() - began

    async def stop_all(self) -> None:
        """`stop` for all that run, one after the other."""
        for name in self.running:
            await self.stop(name)

    async def total(self, name: str, metric: str) -> float:
        """The sum of a metric's samples; 0 where the worker does not answer."""
        page = await self._page(self._members[name], "metrics") or ""
        lines = [line for line in page.splitlines() if line.startswith(f"slackwater_{metric}")]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def process(self, name: str = "a") -> ChildProcess:
        """The process, for whoever pauses it."""
        process = self._members[name].process
        assert process is not None
        return process

    def log(self, name: str) -> str:
        """All that the workers of that name have written."""
        log = self._members[name].log
        return log.read_text(errors="replace") if log.exists() else ""

    def tail(self, name: str, lines: int = 25) -> str:
        """The end of that."""
        return "\n".join(self.log(name).splitlines()[-lines:])

    def _launch(self, member: Member) -> None:
        member.said_before = len(self.log(member.name))
        port = str(free_port())  # a new one each time: the one before may not be free at once
        member.address = f"http://127.0.0.1:{port}"
        state = str(self._home / f"state-{member.name}")
        own = {"SLACKWATER_WEB_PORT": port, "SLACKWATER_STATE_DIR": state, "PYTHONPATH": str(_INSIDE)}
        own |= member.environment
        member.process = ChildProcess(
            [sys.executable, "-m", "streams", "worker"],
            output=member.log,
            environment={**inherited(), **self._environment, **own},
        )

    def _unwanted(self, name: str) -> ChildProcess:
        self._members[name].wanted = False
        return self.process(name)

    async def _keep(self) -> None:
        while True:
            for member in self._members.values():
                if member.missing():
                    assert member.process is not None
                    self.ended.append(f"{member.name} with {member.process.exit_status}")
                    await asyncio.sleep(_AGAIN_SECONDS)
                    if member.missing():  # a story may have started it meanwhile
                        self._launch(member)
            await asyncio.sleep(_POLL)

    @staticmethod
    async def _page(member: Member, page: str) -> str | None:
        timeout = aiohttp.ClientTimeout(total=2)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"{member.address}/{page}") as response,
            ):
                return await response.text() if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            return None
