"""What ingest makes of records: of those that say they come from the future, and of foreign formats."""

from __future__ import annotations

import json
from time import time

import pytest
from faust.types import TP

from schemas.dead_letter import DeadLetter
from schemas.errors import Reason
from schemas.instants import format_instant
from schemas.shuffle import decode_shuffle
from streams.runtime.ingest import Ingest
from streams.runtime.settings import Settings
from tests.unit.formats.making import invoice, segment, stripe, subscription
from tests.unit.runtime.fake_broker import FakeBroker, batch, tasks_on, until

DAY_MS = 86_400_000


def usage(at: int, event: str = "x") -> bytes:
    return f'{{"account_id":"a","event":"{event}","occurred_at":"{format_instant(at)}"}}'.encode()


@pytest.mark.parametrize(("clock", "refused"), [("wall", True), ("events", False)])
async def test_what_is_live_cannot_come_from_the_future_whatever_its_record_says(clock: str, refused: bool) -> None:
    settings = Settings(brokers="127.0.0.1:1", partitions=1, clock=clock)
    broker = FakeBroker()
    tasks, errors = tasks_on(broker, settings)
    tp = TP(settings.topic("usage"), 0)
    task = Ingest(tp, tasks)
    task.restore("")
    task.begin(0)
    ahead = int(time() * 1000) // 1000 * 1000 + 400 * DAY_MS
    task.handle(batch(0, [usage(ahead)], timestamp=ahead))
    await until(lambda: broker.positions.get(tp) == 1)
    await task.end(patience=5)
    assert errors == []
    letters = [
        DeadLetter.model_validate_json(each.value or b"") for each in broker.topics[settings.topic("dead_letters")]
    ]
    assert [each.reason for each in letters] == ([Reason.TIME_IN_FUTURE] if refused else [])
    assert task.origin is not None
    assert (task.origin.clock is None or task.origin.clock < ahead - DAY_MS) is refused


async def test_what_does_not_count_is_no_dead_letter_and_is_counted_by_its_setting() -> None:
    settings = Settings(brokers="127.0.0.1:1", partitions=1, exclude_events=("beat",))
    broker = FakeBroker()
    tasks, errors = tasks_on(broker, settings)
    topic = settings.topic("usage")
    task = Ingest(TP(topic, 0), tasks)
    task.restore("")
    task.begin(0)
    at = int(time() * 1000) // 1000 * 1000 - DAY_MS
    slow = usage(at, "beat").replace(b"}", b', "other": 1}')  # not written as nearly all are
    task.handle(batch(0, [usage(at), usage(at, "beat"), slow], timestamp=at))
    await until(lambda: broker.positions.get(task.tp) == 3)
    await task.end(patience=5)
    assert errors == []
    assert not broker.topics[settings.topic("dead_letters")]
    (shuffled,) = [decode_shuffle(each.value or b"") for each in broker.topics[settings.shuffle_topic]][:1]
    assert [each.event for each in shuffled.events] == ["x"]  # type: ignore[union-attr]
    told = tasks.metrics.registry.get_sample_value
    assert told("slackwater_events_excluded_total", {"topic": topic, "setting": "exclude_events"}) == 2
    assert told("slackwater_events_total", {"topic": topic, "type": "usage"}) == 3


async def test_a_foreign_topic_gives_events_dead_letters_and_counts_of_what_says_nothing() -> None:
    settings = Settings(brokers="127.0.0.1:1", partitions=1, format_billing="stripe", clock="events")
    broker = FakeBroker()
    tasks, errors = tasks_on(broker, settings)
    topic = settings.topic("billing")
    task = Ingest(TP(topic, 0), tasks)
    task.restore("")
    task.begin(0)
    cancelled = subscription(cancel_at_period_end=True)
    events = [
        stripe("customer.subscription.updated", cancelled, {"cancel_at_period_end": False}),
        stripe("charge.failed", {}),
        stripe("invoice.voided", invoice(id=None)),
    ]
    task.handle(batch(0, [json.dumps(each).encode() for each in events], timestamp=1_740_830_400_000))
    await until(lambda: broker.positions.get(task.tp) == 3)
    await task.end(patience=5)
    assert errors == []
    (shuffled,) = [decode_shuffle(each.value or b"") for each in broker.topics[settings.shuffle_topic]][:1]
    assert [(each.offset, each.body.type) for each in shuffled.events] == [  # type: ignore[union-attr]
        (0, "subscription.updated"),
        (0, "subscription.cancel_scheduled"),
    ]
    (letter,) = broker.topics[settings.topic("dead_letters")]
    assert DeadLetter.model_validate_json(letter.value or b"").field == "data.object.id"
    told = tasks.metrics.registry.get_sample_value
    assert told("slackwater_events_ignored_total", {"topic": topic, "reason": "other_type"}) == 1
    assert told("slackwater_events_total", {"topic": topic, "type": "subscription.cancel_scheduled"}) == 1


async def test_a_topic_of_all_formats_reads_cloudevents_by_their_headers() -> None:
    settings = Settings(brokers="127.0.0.1:1", partitions=1, format_usage="auto", clock="events")
    broker = FakeBroker()
    tasks, errors = tasks_on(broker, settings)
    task = Ingest(TP(settings.topic("usage"), 0), tasks)
    task.restore("")
    task.begin(0)
    at = 1_740_830_400_000
    values = [usage(at), json.dumps(segment(event="y")).encode(), b'{"account_id": "a"}']
    fetched = batch(0, values, timestamp=at)
    about = {"specversion": "1.0", "id": "1", "source": "/s", "type": "z", "time": format_instant(at)}
    fetched.records[2].headers = [(f"ce_{name}", text.encode()) for name, text in about.items()]
    task.handle(fetched)
    await until(lambda: broker.positions.get(task.tp) == 3)
    await task.end(patience=5)
    assert errors == []
    assert not broker.topics[settings.topic("dead_letters")]
    (shuffled,) = [decode_shuffle(each.value or b"") for each in broker.topics[settings.shuffle_topic]][:1]
    assert [each.event for each in shuffled.events] == ["x", "y", "z"]  # type: ignore[union-attr]


@pytest.mark.parametrize("clock", ["wall", "events"])
@pytest.mark.parametrize("timestamp", [-1, 0, 1, 631_151_999_999, 4_102_444_800_000, 2**62])
async def test_a_record_that_cannot_be_read_is_a_dead_letter_whatever_its_timestamp(clock: str, timestamp: int) -> None:
    settings = Settings(brokers="127.0.0.1:1", partitions=1, clock=clock)
    broker = FakeBroker()
    tasks, errors = tasks_on(broker, settings)
    task = Ingest(TP(settings.topic("usage"), 0), tasks)
    task.restore("")
    task.begin(0)
    before = int(time() * 1000)
    task.handle(batch(0, [b"{", usage(before)], timestamp=timestamp))
    await until(lambda: bool(errors) or broker.positions.get(task.tp) == 2)
    await task.end(patience=5)
    assert errors == []
    letters = broker.topics[settings.topic("dead_letters")]
    first = DeadLetter.model_validate_json(letters[0].value or b"")
    assert first.reason is Reason.NOT_JSON
    assert first.at >= before


async def test_a_live_record_without_a_timestamp_is_not_from_later_than_it_is_read() -> None:
    settings = Settings(brokers="127.0.0.1:1", partitions=1, clock="wall")
    broker = FakeBroker()
    tasks, errors = tasks_on(broker, settings)
    task = Ingest(TP(settings.topic("usage"), 0), tasks)
    task.restore("")
    task.begin(0)
    present, ahead = int(time() * 1000), 3_155_760_000_000
    fetched = batch(0, [usage(ahead), usage(ahead), usage(present)], timestamp=-1)
    fetched.records[1].headers = [("trace", b"1")]  # read with more care
    task.handle(fetched)
    await until(lambda: bool(errors) or broker.positions.get(task.tp) == 3)
    await task.end(patience=5)
    assert errors == []
    letters = [
        DeadLetter.model_validate_json(each.value or b"") for each in broker.topics[settings.topic("dead_letters")]
    ]
    assert [(each.origin.offset, each.reason) for each in letters] == [
        (0, Reason.TIME_IN_FUTURE),
        (1, Reason.TIME_IN_FUTURE),
    ]
    assert all(present <= each.at < ahead for each in letters)
