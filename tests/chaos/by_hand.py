"""What somebody does to input topics by hand, and what of their records can be read afterwards."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from alerting.notification import Notice, Notification, decode_note
from schemas.shuffle import decode_shuffle
from streams.cli.reading import read_all
from streams.produce.sender import MARKER
from streams.runtime.topic_ids import TopicIds
from tests.chaos.harness import Chaos
from tests.chaos.removed import Removed
from tests.e2e.harness import Application, eventually
from tests.e2e.test_losses import Admin, ends_of

_PATIENCE: Final = 90.0


async def create_anew(chaos: Chaos, role: str, *, all_read: bool) -> None:
    """Delete an input topic and create it again, while nothing is sent to it. With `all_read` a worker has to have
    read all of it before."""
    app = chaos.app
    name = app.settings.topic(role)
    async with chaos.sending.held(name), Admin(app) as admin:
        if all_read:
            await _all_read(app, admin, name)
        ends = await ends_of(app, name)
        chaos.removed.append(await _removed(app, admin, name, {tp.partition: end for tp, end in ends.items()}))
        await admin.delete(name)
        await asyncio.sleep(chaos.random.choice([0.0, 0.0, 5.0]))
        await admin.create(name, partitions=app.settings.partitions)


async def shorten(chaos: Chaos, role: str) -> None:
    """Remove records from the beginning of an input topic's partitions, some of them or all."""
    app = chaos.app
    name = app.settings.topic(role)
    async with chaos.sending.held(name), Admin(app) as admin:
        ends = {tp.partition: end for tp, end in (await ends_of(app, name)).items()}
        firsts = {tp.partition: first for tp, first in (await ends_of(app, name, beginning=True)).items()}
        until = {
            partition: end if chaos.random.random() < 0.6 else chaos.random.randint(firsts[partition], end)
            for partition, end in ends.items()
        }
        chaos.removed.append(await _removed(app, admin, name, until))
        await admin.client.delete_records(
            {TopicPartition(name, partition): RecordsToDelete(first) for partition, first in until.items()}
        )


async def _removed(app: Application, admin: Admin, name: str, until: Mapping[int, int]) -> Removed:
    """What is about to be removed."""
    ids = TopicIds(app.settings, [name])
    topic = (await ids.ask())[name]
    await ids.close()
    read = await _read(app, admin, name)
    records = {
        (f"{name}/{record.partition}", record.offset): record.value
        async for record in read_all(app.settings, name)
        if record.offset < until[record.partition] and all(key != MARKER for key, _ in record.headers)
    }
    return Removed(name, topic.id, records, {f"{name}/{partition}": at for partition, at in read.items()})


async def _all_read(app: Application, admin: Admin, name: str) -> None:
    ends = {tp.partition: end for tp, end in (await ends_of(app, name)).items()}

    async def read() -> bool:
        return await _read(app, admin, name) == ends

    await eventually(read, f"{name} is read to its end", patience=_PATIENCE)


async def _read(app: Application, admin: Admin, name: str) -> dict[int, int]:
    """The group's positions."""
    parts = [TopicPartition(name, number) for number in range(app.settings.partitions)]
    found = await admin.client.list_consumer_group_offsets(app.settings.app_id, partitions=parts)
    return {tp.partition: max(each.offset, 0) for tp, each in found.items()}


async def notices(app: Application, title: str) -> list[Notice]:
    """The messages of slackwater itself with a title, as they were written to be sent."""
    found = [decode_note(each.value) async for each in read_all(app.settings, app.settings.notifications_topic)]
    return [each for each in found if isinstance(each, Notice) and each.title == title]


async def told(app: Application) -> Counter[tuple[str, int]]:
    """Which transitions somebody was to be told of, by alert and revision."""
    found = [decode_note(each.value) async for each in read_all(app.settings, app.settings.notifications_topic)]
    return Counter(
        (each.transition.alert_id, each.transition.revision) for each in found if isinstance(each, Notification)
    )


async def origins(app: Application, home: int) -> Iterator[str]:
    """The origins that a home partition has heard from, each once, in their order."""
    records = [record async for record in read_all(app.settings, app.settings.shuffle_topic)]
    return iter(dict.fromkeys(decode_shuffle(each.value).origin for each in records if each.partition == home))
