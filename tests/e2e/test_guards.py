"""Guards through a broker and a real worker: homes agree on each source's days, and say what the pure engine says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from schemas.alerts import Change, Kind
from schemas.events import InputTopic
from schemas.instants import format_instant
from streams.broker import Broker
from streams.detection.stall import FLEET_ID
from streams.produce import InputRecord, send
from tests.e2e.harness import application
from tests.e2e.same import same_as_the_pure_engine
from tests.scenarios.pure import run

DAY_MS = 86_400_000
START = 20_089 * DAY_MS
DAYS = 46
DEAD = range(36, 41)

Told = tuple[int, InputTopic, dict[str, Any]]


def usage() -> Iterator[Told]:
    """Two hundred accounts, of which a third lives on a source that is dead for five days; two of them leave then."""
    random = Random(7)
    for day in range(DAYS):
        for number in range(200):
            source = "mobile" if number % 3 == 0 else "product"
            if (day in DEAD and source == "mobile") or (day >= DEAD.start and number in (0, 3)):
                continue
            for each in range(4):
                at = START + day * DAY_MS + random.randrange(9 * 3_600_000, 18 * 3_600_000)
                if random.random() < 0.8:
                    event_id = f"{day}-{number}-{each}"
                    names = {"account_id": f"acct-{number}", "event": "x", "event_id": event_id, "source": source}
                    yield at, InputTopic.USAGE, names | {"occurred_at": format_instant(at)}


def command() -> Told:
    at = START + (DEAD.start + 3) * DAY_MS
    names = {"command_id": "c-1", "account_id": FLEET_ID, "by": "ana", "command": "acknowledge"}
    return at, InputTopic.COMMANDS, names | {"kind": "telemetry_stalled", "at": format_instant(at)}


@pytest.mark.slow
async def test_a_dead_source_is_named_acknowledged_and_excuses_who_lives_on_it(broker: Broker, tmp_path: Path) -> None:
    events = sorted([*usage(), command()], key=lambda each: each[0])
    ends_at = START + DAYS * DAY_MS + 2 * 3_600_000
    expected = run([(topic, value) for _, topic, value in events], until=ends_at)
    of_fleet = [each for each in expected.transitions if each.account_id == FLEET_ID]
    assert [each.change for each in of_fleet] == [Change.OPENED, Change.ACKNOWLEDGED, Change.RESOLVED]
    assert of_fleet[0].kind is Kind.TELEMETRY_STALLED
    assert of_fleet[0].reasons[0].values["source"] == "mobile"
    assert {each.account_id for each in expected.transitions} <= {FLEET_ID, "acct-0", "acct-3"}

    app = await application(broker, tmp_path)
    records = [InputRecord(at, topic, value["account_id"], orjson.dumps(value)) for at, topic, value in events]
    async with app.worker() as worker:
        await send(records, app.settings, settle_ms=ends_at - events[-1][0])
        await app.applied_until(ends_at, worker=worker, patience=120)
        metrics = await worker.metrics()
        assert metrics["slackwater_telemetry_stalled"] == 0
        assert metrics['slackwater_fleet_factor{source="mobile"}'] == pytest.approx(1.0, abs=0.25)
    totals = {name: account.events_total for name, account in expected.accounts.items()}
    assert await same_as_the_pure_engine(app, expected.transitions, totals) >= 3
