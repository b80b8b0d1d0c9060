"""The real worker as a process of its own, as `slackwater worker` would be started by anybody."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from schemas.errors import SlackwaterError
from streams.broker.child import ChildProcess
from streams.runtime.settings import Settings

_READY_PATIENCE = 60.0
_STOP_PATIENCE = 15.0
_POLL = 0.2


class WorkerError(SlackwaterError):
    """The worker did not start, or ended before it was asked to. The text holds the end of its log."""


class Worker:
    """`async with Worker(...)`: started and ready inside, and gone afterwards whatever happens."""

    def __init__(self, environment: Mapping[str, str], settings: Settings, log: Path) -> None:
        self._environment = environment
        self._log = log
        self._process: ChildProcess | None = None
        self.address = f"http://{settings.web_host}:{settings.web_port}"

    async def __aenter__(self) -> "Worker":
        self._process = ChildProcess(
            [sys.executable, "-m", "streams", "worker"],
            output=self._log,
            environment={**inherited(), **self._environment},
        )
        try:
            await self._until_ready()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    @property
    def process(self) -> ChildProcess:
        """The process itself, for whoever kills or pauses it."""
        assert self._process is not None
        return self._process

    async def watch(self) -> None:
        """Never returns. Raises WorkerError when the process ends."""
        while True:
            self._alive()
            await asyncio.sleep(_POLL)

    async def metrics(self) -> dict[str, float]:
        """The samples of the metrics page, by name with labels as written there. Raises WorkerError without one."""
        self._alive()
        try:
            text = await _get(f"{self.address}/metrics")
        except (aiohttp.ClientError, TimeoutError) as error:
            self._alive()
            what = f"has a metrics page that does not answer ({type(error).__name__})"
            raise WorkerError(self._with_log(what)) from error
        samples = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    async def _until_ready(self) -> None:
        deadline = asyncio.get_running_loop().time() + _READY_PATIENCE
        while True:
            self._alive()
            try:
                await _get(f"{self.address}/readyz")
                return
            except (aiohttp.ClientError, TimeoutError):
                if asyncio.get_running_loop().time() > deadline:
                    raise WorkerError(self._with_log(f"not ready after {_READY_PATIENCE:g} s")) from None
            await asyncio.sleep(_POLL)

    def _alive(self) -> None:
        assert self._process is not None
        status = self._process.exit_status
        if status is not None:
            raise WorkerError(self._with_log(f"ended with exit status {status}"))

    def _with_log(self, what: str) -> str:
        assert self._process is not None
        return f"the worker {what}; the end of its log:\n{self._process.output_tail(25)}"

    async def _end(self) -> None:
        if self._process is not None:
            await self._process.stop(patience=_STOP_PATIENCE)


async def _get(address: str) -> str:
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(address) as response:
        response.raise_for_status()
        return await response.text()


def inherited() -> dict[str, str]:
    """The environment without the user's own settings: the demo's are complete."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SLACKWATER_")}
