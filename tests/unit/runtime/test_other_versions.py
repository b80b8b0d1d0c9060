"""Another version's records and rows, and damaged state: a worker ends, and says in one line where it is."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from alerting.told_alerts import PREFIX
from schemas.codec import encode
from schemas.errors import StateError, VersionError
from schemas.parked_log import ParkedProgress, encode_parked
from schemas.shuffle import VERSION
from streams.detection.fleet_log import FleetLog, cut
from streams.detection.state import VERSION as STATE
from streams.runtime.deliver import Deliver
from streams.runtime.engagement import FLEET, PROGRESS, Engagement
from streams.runtime.metrics import Metrics
from streams.runtime.notify import Notify
from streams.runtime.parked_topic import Stored, by_partition
from streams.runtime.parts_of_past import PARTS
from streams.runtime.past import ROW
from streams.runtime.placing import PLACING, POSITION
from streams.runtime.settings import Settings
from streams.runtime.taken_in import TAKEN
from streams.runtime.task import StatefulTask, Task
from streams.runtime.tasks import Tasks
from tests.unit.alerting.samples import notification, transition
from tests.unit.runtime.fake_broker import FakeBroker, batch, tasks_on, until

SETTINGS = Settings(brokers="127.0.0.1:1", partitions=1, clock="events")
PARKED = f"of {SETTINGS.parked_topic}/0"


def newer(value: bytes) -> bytes:
    """A value of ours as the version after this one may write it."""
    assert b'"schema_version":1' in value
    return value.replace(b'"schema_version":1', b'"schema_version":2')


async def ended(stage: type[Task], topic: str, value: bytes) -> tuple[Exception, FakeBroker]:
    """The error that ends a task which reads a good batch and then this value; and what it wrote."""
    broker = FakeBroker()
    tasks, errors = tasks_on(broker, SETTINGS)
    tasks.origins = frozenset({"product-usage/0"})
    task = stage(TP(topic, 0), tasks)
    task.begin(await task.load({}, 0) if isinstance(task, (Engagement, Deliver)) else 0)
    task.handle(batch(0, [value]))
    await until(lambda: bool(errors))
    await task.end(patience=5)
    (error,) = errors
    return error, broker


@pytest.mark.parametrize(
    ("stage", "topic", "value", "says"),
    [
        (Engagement, SETTINGS.shuffle_topic, bytes([0xC1, VERSION + 1, 0x90]), "a shuffle record of version"),
        (Engagement, SETTINGS.shuffle_topic, bytes([0xC1, VERSION - 1, 0x90]), "a shuffle record of version"),
        (Notify, SETTINGS.topic("alerts"), newer(encode(transition())), "a transition of version 2"),
        (Deliver, SETTINGS.notifications_topic, newer(notification().encode()), "a message of version 2"),
    ],
)
async def test_a_record_of_another_version_ends_it_and_is_no_dead_letter(
    stage: type[Task], topic: str, value: bytes, says: str
) -> None:
    error, broker = await ended(stage, topic, value)
    assert isinstance(error, VersionError)
    assert f"at offset 0: {says}" in str(error)
    assert broker.topics[SETTINGS.topic("dead_letters")] == []
    assert broker.positions == {}


async def refuses(
    stage: type[StatefulTask], topic: str, rows: dict[bytes, bytes], kind: type[StateError], says: str
) -> None:
    """A task of this stage does not begin with these rows."""
    tasks, _ = tasks_on(FakeBroker(), SETTINGS)
    with pytest.raises(StateError, match=says) as raised:
        await stage(TP(topic, 0), tasks).load(rows, 0)
    assert raised.type is kind


def test_an_offer_of_another_version_is_told_with_its_offset() -> None:
    log = FleetLog(SETTINGS.detection())
    log.take(6, cut(1))
    with pytest.raises(VersionError, match="at offset 7: a record of the fleet's log of version 9"):
        log.take(7, b"fleet[9,0,1,null]")


@pytest.mark.parametrize(
    ("rows", "kind", "says"),
    [
        ({b"acme": b'[%d,null,"' % (STATE + 1)}, VersionError, f"the row of the account 'acme'.*version {STATE + 1}"),
        ({b"acme": b"nonsense"}, StateError, "the row of the account 'acme'.*damaged"),
        ({b"acme": b'[%d,null,"active|||","AAA"]' % STATE}, StateError, "the row of the account 'acme'.*damaged"),
        ({b"\xff": b"[]"}, StateError, "is no account's"),
        ({PROGRESS: b"[9,0,0,null,{}]"}, VersionError, "progress is of version 9"),
        ({PROGRESS: b"[]"}, StateError, "progress is damaged"),
        ({PROGRESS: b"\xff"}, StateError, "progress is damaged"),
        ({FLEET: b"[99]"}, VersionError, "stored fleet is of version 99"),
        ({FLEET: b"[6]"}, StateError, "stored fleet is damaged"),
        ({ROW: b"[7]"}, VersionError, "of the past, of version 7"),
        ({ROW: b"{"}, StateError, "of the past is damaged"),
    ],
)
async def test_engagement_refuses_rows_that_it_cannot_read(
    rows: dict[bytes, bytes], kind: type[StateError], says: str
) -> None:
    await refuses(Engagement, SETTINGS.shuffle_topic, rows, kind, says)


@pytest.mark.parametrize(
    ("rows", "kind", "says"),
    [
        ({b"default/0": b"[2,1]\n{}"}, VersionError, "'default/0' is of version 2"),
        ({b"default/0": b'[1,"aa",1,null,0,0,0]\n{"schema_version":2}'}, VersionError, "'default/0' has a message of"),
        ({b"~default/=acme": b"[3,1]"}, VersionError, "'~default/=acme' is of version 3"),
        ({PREFIX + b"default/aa": b"[2,1,null]"}, VersionError, "is of version 2"),
        ({TAKEN: b"{"}, StateError, "taken in are damaged"),
        ({PARTS: b"[7]"}, StateError, "parts of the past are damaged"),
        ({PARTS: b'["{}"]'}, StateError, "parts of the past are damaged"),
        ({PLACING: b"[3,[]]"}, VersionError, "handed over is of version 3"),
        ({PLACING: b"["}, StateError, "handed over is damaged"),
        ({POSITION: b"x@y"}, StateError, "position is damaged"),
    ],
)
async def test_deliver_refuses_rows_that_it_cannot_read(
    rows: dict[bytes, bytes], kind: type[StateError], says: str
) -> None:
    await refuses(Deliver, SETTINGS.notifications_topic, rows, kind, says)


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        (b"billing/0 7", b"\xc1\x02\x90", VersionError),
        (b"billing/0", b"\xc1\x02\x90", VersionError),
        (b"billing/0", b"\xc1\x01\x90", StateError),
        (b"billing/0", encode_parked(ParkedProgress("billing/1", 4, 5)), StateError),
    ],
)
def test_parked_rows_of_another_version_or_a_damaged_progress_are_told_with_offset_and_key(
    key: bytes, value: bytes, kind: type[StateError]
) -> None:
    with pytest.raises(StateError, match=f"offset 4 {PARKED}, the row '{key.decode()}': ") as raised:
        by_partition(SETTINGS, {key: Stored(4, 0, value)}, {"billing/0", "billing/1"})
    assert raised.type is kind


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (VersionError("at offset 5: a shuffle record of version 9"), "run the version of slackwater that wrote it"),
        (StateError("at offset 5: damaged"), "slackwater reset"),
    ],
)
async def test_the_worker_ends_at_once_with_the_place_and_what_to_do(error: StateError, remedy: str) -> None:
    told: list[BaseException] = []

    async def crash(reason: BaseException) -> None:
        told.append(reason)

    app: Any = SimpleNamespace(crash=crash)
    tasks = Tasks(app, SETTINGS, Metrics())
    task = Engagement(TP(SETTINGS.shuffle_topic, 3), tasks)
    tasks.by_tp[task.tp] = task
    tasks.failed(task, error)
    await asyncio.gather(*tasks._background)
    (reason,) = told
    assert type(reason) is type(error)
    changelog = f"{SETTINGS.app_id}-engagement-changelog/3"
    assert str(reason).startswith(f"engagement of {SETTINGS.shuffle_topic}/3 (its state is {changelog}): {error}; ")
    assert remedy in str(reason)
