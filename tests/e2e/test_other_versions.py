"""A worker that comes upon what another version wrote, or upon damage, ends by itself with one line that says where."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from schemas.alias_log import VERSION as ALIASES
from schemas.shuffle import VERSION as SHUFFLE
from streams.broker import KafkaBroker
from streams.runtime import topics
from tests.e2e.harness import application


@pytest.mark.parametrize(
    ("suffix", "key", "value", "says"),
    [
        ("shuffle", None, bytes([0xC1, SHUFFLE + 1, 0x90]), f"at offset 0: a shuffle record of version {SHUFFLE + 1}"),
        ("aliases", None, bytes([0xC1, ALIASES + 1, 0x90]), f"a record on aliases of version {ALIASES + 1}"),
        ("engagement-changelog", b"acme", b"damaged", "the row of the account 'acme': it is damaged"),
    ],
)
async def test_it_ends_with_one_line_that_says_where_and_what_to_do(
    kafka: KafkaBroker, tmp_path: Path, suffix: str, key: bytes | None, value: bytes, says: str
) -> None:
    app = await application(kafka, tmp_path, partitions="1")
    await topics.create(app.settings)
    topic = f"{app.settings.app_id}-{suffix}"
    async with AIOKafkaProducer(bootstrap_servers=kafka.address) as producer:
        await producer.send_and_wait(topic, value, key, partition=0)
    async with app.command("worker") as process:
        status = await process.wait(patience=90)
        output = process.output_tail(10_000)
    assert status == 1, output
    last = output.splitlines()[-1]
    assert last.startswith("slackwater: "), output
    assert says in last, output
    assert topic in last, output
    assert "Roll back" in last or "slackwater reset" in last, output
