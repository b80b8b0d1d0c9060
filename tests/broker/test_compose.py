"""The Kafka of deploy/compose.yaml starts as it is described there, and gives exactly once."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from streams.broker import KafkaBroker
from streams.broker.ready import free_port
from tests.e2e.harness import application

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose.yaml"
NO_PROPERTIES = {"KAFKA_HEAP_OPTS"}


class ComposedKafka(KafkaBroker):
    """Apache Kafka with the properties that its image makes of the service's variables: without the prefix, in small
    letters, with dots. Ports and the folder are this machine's."""

    async def _launch(self, home: Path) -> None:
        service = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]["kafka"]
        variables = {name: value for name, value in service["environment"].items() if name not in NO_PROPERTIES}
        assert all(name.startswith("KAFKA_") and "__" not in name for name in variables)
        ports = {port: str(free_port()) for port in ("9092", "9093", "9094")}
        lines = [
            f"{name.removeprefix('KAFKA_').lower().replace('_', '.')}={value}" for name, value in variables.items()
        ]
        text = "\n".join(lines).replace("kafka:", "localhost:").replace(service_folder(service), str(home / "logs"))
        text = re.sub(r"(?<=:)\d{4}\b", lambda found: ports[found[0]], text)
        (home / "server.properties").write_text(text + "\n")
        self.address = f"localhost:{ports['9092']}"
        self.outside = f"localhost:{ports['9094']}"
        self._cluster = "4L6g3nShT-eMCtK--X86sw"
        await self._format(home)
        await self._run(home)


def service_folder(service: dict[str, list[str]]) -> str:
    """Where the volume is, which has to be where the broker writes."""
    (mount,) = service["volumes"]
    return mount.partition(":")[2]


async def test_a_worker_is_at_home_on_it(kafka_required: None, tmp_path: Path) -> None:
    # A session as the settings have it: this broker takes none that is as short as those of other tests.
    async with ComposedKafka() as broker:
        app = await application(
            broker, tmp_path, partitions="2", session_timeout="10s", heartbeat_interval="3s", rebalance_timeout="30s"
        )
        async with app.worker() as worker:
            assert (await worker.metrics())["slackwater_exactly_once"] == 1
        outside = await application(broker, tmp_path, create=False, brokers=broker.outside)
        await outside.slackwater("topics", "create")
