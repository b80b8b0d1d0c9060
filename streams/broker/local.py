"""What the brokers that run on this machine have in common: a directory, a process, and free ports."""

from __future__ import annotations

import shutil
import tempfile
from abc import abstractmethod
from pathlib import Path

from schemas.errors import BrokerError
from streams.broker.base import Broker
from streams.broker.child import ChildProcess
from streams.broker.ready import PortTakenError

_PORT_ATTEMPTS = 3


class LocalBroker(Broker):
    """A broker of its own on free ports, empty at `start()`, gone with all that it kept at `stop()`."""

    def __init__(self) -> None:
        self.address = ""
        self._home: Path | None = None
        self._child: ChildProcess | None = None

    @abstractmethod
    async def _prepare(self) -> None:
        """Find what is needed before the first attempt. Raises BrokerError with what to do about it."""

    @abstractmethod
    async def _launch(self, home: Path) -> None:
        """Choose ports, set `address` and `_child`, and return when the broker answers."""

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises BrokerError: what it needs is not installed, or it ended or kept silent (with the end of its output).
        """
        if self._home is not None:
            raise BrokerError("this broker is started already")
        await self._prepare()
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            self._home = Path(tempfile.mkdtemp(prefix="slackwater-broker-"))
            try:
                await self._launch(self._home)
                return
            except PortTakenError:
                await self.stop()
                if attempt == _PORT_ATTEMPTS:
                    raise
            except BaseException:  # also when cancelled: nothing may be left running
                await self.stop()
                raise

    async def stop(self) -> None:
        """Kill it and remove its data: nothing of it is to be kept, so there is nothing to shut down in order."""
        if self._child is not None:
            self._child.kill()
            self._child = None
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None
