"""One real Apache Kafka broker (KRaft, no TLS) on this machine, for development, tests and benchmarks.

Its jars come from Maven (deploy/kafka/pom.xml, in the repository, not in the wheel) and are kept in
deploy/kafka/target; its data lives in a temporary directory and goes with it.
"""

from __future__ import annotations

import base64
import uuid
from pathlib import Path

from schemas.errors import BrokerError
from streams.broker.child import ChildProcess
from streams.broker.jars import DEPLOY, find_jars, kafka_unavailable
from streams.broker.local import LocalBroker
from streams.broker.ready import free_port, wait_until_ready

_START_PATIENCE = 150.0  # seconds; four on a machine that does nothing else
_STOP_PATIENCE = 20.0

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


class KafkaBroker(LocalBroker):
    """Apache Kafka itself: transactions, consumer groups, and what tests of faults need (kill, pause, restart).

    `start()` also raises BrokerError without Java 17 or Maven, and without a network at the first download of the jars.
    """

    def __init__(self) -> None:
        super().__init__()
        self._cluster = ""

    @property
    def pid(self) -> int:
        """Of the running broker; BrokerError when it does not run."""
        return self._running().pid

    async def restart(self) -> None:
        """Shut it down in order (if it runs) and start it again on the same address with the same data."""
        if self._home is None:
            raise BrokerError("this Kafka broker was never started")
        if self._child is not None:
            await self._child.stop(patience=_STOP_PATIENCE)
        await self._run(self._home)

    def kill(self) -> None:
        """SIGKILL, as a crash would; `restart()` brings it back with what it had written."""
        self._running().kill()

    def pause(self) -> None:
        """Stop it in its tracks (SIGSTOP): connections stay open and nothing answers, until `resume()`."""
        self._running().pause()

    def resume(self) -> None:
        self._running().resume()

    def _running(self) -> ChildProcess:
        if self._child is None or self._child.exit_status is not None:
            raise BrokerError("this Kafka broker does not run")
        return self._child

    async def _prepare(self) -> None:
        if reason := kafka_unavailable():
            raise BrokerError(f"Apache Kafka cannot be started: {reason}")
        await find_jars()

    async def _launch(self, home: Path) -> None:
        port, controller_port = free_port(), free_port()
        self.address = f"127.0.0.1:{port}"
        self._cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if self._cluster.startswith("-"):
            self._cluster = "A" + self._cluster[1:]  # the tool would take it for an option
        text = _PROPERTIES.format(port=port, controller_port=controller_port, logs=home / "logs")
        text += self._more_properties(port, controller_port)  # of a property that is set twice the later holds
        (home / "server.properties").write_text(text)
        await self._format(home)
        await self._run(home)

    def _more_properties(self, port: int, controller_port: int) -> str:  # noqa: ARG002 - for those that have some
        """What is besides the plain listener; also for a kind of broker that has other listeners."""
        return ""

    def _format_options(self) -> list[str]:
        """Of the storage tool; also for a kind of broker that has users of its own."""
        return []

    async def _format(self, home: Path) -> None:
        arguments = ["format", "-t", self._cluster, "-c", str(home / "server.properties")]
        options = [*arguments, *self._format_options()]
        tool = _java(home, ["-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", *options])
        try:
            status = await tool.wait(patience=_START_PATIENCE)
        finally:
            tool.kill()
        if status != 0:
            raise BrokerError(f"formatting Kafka's log directory failed ({status}):\n{tool.output_tail()}")

    async def _run(self, home: Path) -> None:
        self._child = _java(home, ["-Xms256m", "-Xmx512m", "kafka.Kafka", str(home / "server.properties")])
        await wait_until_ready("Apache Kafka", self._child, self.address, self._cluster, patience=_START_PATIENCE)


def _java(home: Path, arguments: list[str]) -> ChildProcess:
    """Java with Kafka's jars; `arguments` are options of the virtual machine, the class, and the class's own."""
    logging = f"-Dlog4j2.configurationFile={DEPLOY / 'log4j2.xml'}"
    jars = str(DEPLOY / "target" / "dependency" / "*")
    return ChildProcess(["java", logging, "-cp", jars, *arguments], output=home / "output.log")
