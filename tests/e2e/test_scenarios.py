"""The stories of tests/scenarios through a broker and a real worker: it says what the pure engine says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.events import InputTopic
from streams.broker import Broker
from streams.produce import InputRecord, send
from tests.e2e.harness import application
from tests.e2e.same import same_as_the_pure_engine
from tests.scenarios.pure import run
from tests.scenarios.stories import SETTINGS, STORIES

Told = tuple[int, InputTopic, dict[str, Any]]


def all_stories() -> tuple[list[Told], int]:
    """Every story's events under account ids of its own, by time, and the time at which the last story has ended."""
    events: list[Told] = []
    ends_at = 0
    for number, tell in enumerate(STORIES):
        story = tell()
        ends_at = max(ends_at, story.ends_at)
        for each in story.told():
            account = f"{number}-{each.value['account_id']}"
            events.append((each.at, each.topic, {**each.value, "account_id": account}))
    return sorted(events, key=lambda event: event[0]), ends_at


@pytest.mark.slow
async def test_all_stories_at_once_go_as_on_the_pure_engine(broker: Broker, tmp_path: Path) -> None:
    events, ends_at = all_stories()
    expected = run([(topic, value) for _, topic, value in events], until=ends_at)
    app = await application(broker, tmp_path, create=True, **SETTINGS)
    records = [InputRecord(at, topic, value["account_id"], orjson.dumps(value)) for at, topic, value in events]
    async with app.worker() as worker:
        await send(records, app.settings, settle_ms=ends_at - events[-1][0])
        await app.applied_until(ends_at, worker=worker, patience=90)
    totals = {name: account.events_total for name, account in expected.accounts.items()}
    await same_as_the_pure_engine(app, expected.transitions, totals)
