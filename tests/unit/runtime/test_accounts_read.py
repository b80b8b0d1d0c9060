"""On the wall clock nobody goes by what was said of the accounts before they grew."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka import OffsetAndMetadata
from faust.types import TP

from schemas.alias_log import AliasRecord, Statement, encode_alias_record
from schemas.instants import format_instant, parse_instant
from schemas.shuffle import decode_shuffle
from streams.runtime import accounts_read
from streams.runtime.ingest import Ingest
from streams.runtime.settings import Settings
from streams.runtime.topic_ids import TopicId
from streams.runtime.writer import Record
from tests.unit.runtime.fake_broker import FakeBroker, batch, tasks_on, until

SETTINGS = Settings(brokers="127.0.0.1:1", partitions=1, clock="wall", flush="20ms")
USAGE, ACCOUNTS = (TP(SETTINGS.topic(name), 0) for name in ("usage", "accounts"))
NINE = parse_instant("2025-02-03T09:00:00Z")


class Site:
    """A worker that has the usage; somebody else has the accounts, of which there are some up to `end`. `earliest` is
    what retention has left of them, and `committed` how far they were read, by a topic with that id."""

    def __init__(self, *, committed: int | None, end: int, earliest: int = 0, of: str = "now") -> None:
        self.broker = FakeBroker()
        self.tasks, self.errors = tasks_on(self.broker, SETTINGS)
        self.tasks.origins = frozenset(f"{tp.topic}/{tp.partition}" for tp in (USAGE, ACCOUNTS))
        self.tasks.topics = {ACCOUNTS.topic: TopicId("now", 1)}
        self.tasks._ends = {USAGE: 0, ACCOUNTS: end}
        self.tasks.app._consumer = self.thread = self  # type: ignore[assignment]
        self.group = {} if committed is None else {ACCOUNTS: OffsetAndMetadata(committed, f"@{of}")}
        self._earliest = {USAGE: 0, ACCOUNTS: earliest}
        self.task = Ingest(USAGE, self.tasks)
        self.tasks.by_tp = {USAGE: self.task}

    async def committed(self, asked: list[TP]) -> dict[TP, OffsetAndMetadata]:
        return {tp: self.group[tp] for tp in asked if tp in self.group}

    async def earliest_offsets(self, *asked: TP) -> dict[TP, int]:
        return {tp: self._earliest[tp] for tp in asked}

    async def say(self, last: int, *statements: Statement) -> None:
        """The partition is at its end."""
        value = encode_alias_record(AliasRecord("accounts/0@now", last, NINE, True, statements))
        await self.broker.write([Record(SETTINGS.alias_topic, 0, None, value)], None)

    async def begin(self) -> None:
        """The usage task begins, and reads an event of an id."""
        consumer: Any = self
        await self.tasks.positions(consumer)
        value = f'{{"account_id":"x","event":"open","occurred_at":"{format_instant(NINE)}"}}'.encode()
        self.task.handle(batch(0, [value], timestamp=NINE))

    @property
    def dealt(self) -> list[str]:
        """Accounts of the events in the shuffle."""
        records = [decode_shuffle(each.value or b"") for each in self.broker.topics[SETTINGS.shuffle_topic]]
        return [event.account for record in records for event in record.events]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts_read, "PAUSE", 0.02)


@pytest.mark.parametrize("committed", [None, 5])
async def test_an_id_that_is_named_while_the_worker_was_away_is_not_taken_for_an_account(committed: int | None) -> None:
    site = Site(committed=committed, end=8)
    await site.say(4)  # by the worker before
    await site.begin()
    await until(lambda: site.task.held_up)
    site.group[ACCOUNTS] = OffsetAndMetadata(7, "@now")
    await asyncio.sleep(0.1)
    assert site.dealt == []
    await site.say(7, Statement(7, NINE, "umbrella", NINE, ("x",)))
    site.group[ACCOUNTS] = OffsetAndMetadata(8, "@now")
    await until(lambda: site.dealt == ["umbrella"])
    await site.task.end(patience=5)
    assert site.errors == []


@pytest.mark.parametrize(
    "there",
    [
        pytest.param({"committed": 8, "end": 8}, id="all is read"),
        pytest.param({"committed": None, "end": 0}, id="there is nothing"),
        pytest.param({"committed": None, "end": 8, "earliest": 8}, id="nothing is left"),
        pytest.param({"committed": 5, "end": 8, "earliest": 8}, id="nothing is left of what was not read"),
        pytest.param({"committed": 9, "end": 0, "of": "before"}, id="created anew, and nothing in it"),
    ],
)
async def test_where_nothing_is_left_to_be_read_nobody_waits(there: dict[str, Any]) -> None:
    site = Site(**there)
    await site.say(4)
    await site.begin()
    await until(lambda: site.dealt == ["x"])
    assert site.tasks.accounts._watching is None
    await site.task.end(patience=5)


async def test_what_was_read_of_a_topic_of_before_says_nothing_of_the_one_that_is_there() -> None:
    site = Site(committed=9, end=8, of="before")
    await site.say(4)
    await site.begin()
    await until(lambda: site.task.held_up)
    assert site.tasks.aliases.known.unread == {"accounts/0"}
    watching = site.tasks.accounts._watching
    await site.tasks.release()
    assert watching is not None
    await until(watching.cancelled)


@pytest.mark.parametrize(("clock", "missing"), [("events", ()), ("wall", ("accounts",))])
def test_of_a_topic_that_is_gone_and_where_places_decide_nothing_is_asked(clock: str, missing: tuple[str, ...]) -> None:
    tasks, _ = tasks_on(FakeBroker(), SETTINGS.model_copy(update={"clock": clock}))
    tasks.origins, tasks.missing = frozenset({"accounts/0"}), frozenset(missing)
    assert tasks.accounts.partitions == []
