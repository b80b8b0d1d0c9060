"""What a broker can promise is said wherever somebody may look: in the log, in `check`, and on a metric."""

import asyncio
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from streams.broker import Broker, KafkaBroker
from tests.e2e.harness import application, eventually

# What is promised differs, so that both are asked in `make test`.
pytestmark = pytest.mark.parametrize(
    "broker", ["embedded", pytest.param("kafka", marks=pytest.mark.kafka)], indirect=True
)


async def test_exactly_once_or_at_least_once_is_told_at_start_in_check_and_on_a_metric(
    broker: Broker, tmp_path: Path
) -> None:
    exact = isinstance(broker, KafkaBroker)
    app = await application(broker, tmp_path)
    async with app.worker() as worker:
        checked = (await app.slackwater("check")).output
        assert ("promise:   exactly once" in checked) == exact, checked
        assert ("promise:   at least once: this broker has no transactions" in checked) == (not exact), checked
        assert "1 worker: " in checked
        assert "FAILURE" not in checked
        assert (await worker.metrics())["slackwater_exactly_once"] == exact
        assert ("this broker has no transactions" in worker.process.output_tail(50)) == (not exact)


async def test_whatever_many_write_at_once_is_read(broker: Broker, tmp_path: Path) -> None:
    """The embedded broker hands out records before the one in front of them is there; none is passed over."""
    app = await application(broker, tmp_path, clock="wall")
    writers, each, topic = 12, 150, app.settings.topic("usage")

    async def tell(account: int) -> None:
        event = {"account_id": f"account {account}", "event": "export", "occurred_at": "2025-01-06T10:00:00Z"}
        async with AIOKafkaProducer(bootstrap_servers=app.settings.brokers, linger_ms=0) as producer:
            for _ in range(each):
                await producer.send_and_wait(topic, orjson.dumps(event), partition=0)

    async with app.worker() as worker:
        await asyncio.gather(*(tell(account) for account in range(writers)))

        async def read() -> bool:
            counted = f'slackwater_events_total{{topic="{topic}",type="usage"}}'
            return (await worker.metrics()).get(counted) == writers * each

        await eventually(read, "all of it is read")
