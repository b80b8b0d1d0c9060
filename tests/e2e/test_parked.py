"""Records that come before anybody knows whose they are, through a broker and real workers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from schemas.alerts import Kind
from schemas.errors import Reason
from schemas.events import InputTopic
from schemas.instants import format_instant, parse_instant
from streams.broker import Broker
from streams.detection.config import DAY_MS, HOUR_MS
from streams.produce import InputRecord, send
from tests.e2e.harness import Application, application, eventually
from tests.e2e.same import same_as_the_pure_engine
from tests.scenarios.pure import run

BEGINS = parse_instant("2025-01-06T00:00:00Z")
DAYS = 60
Told = tuple[int, InputTopic, dict[str, Any]]


def told(day: float, topic: InputTopic, account: str, **fields: object) -> Told:
    when = BEGINS + round(day * DAY_MS)
    time = "updated_at" if topic is InputTopic.ACCOUNTS else "occurred_at"
    return when, topic, {"account_id": account, time: format_instant(when), **fields}


def history() -> list[Told]:
    """An account that is used under its own id, and under a customer's that is known on the 20th day; a payment that
    fails under it before, and is still owed; a customer whom nobody ever names."""
    random, events = Random(5), list[Told]()
    for day in range(DAYS):
        for name in ("one", "cus_1", "cus_2", "other"):
            if name == "cus_2" and day > 10:
                continue
            for hour in (9, 11, 14):
                when = day + (hour * HOUR_MS + random.randrange(HOUR_MS)) / DAY_MS
                events.append(told(when, InputTopic.USAGE, name, event="click", user_id="u"))
    bill = {"invoice_id": "in", "amount_minor": 1, "currency": "EUR"}
    events += [
        told(15, InputTopic.BILLING, "cus_1", type="payment.failed", attempt=1, **bill),
        told(20, InputTopic.ACCOUNTS, "one", name="One", aliases=["cus_1"]),
        told(40, InputTopic.BILLING, "cus_1", type="payment.succeeded", **bill),
    ]
    return sorted(events, key=lambda event: event[0])


@pytest.mark.slow
async def test_what_waited_is_its_accounts_though_a_worker_is_killed(kafka: Broker, tmp_path: Path) -> None:
    events, ends_at = history(), BEGINS + (DAYS + 1) * DAY_MS
    expected = run([(topic, value) for _, topic, value in events], until=ends_at, park_ids=("cus_*",))
    totals = {name: account.events_total for name, account in expected.accounts.items()}
    assert totals == {"one": 360, "other": 180}
    assert expected.unknown == 33
    (unpaid,) = [each for each in expected.transitions if each.kind is Kind.PAYMENT_FAILED][:1]
    assert unpaid.account_id == "one"
    app = await application(kafka, tmp_path, create=True, park_ids="cus_*")
    records = [InputRecord(at, topic, value["account_id"], orjson.dumps(value)) for at, topic, value in events]
    some = next(number for number, record in enumerate(records) if record.at > BEGINS + 17 * DAY_MS)
    async with app.worker() as worker:
        await send(records[:some], app.settings)
        await app.applied_until(BEGINS + 10 * DAY_MS, worker=worker)
        worker.process.kill()
    async with app.worker() as worker:
        await send(records[some:], app.settings, settle_ms=2 * DAY_MS)
        await app.applied_until(ends_at, worker=worker, patience=90)
        await app.pictured(worker)
        metrics = await worker.metrics()
    await same_as_the_pure_engine(app, expected.transitions, totals, dead_letters=expected.unknown)
    letters = await app.dead_letters()
    assert {each.reason for each in letters} == {Reason.UNKNOWN_ACCOUNT}
    assert {orjson.loads(each.raw or b"")["account_id"] for each in letters} == {"cus_2"}
    waiting = {name: value for name, value in metrics.items() if name.startswith("slackwater_parked_records")}
    assert sum(waiting.values()) == 0, waiting


@pytest.mark.slow
async def test_live_an_import_lets_it_go_on_a_replay_what_found_no_room_and_a_reset_what_it_forgot(
    kafka: Broker, tmp_path: Path
) -> None:
    app = await application(kafka, tmp_path, clock="wall", flush="200ms", park_ids="cus_*", max_parked_records="20")
    today = datetime.now(tz=UTC).date()
    rows = "".join(
        f"{name},{today - timedelta(days=day)}\n" for day, name in enumerate(["one", *["cus_1"] * 4, "cus_9"], 1)
    )
    (tmp_path / "usage.csv").write_text(f"account_id,occurred_at\n{rows}")
    (tmp_path / "accounts.csv").write_text("account_id,aliases\none,cus_1\n")
    async with app.worker() as worker:
        await app.slackwater("produce", str(tmp_path / "usage.csv"), "--no-markers")
        await _counted(app, {"one": 1})
        await eventually(lambda: _turned_away(app, 2), "two of them find no room")
        await app.slackwater("accounts", "import", str(tmp_path / "accounts.csv"))
        await _counted(app, {"one": 3})
        await app.slackwater("dead-letters", "replay", "--reason", "unknown_account", "--yes")
        await _counted(app, {"one": 5})
        metrics = await worker.metrics()
    assert await _turned_away(app, 2)
    released = [value for name, value in metrics.items() if name.startswith("slackwater_events_released_total")]
    assert sum(released) == 2

    await app.slackwater("reset", "--yes")
    (tmp_path / "accounts.csv").write_text("account_id,aliases\none,cus_1|cus_9\n")
    async with app.worker():
        await _counted(app, {"one": 7})  # those that were sent again are there twice by now
        await app.slackwater("accounts", "import", str(tmp_path / "accounts.csv"))
        await _counted(app, {"one": 8})


async def _turned_away(app: Application, count: int) -> bool:
    return len(await app.dead_letters()) == count


async def _counted(app: Application, totals: dict[str, int]) -> None:
    async def counted() -> bool:
        return {name: each.engagement.events_total for name, each in (await app.pictures()).items()} == totals

    await eventually(counted, f"counted are {totals}", patience=90)
