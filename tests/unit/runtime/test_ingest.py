"""What ingest makes of time: of records that say they come from the future."""

from __future__ import annotations

from time import time

import pytest
from faust.types import TP

from schemas.dead_letter import DeadLetter
from schemas.errors import Reason
from schemas.instants import format_instant
from streams.runtime.ingest import Ingest
from streams.runtime.settings import Settings
from tests.unit.runtime.fake_broker import FakeBroker, batch, tasks_on, until

DAY_MS = 86_400_000


def usage(at: int) -> bytes:
    return f'{{"account_id":"a","event":"x","occurred_at":"{format_instant(at)}"}}'.encode()


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
