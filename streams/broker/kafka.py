"""One real Apache Kafka broker (KRaft, no TLS) on this machine, for development, tests and benchmarks.

Its jars come from Maven (deploy/kafka/pom.xml, in the repository, not in the wheel) and are kept in
deploy/kafka/target; its data lives in a temporary directory and goes with it.
"""

from __future__ import annotations

import shutil
import signal
import tempfile
from pathlib import Path

from schemas.errors import BrokerError
from streams.broker.base import Broker
from streams.broker.child import ChildProcess
from streams.broker.jars import DEPLOY, find_jars, kafka_unavailable
from streams.broker.ready import free_port, wait_until_ready

_CLUSTER_ID = "c2xhY2t3YXRlci1rYWZrYQ"  # any 16 bytes in URL-safe base64
_START_PATIENCE = 60.0
_STOP_PATIENCE = 20.0
_PORT_ATTEMPTS = 3

# group.initial.rebalance.delay.ms 0: nobody waits 3 s for a second member. group.min.session.timeout.ms: tests kill
# workers and do not want to wait for long. broker.session.timeout.ms: after a crash the same node may register again
# only when its old session is over. Retention off: records of a replay may carry the times of old history.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={logs}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
log.retention.ms=-1
log.index.size.max.bytes=1048576
"""


class KafkaBroker(Broker):
    """A broker of its own on free ports, empty at `start()`, gone with all its data at `stop()`."""

    def __init__(self) -> None:
        self.address = ""
        self._home: Path | None = None
        self._child: ChildProcess | None = None

    @property
    def pid(self) -> int:
        """Of the running broker; BrokerError when it does not run."""
        return self._running().pid

    async def start(self) -> None:
        """Download the jars if need be (Maven), format a log directory, start, and wait until it answers.

        Raises BrokerError: no Java 17 or Maven, no network for the first download, or the end of the broker's output.
        """
        if self._home is not None:
            raise BrokerError("this Kafka broker is started already")
        if reason := kafka_unavailable():
            raise BrokerError(f"Apache Kafka cannot be started: {reason}")
        await find_jars()
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            try:
                await self._start_on_free_ports()
                return
            except BrokerError as error:
                await self.stop()
                # Somebody took a port between our looking and Kafka's binding.
                if attempt == _PORT_ATTEMPTS or "Address already in use" not in str(error):
                    raise
            except BaseException:
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

    async def restart(self) -> None:
        """Shut it down in order (if it runs) and start it again on the same address with the same data."""
        if self._home is None:
            raise BrokerError("this Kafka broker was never started")
        if self._child is not None:
            await self._child.stop(patience=_STOP_PATIENCE)
        await self._launch()

    def kill(self) -> None:
        """SIGKILL, as a crash would; `restart()` brings it back with what it had written."""
        self._running().kill()

    def pause(self) -> None:
        """Stop it in its tracks (SIGSTOP): connections stay open and nothing answers, until `resume()`."""
        self._running().signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._running().signal(signal.SIGCONT)

    def _running(self) -> ChildProcess:
        if self._child is None or self._child.exit_status is not None:
            raise BrokerError("this Kafka broker does not run")
        return self._child

    async def _start_on_free_ports(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="slackwater-kafka-"))
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        text = _PROPERTIES.format(port=port, controller_port=free_port(), logs=self._home / "logs")
        (self._home / "server.properties").write_text(text)
        await self._format()
        await self._launch()

    async def _format(self) -> None:
        assert self._home is not None
        tool = self._java(
            ["-XX:TieredStopAtLevel=1", "-Xshare:auto"],
            ["kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(self._home / "server.properties")],
        )
        try:
            status = await tool.wait(patience=_START_PATIENCE)
        finally:
            tool.kill()
        if status != 0:
            raise BrokerError(f"formatting Kafka's log directory failed ({status}):\n{tool.output_tail()}")

    async def _launch(self) -> None:
        assert self._home is not None
        self._child = self._java(
            ["-Xms256m", "-Xmx512m", "-XX:+UseG1GC"],
            ["kafka.Kafka", str(self._home / "server.properties")],
        )
        await wait_until_ready("Apache Kafka", self._child, self.address, patience=_START_PATIENCE)

    def _java(self, options: list[str], arguments: list[str]) -> ChildProcess:
        assert self._home is not None
        return ChildProcess(
            [
                "java",
                *options,
                f"-Dlog4j2.configurationFile={DEPLOY / 'log4j2.xml'}",
                "-cp",
                str(DEPLOY / "target" / "dependency" / "*"),
                *arguments,
            ],
            output=self._home / "output.log",
        )
