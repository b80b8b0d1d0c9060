"""What a running worker does when a topic is not the one any more that it reads; and how it asks which one it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiokafka.protocol.metadata import MetadataRequest_v5

from schemas.errors import StartError
from streams.runtime import topic_ids, watch
from streams.runtime.settings import Settings
from streams.runtime.tasks import Tasks
from streams.runtime.topic_ids import NO_ID, TopicId, TopicIds
from tests.unit.runtime.fake_broker import FakeBroker, tasks_on, until

SETTINGS = Settings(brokers="127.0.0.1:1", partitions=2)
USAGE, SHUFFLE = SETTINGS.topic("usage"), SETTINGS.shuffle_topic
BEFORE = {USAGE: TopicId("A", 2), SHUFFLE: TopicId("S", 2)}


class Watched:
    """A worker's tasks, and the topics that there are."""

    def __init__(self) -> None:
        self.tasks: Tasks = tasks_on(FakeBroker(), SETTINGS)[0]
        self.there = dict(BEFORE)
        self.asked = self.rejoined = 0
        self.known = {USAGE: 2}
        self.crashes: list[Exception] = []
        self.thread = self
        self.tasks.topics = dict(BEFORE)
        self.tasks._assigned_at = 1.0
        self.tasks.topic_ids = self  # type: ignore[assignment]
        self.tasks.app.consumer = self  # type: ignore[assignment]
        self.tasks.app.crash = self.crash  # type: ignore[method-assign]

    async def ask(self) -> dict[str, TopicId]:
        self.asked += 1
        return self.there

    async def rejoin_knowing(self) -> None:
        self.rejoined += 1
        self.known = {name: topic.partitions for name, topic in self.there.items()}

    def known_partitions(self, topic: str) -> int:
        return self.known[topic]

    async def crash(self, reason: BaseException) -> None:
        assert isinstance(reason, Exception)
        self.crashes.append(reason)

    @asynccontextmanager
    async def looking(self, there: dict[str, TopicId]) -> AsyncIterator[None]:
        """Inside, a few looks have been taken at these topics."""
        self.there = there
        looks = asyncio.create_task(watch.watch(self.tasks))
        try:
            asked = self.asked
            await until(lambda: self.asked >= asked + 4 or looks.done())
            yield
        finally:
            looks.cancel()
            with suppress(asyncio.CancelledError):
                await looks


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    monkeypatch.setattr(watch, "SECONDS", 0.01)
    return Watched()


async def test_as_long_as_the_topics_stay_the_same_nothing_happens(watched: Watched) -> None:
    async with watched.looking(BEFORE):
        assert (watched.rejoined, watched.crashes) == (0, [])


async def test_a_group_that_was_dealt_out_without_a_topic_is_dealt_out_again(watched: Watched) -> None:
    watched.known = {USAGE: 0}
    async with watched.looking(BEFORE):
        assert (watched.rejoined, watched.crashes) == (1, [])


@pytest.mark.parametrize("now", [TopicId("B", 2), TopicId("A", 3)])
async def test_an_input_topic_that_is_another_one_is_begun_anew_once(watched: Watched, now: TopicId) -> None:
    async with watched.looking(BEFORE | {USAGE: now}):
        assert (watched.rejoined, watched.crashes) == (1, [])


async def test_an_input_topic_that_is_gone_is_waited_for(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    async with watched.looking({SHUFFLE: BEFORE[SHUFFLE]}):
        assert (watched.rejoined, watched.crashes) == (0, [])
    assert caplog.text.count(f"the input topic {USAGE} is gone") == 1
    async with watched.looking(BEFORE | {USAGE: TopicId("B", 2)}):
        assert watched.rejoined == 1


@pytest.mark.parametrize("now", [{}, {SHUFFLE: TopicId("T", 2)}])
async def test_an_internal_topic_that_is_gone_ends_the_worker(watched: Watched, now: dict[str, TopicId]) -> None:
    async with watched.looking({USAGE: BEFORE[USAGE]} | now):
        (error,) = watched.crashes
    assert isinstance(error, StartError)
    assert f"{SHUFFLE!r} was deleted" in str(error)


async def test_one_look_that_misses_an_internal_topic_is_not_believed(watched: Watched) -> None:
    answers = [BEFORE, {USAGE: BEFORE[USAGE]}]

    async def ask() -> dict[str, TopicId]:
        watched.asked += 1
        return answers[watched.asked % 2]

    watched.ask = ask  # type: ignore[method-assign]
    async with watched.looking(BEFORE):
        assert watched.crashes == []


async def test_one_question_serves_all_who_wait_and_none_who_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    questions = 0
    may_answer = asyncio.Event()

    async def ask(_: TopicIds) -> dict[str, TopicId]:
        nonlocal questions
        questions += 1
        number = questions
        await may_answer.wait()
        return {USAGE: TopicId(str(number), 1)}

    monkeypatch.setattr(TopicIds, "_ask", ask)
    ids = TopicIds(SETTINGS, [USAGE])
    first = asyncio.create_task(ids.ask())
    await until(lambda: questions == 1)
    later = [asyncio.create_task(ids.ask()) for _ in range(5)]
    await asyncio.sleep(0.01)
    may_answer.set()
    assert (await first)[USAGE].id == "1"
    assert {(await each)[USAGE].id for each in later} == {"2"}, "the first question was asked before they came"
    assert questions == 2


def test_a_broker_that_knows_no_ids_is_asked_as_aiokafka_asks() -> None:
    request = topic_ids.TopicsRequest([USAGE])
    assert type(request.prepare({3: (0, 9)})) is MetadataRequest_v5
    assert request.prepare({3: (0, 13)}).API_VERSION == 10
    old: Any = MetadataRequest_v5.RESPONSE_TYPE(0, [], "c", 1, [(0, USAGE, False, [(0, 0, 1, [], [], [])])])
    (topic,) = old.to_object()["topics"]
    assert topic_ids.as_topic(topic) == TopicId(NO_ID, 1)
