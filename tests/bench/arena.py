"""One Apache Kafka with a load on its input topics, which every contestant reads from the beginning."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from schemas.events import InputTopic
from streams.broker.kafka import KafkaBroker
from streams.broker.ready import free_port
from streams.cli.demo.worker import Worker
from streams.produce.record import InputRecord
from streams.produce.sender import Sent, send
from streams.runtime import topics
from streams.runtime.settings import Settings, load_settings
from tests.bench import compiled
from tests.bench.load import Load

SETTLE_MS = 3 * 3_600_000
"""So long after the last event the accounts are watched."""


class BenchError(Exception):
    """A contestant did not do what it was to do: then there are no figures of it."""


@dataclass(frozen=True, slots=True)
class Application:
    """One application of slackwater: its settings, as an environment and as the code sees them."""

    environment: Mapping[str, str]
    settings: Settings
    home: Path

    @property
    def log(self) -> Path:
        """What its workers write."""
        return self.home / f"{self.settings.app_id}.log"

    def worker(self) -> Worker:
        """A worker, not started, with pages on a port of its own: `async with application.worker() as worker`."""
        environment = {**self.environment, "SLACKWATER_WEB_PORT": str(free_port())}
        return Worker(environment, load_settings(environment), self.log)


@dataclass(frozen=True, slots=True)
class Arena:
    """A running broker and a directory for the contestants. `sent` is what was sent, and `value_bytes` how many bytes
    its values have."""

    broker: KafkaBroker
    home: Path
    sent: Sent
    value_bytes: int

    @property
    def usage(self) -> int:
        """How many usage events there are."""
        return self.sent.records[InputTopic.USAGE]

    @property
    def end(self) -> int:
        """The moment (ms) of the last marker."""
        assert self.sent.last_at is not None
        return self.sent.last_at + SETTLE_MS


@asynccontextmanager
async def arena(load: Load) -> AsyncIterator[Arena]:
    """Start a broker and send the load. Raises `BrokerError` where no Kafka can run."""
    with tempfile.TemporaryDirectory(prefix="slackwater-bench-") as directory:
        home = Path(directory)
        async with KafkaBroker() as broker:
            settings = application(broker, home, "inputs").settings
            await topics.create(settings, roles=["input"])
            size = 0

            def weighed() -> Iterator[InputRecord]:
                nonlocal size
                for record in load.records():
                    size += len(record.value)
                    yield record

            sent = await send(weighed(), settings, settle_ms=SETTLE_MS)
            print(
                f"{sent.total:,} events of {size / sent.total:.0f} bytes, {load.accounts:,} accounts, {load.days} days",
                flush=True,
            )
            yield Arena(broker, home, sent, size)


def application(broker: KafkaBroker, home: Path, name: str, **settings: str) -> Application:
    """An application with topics of its own; the inputs are those that all share. `settings` are further ones."""
    (home / "slackwater.toml").touch()  # none of the user's own is to be read
    given = {
        "config": str(home / "slackwater.toml"),
        "brokers": broker.address,
        "app_id": name,
        **{f"topic_{topic}": f"{name}-{topic}" for topic in ("alerts", "health", "dead_letters")},
        "clock": "events",
        "state_dir": str(home / f"{name}-state"),
        "log_level": "WARNING",
        **settings,
    }
    environment = {f"SLACKWATER_{key.upper()}": value for key, value in given.items()}
    return Application(environment | compiled.environment(), load_settings(environment), home)


def bytes_on_broker(broker: KafkaBroker, topic: str) -> int:
    """What a topic's log takes, with all that the broker stores besides keys and values."""
    assert broker._home is not None
    files = (broker._home / "logs").glob(f"{topic}-*/*.log")
    return sum(file.stat().st_size for file in files if file.parent.name.removeprefix(f"{topic}-").isdigit())


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
