"""Accounts under several ids, through a broker and real workers, as the pure engine has them."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from schemas.errors import Reason
from schemas.events import InputTopic
from schemas.instants import format_instant, parse_instant
from streams.broker import Broker
from streams.cli.demo.worker import Worker
from streams.detection.config import DAY_MS, HOUR_MS
from streams.produce import InputRecord, send
from tests.e2e.harness import Application, application, eventually
from tests.e2e.same import same_as_the_pure_engine
from tests.scenarios.pure import run

BEGINS = parse_instant("2025-01-06T00:00:00Z")
DAYS = 60
Told = tuple[int, InputTopic, dict[str, Any]]


def update(day: float, account: str, **fields: object) -> Told:
    when = BEGINS + round(day * DAY_MS)
    return when, InputTopic.ACCOUNTS, {"account_id": account, "updated_at": format_instant(when), **fields}


def history() -> list[Told]:
    """Three accounts that are used under three more ids: one from the beginning, one that had usage of its own before,
    one that goes from account to account. The first stops, under both of its ids."""
    random, events = Random(3), list[Told]()
    for day in range(DAYS):
        for name in ("one", "crm-1", "two", "late", "three", "moves"):
            if name in {"one", "crm-1"} and day >= 40:
                continue
            for hour in (9, 11, 14):
                when = BEGINS + day * DAY_MS + hour * HOUR_MS + random.randrange(HOUR_MS)
                value = {"account_id": name, "event": "click", "occurred_at": format_instant(when), "user_id": "u"}
                events.append((when, InputTopic.USAGE, value))
    events += [
        update(0, "one", name="One", aliases=["crm-1"]),
        update(0, "three", name="Three", aliases=["moves", "two"]),
        update(0.1, "two", name="Two", aliases=["crm-1", "three"]),
        update(0.2, "two", aliases=[]),
        update(20.5, "two", aliases=["late", "moves"]),
        update(40.5, "two", aliases=["late"]),
        update(50.5, "three", aliases=None),
    ]
    failed = BEGINS + 30 * DAY_MS
    bill = {"type": "payment.failed", "invoice_id": "in", "amount_minor": 1, "currency": "EUR", "attempt": 1}
    events.append((failed, InputTopic.BILLING, {"account_id": "late", "occurred_at": format_instant(failed), **bill}))
    return sorted(events, key=lambda event: event[0])


@pytest.mark.slow
async def test_what_comes_under_an_alias_is_its_accounts(broker: Broker, tmp_path: Path) -> None:
    await _as_the_pure_engine_has_it(broker, tmp_path, killed=False)


@pytest.mark.slow
@pytest.mark.thorough
async def test_it_is_so_when_a_worker_is_killed_in_between(kafka: Broker, tmp_path: Path) -> None:
    await _as_the_pure_engine_has_it(kafka, tmp_path, killed=True)


async def _as_the_pure_engine_has_it(broker: Broker, tmp_path: Path, *, killed: bool) -> None:
    events, ends_at = history(), BEGINS + (DAYS + 1) * DAY_MS
    expected = run([(topic, value) for _, topic, value in events], until=ends_at)
    totals = {name: account.events_total for name, account in expected.accounts.items()}
    assert totals == {"one": 240, "two": 180 + 118 + 60, "late": 62, "three": 180 + 62 + 30, "moves": 28}
    app = await application(broker, tmp_path, create=True, partitions="4")
    records = [InputRecord(at, topic, value["account_id"], orjson.dumps(value)) for at, topic, value in events]
    if killed:
        await _killed_in_between(app, records)
    async with app.worker() as worker:
        await send(records if not killed else records[len(records) // 2 :], app.settings, settle_ms=2 * DAY_MS)
        await app.applied_until(ends_at, worker=worker, patience=90)
        await app.pictured(worker)
        metrics = await worker.metrics()
    assert (await app.pictures())["late"].alias_of == "two"
    await same_as_the_pure_engine(app, expected.transitions, totals, dead_letters=len(expected.refusals))
    assert metrics["slackwater_aliases"] == 2
    (letter,) = await app.dead_letters()
    assert (letter.reason, letter.field, letter.origin.topic) == (
        Reason.IMPOSSIBLE_ALIAS,
        "aliases",
        app.settings.topic("accounts"),
    )


async def _killed_in_between(app: Application, records: list[InputRecord]) -> None:
    async with app.worker() as worker:
        await send(records[: len(records) // 2], app.settings)
        await _begun(app)
        worker.process.kill()


async def _begun(app: Application) -> None:
    async def begun() -> bool:
        return await app.clock() > BEGINS

    await eventually(begun, "the first days are applied")


@pytest.mark.slow
async def test_a_file_of_accounts_makes_aliases_of_a_live_worker(embedded: Broker, tmp_path: Path) -> None:
    app = await application(embedded, tmp_path, create=True, clock="wall", flush="200ms")
    (tmp_path / "accounts.csv").write_text("account_id,name,aliases\none,One,cus_1|grp-1\n")
    (tmp_path / "bad.csv").write_text("account_id,seats\none,many\n")
    async with app.worker() as worker:
        refused = await app.slackwater("accounts", "import", str(tmp_path / "bad.csv"), check=False)
        assert refused.status == 1
        assert "line 2, column 'seats': must be a whole number" in refused.output
        looked = await app.slackwater("accounts", "import", str(tmp_path / "accounts.csv"), "--dry-run", "--json")
        assert orjson.loads(looked.output) == {"accounts": 1, "aliases": 2, "sent": False}
        await app.slackwater("accounts", "import", str(tmp_path / "accounts.csv"))
        await eventually(lambda: _aliases(worker, 2), "the aliases are known")
        (tmp_path / "usage.csv").write_text("who,day\ncus_1,2026-01-01\ngrp-1,2026-01-01\none,2026-01-02\n")
        await app.slackwater(
            "produce", str(tmp_path / "usage.csv"), "--account", "who", "--time", "day", "--no-markers"
        )

        async def counted() -> bool:
            return {name: each.engagement.events_total for name, each in (await app.pictures()).items()} == {"one": 3}

        await eventually(counted, "all of it is counted for the account")


async def _aliases(worker: Worker, count: int) -> bool:
    return (await worker.metrics()).get("slackwater_aliases") == count
