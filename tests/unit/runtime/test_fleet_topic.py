"""The fleet topic without a broker: nobody who posts or asks hears of an outage, and a worker can end all the same."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from faust.types import TP

from streams.runtime import fleet_topic
from streams.runtime.engagement import Engagement
from streams.runtime.fleet_topic import FleetTopic
from streams.runtime.holes import Holes
from streams.runtime.ingest import Ingest
from streams.runtime.settings import Settings
from tests.unit.runtime.fake_broker import FakeBroker, tasks_on, until

NOBODY = Settings(brokers="127.0.0.1:1")


def fleet_topic_of(settings: Settings = NOBODY) -> FleetTopic:
    return FleetTopic(settings, lambda: None)


def test_nothing_is_held_as_long_as_nobody_asks() -> None:
    assert fleet_topic_of().since(0) == []


def test_held_records_are_given_from_any_offset_on_though_offsets_have_gaps() -> None:
    fleet = fleet_topic_of()
    fleet._held = [(3, b"a"), (4, b"b"), (7, b"c")]
    assert fleet.since(0) == fleet.since(3) == [(3, b"a"), (4, b"b"), (7, b"c")]
    assert fleet.since(5) == fleet.since(7) == [(7, b"c")]
    assert fleet.since(8) == []


@pytest.mark.parametrize(("holes", "begins"), [(None, 1), (Holes(), 0)], ids=["Kafka", "the embedded broker"])
async def test_it_is_read_from_its_first_record_also_where_that_is_there_only_in_a_moment(
    holes: Holes | None, begins: int
) -> None:
    class Consumer:
        async def beginning_offsets(self, asked: list[TopicPartition]) -> dict[TopicPartition, int]:
            return dict.fromkeys(asked, 1)

    fleet, consumer = fleet_topic_of(), cast("Any", Consumer())
    fleet._holes = holes
    assert await fleet._earliest(consumer, 0) == begins


async def test_without_a_broker_posting_raises_nothing_asking_waits_and_each_is_logged_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_topic, "_PAUSE", 0.01)
    monkeypatch.setattr("streams.runtime.producer.START_SECONDS", 0.0)
    caplog.set_level(logging.INFO, fleet_topic.__name__)
    fleet = fleet_topic_of()
    attempts = 0
    keep = fleet._keep

    async def counted(work: object, what: str) -> None:
        async def each() -> None:
            nonlocal attempts
            attempts += 1
            await work()  # type: ignore[operator]

        await keep(each, what)

    monkeypatch.setattr(fleet, "_keep", counted)
    await fleet.start()
    fleet.post(b"a")
    held = asyncio.ensure_future(fleet.hold(0))
    await until(lambda: attempts > 6)
    assert not held.done()
    async with asyncio.timeout(5):
        await fleet.stop()
    with pytest.raises(asyncio.CancelledError):
        await held
    ours = [each for each in caplog.records if each.name == fleet_topic.__name__]
    said = sorted(each.getMessage().partition(" for now")[0] for each in ours)
    assert said == [f"slackwater-fleet cannot be {what}" for what in ("read", "written")]
    assert all(each.exc_info is None for each in ours)


async def test_what_is_wrong_with_the_program_is_logged_in_full_and_tried_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_topic, "_PAUSE", 0.01)
    fleet = fleet_topic_of()
    calls = 0

    async def broken() -> None:
        nonlocal calls
        calls += 1
        raise RuntimeError("a mistake")

    monkeypatch.setattr(fleet, "follow", broken)
    await fleet.start()
    await until(lambda: calls > 2)
    await fleet.stop()
    (said,) = [each for each in caplog.records if each.name == fleet_topic.__name__]
    assert said.exc_info is not None


async def test_news_of_the_fleet_wakes_the_home_tasks_and_no_others() -> None:
    tasks, _ = tasks_on(FakeBroker(), NOBODY)
    home, other = TP(NOBODY.shuffle_topic, 0), TP(NOBODY.topic("usage"), 0)
    tasks.by_tp = {home: Engagement(home, tasks), other: Ingest(other, tasks)}
    tasks.fleet.post(b"a")
    assert [tp for tp, task in tasks.by_tp.items() if task._wake.is_set()] == [home]
    assert tasks.fleet.since(0) == [(0, b"a")]
