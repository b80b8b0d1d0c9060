"""What there is before a reset: the group, the input topics, the state, the outputs, the messages that wait."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from schemas.codec import decode
from schemas.errors import BrokerError, Rejected, StateError
from schemas.events import InputTopic
from streams.cli.reading import Samples, read_all, reader, sample
from streams.cli.reset.plan import Found, Input
from streams.detection.calendar import Calendar
from streams.detection.state import Account
from streams.runtime import group, topics
from streams.runtime.deliver import is_waiting
from streams.runtime.engagement import is_account
from streams.runtime.settings import Settings
from streams.runtime.writer import has_transactions

_TAIL: Final = 20
"""So many places before its end a partition is read, for the time of its last event: some may be marks."""


async def look(settings: Settings) -> Found:
    """Raises `BrokerError`, and `StartError` for a broker that refuses transactions, or topics that are missing or not
    as they have to be."""
    await topics.refuse_wrong(settings)
    members = await group.members(settings)
    existing = await topics.partition_counts(settings)
    inputs = await _inputs(settings, existing)
    log = topics.changelog(settings, topics.ENGAGEMENT)
    accounts, began, unreadable = await _state(settings) if log in existing else (0, None, 0)
    counts = {name: await _count(settings, name, existing) for name in ("alerts", "health", "dead_letters")}
    return Found(
        members=members,
        inputs=tuple(inputs),
        accounts=accounts,
        began_at=began,
        unreadable=unreadable,
        transitions=counts["alerts"],
        pictures=counts["health"],
        dead_letters=counts["dead_letters"],
        pending=await _pending(settings) if topics.changelog(settings, topics.DELIVERIES) in existing else {},
        exactly_once=await has_transactions(settings),
    )


async def _count(settings: Settings, name: str, existing: Mapping[str, int]) -> int:
    """Records of an output topic; of the pictures those that are the last of their account."""
    topic, count = settings.topic(name), 0
    last: set[tuple[int, bytes]] = set()
    if topic in existing:
        async for record in read_all(settings, topic):
            count += 1
            (last.discard if record.value is None else last.add)((record.partition, record.key))
    return len(last) if name == "health" else count


async def _inputs(settings: Settings, existing: dict[str, int]) -> list[Input]:
    consumer = reader(settings, "reset")
    try:
        await consumer.start()
        names = topics.input_names(settings)
        parts = [TopicPartition(name, number) for name in names for number in range(existing[name])]
        first, end = await consumer.beginning_offsets(parts), await consumer.end_offsets(parts)
        parts = [part for part in parts if first[part] < end[part]]
        heads = await sample(consumer, {part: first[part] for part in parts}, end, most=1)
        tails = await sample(consumer, {part: max(first[part], end[part] - _TAIL) for part in parts}, end)
        return [_input(name, topic, first, end, heads, tails) for name, topic in names.items()]
    except (KafkaError, OSError) as error:
        raise BrokerError(f"the input topics cannot be read at {settings.brokers}: {error!r}") from error
    finally:
        await consumer.stop()


def _input(
    name: str,
    topic: InputTopic,
    first: Mapping[TopicPartition, int],
    end: Mapping[TopicPartition, int],
    heads: Samples,
    tails: Samples,
) -> Input:
    parts = [part for part in first if part.topic == name]
    begun = {part: _times(heads.get(part, []), topic) for part in parts}
    return Input(
        topic=name,
        records=sum(end[part] - first[part] for part in parts),
        removed=sum(first[part] for part in parts),
        first_at=min((at for times in begun.values() for at in times), default=None),
        last_at=max((at for part in parts for at in _times(tails.get(part, []), topic)), default=None),
        complete_from=max((at for part, times in begun.items() if first[part] for at in times), default=None),
    )


def _times(records: list[ConsumerRecord], topic: InputTopic) -> list[int]:
    """The events' own times; a record's where an event cannot be read. Markers and tombstones have none."""
    return [_time(record, topic) for record in records if record.value]


def _time(record: ConsumerRecord, topic: InputTopic) -> int:
    event = decode(topic, record.value)
    if not isinstance(event, Rejected):
        for name in ("occurred_at", "updated_at", "at"):
            if isinstance(at := getattr(event, name, None), int):
                return at
    return int(record.timestamp)


async def _state(settings: Settings) -> tuple[int, int | None, int]:
    """Accounts, the start of the first day of activity, and how many accounts cannot be read."""
    calendar = Calendar(settings.timezone, settings.grace)
    last: dict[bytes, int | None] = {}
    unreadable: set[bytes] = set()
    async for record in read_all(settings, topics.changelog(settings, topics.ENGAGEMENT)):
        if not is_account(record.key):
            continue
        unreadable.discard(record.key)
        if record.value is None:
            last.pop(record.key, None)
            continue
        try:
            account = Account.decode(record.key.decode(errors="replace"), record.value)
            day = account.habit.first_day
            last[record.key] = day if day >= 0 else min(account.daily, default=None)
        except StateError:
            last[record.key] = None
            unreadable.add(record.key)
    first = min((day for day in last.values() if day is not None), default=None)
    return len(last), None if first is None else calendar.start_of(first), len(unreadable)


async def _pending(settings: Settings) -> dict[str, int]:
    """Messages that wait, by route; what is still gathered, and may come to nothing, is none yet."""
    waiting: dict[bytes, bytes | None] = {}
    async for record in read_all(settings, topics.changelog(settings, topics.DELIVERIES)):
        waiting[record.key] = record.value
    found: Counter[str] = Counter()
    for key, value in waiting.items():
        if value is not None and is_waiting(key):
            found[key.decode(errors="replace").rpartition("/")[0]] += 1  # whichever version wrote the row
    return dict(found)
