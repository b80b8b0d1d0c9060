"""A node that cannot be connected to is left alone for longer and longer, and no longer than a second; a broker that is
away when a producer begins is waited for."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError

from streams.runtime import producer
from streams.runtime.producer import Producer


async def test_attempts_to_connect_are_further_and_further_apart_until_one_succeeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away, pauses = {1, 2}, list[float]()

    async def connect(self: AIOKafkaClient, node_id: int, **how: object) -> object:
        return None if node_id in away else self

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def ready(node: int, times: int) -> list[float]:
        """The pauses that so many attempts make."""
        pauses.clear()
        for _ in range(times):
            assert await made.client.ready(node) == (node not in away)
        return pauses.copy()

    monkeypatch.setattr(AIOKafkaClient, "_get_conn", connect)
    made = Producer(bootstrap_servers="127.0.0.1:1")
    monkeypatch.setattr(asyncio, "sleep", sleep)
    assert await ready(1, 7) == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert await ready(2, 2) == [0.05, 0.1]
    away.remove(1)
    assert await ready(1, 3) == []
    away.add(1)
    assert await ready(1, 2) == [0.05, 0.1]
    monkeypatch.undo()
    await made.stop()


async def test_a_broker_that_is_away_when_a_producer_begins_is_waited_for_as_long_as_that_is_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attempts = 0

    async def bootstrap(self: AIOKafkaClient) -> None:
        nonlocal attempts
        attempts += 1
        if attempts != 3:
            raise KafkaConnectionError("Unable to bootstrap")

    monkeypatch.setattr(AIOKafkaClient, "bootstrap", bootstrap)
    monkeypatch.setattr(producer, "LONGEST_PAUSE", 0.01)
    made = Producer(bootstrap_servers="127.0.0.1:1")
    await made.start()
    assert attempts == 3
    await made.stop()
    monkeypatch.setattr(producer, "START_SECONDS", 0.0)
    other = Producer(bootstrap_servers="127.0.0.1:1")
    with pytest.raises(KafkaConnectionError):
        await other.start()
    await other.stop()
