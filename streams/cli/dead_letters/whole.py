"""Dead letters of what was turned away at an account's home, with the record itself.

The shuffle carries an event, and neither the record's key nor who did it nor which id it had. So such a letter holds
the event as it was understood; to send it again, its record is read where it stands, as long as it is there.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from time import monotonic
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas.dead_letter import DeadLetter, RecordHeader
from schemas.errors import BrokerError, Reason
from schemas.events import moment
from schemas.formats.reader import read
from streams.cli.reading import committed, ends_of
from streams.runtime.settings import Settings
from streams.runtime.topics import input_names

AT_HOME: Final = frozenset({Reason.TOO_MANY_ACCOUNTS, Reason.IMPOSSIBLE_COMMAND})
"""Reasons that are found out at the account's home."""
_FAR: Final = 1_000
"""Offsets that are rather jumped over than read."""
_PATIENCE: Final = 10.0
_POLL_MS: Final = 200


async def made_whole(settings: Settings, letters: Sequence[DeadLetter]) -> tuple[list[DeadLetter], int]:
    """The letters in their order, with value, key and headers of their records; and how many of those are no longer
    where they stood. These letters stay as they are. Raises BrokerError."""
    inputs = input_names(settings)
    wanted: defaultdict[str, dict[TopicPartition, set[int]]] = defaultdict(lambda: defaultdict(set))
    for each in letters:
        if each.reason in AT_HOME and each.origin.topic in inputs:
            place = each.origin
            wanted[place.topic][TopicPartition(place.topic, place.partition)].add(place.offset)
    records: dict[tuple[str, int, int], ConsumerRecord] = {}
    for topic, parts in wanted.items():
        async with committed(settings, topic) as consumer:
            for part in parts.keys() & consumer.assignment():
                async for record in _records(consumer, part, parts[part]):
                    records[topic, record.partition, record.offset] = record
    whole, gone = [], 0
    for each in letters:
        found = records.get((each.origin.topic, each.origin.partition, each.origin.offset))
        if found is not None and _is_of(settings, found, each):
            headers = tuple(RecordHeader(name=name, value=value) for name, value in found.headers) or None
            whole.append(each.model_copy(update={"raw": found.value, "key": found.key, "headers": headers}))
        else:
            whole.append(each)
            gone += each.reason in AT_HOME
    return whole, gone


async def _records(
    consumer: AIOKafkaConsumer, part: TopicPartition, offsets: Collection[int]
) -> AsyncIterator[ConsumerRecord]:
    """Those of a partition at these offsets, as far as they are there."""
    first, end = (await consumer.beginning_offsets([part]))[part], (await ends_of(consumer, [part]))[part]
    left = sorted((each for each in offsets if first <= each < end), reverse=True)
    consumer.assign([part])
    at, deadline = -_FAR - 1, monotonic() + _PATIENCE
    while left:
        if left[-1] - at > _FAR:
            consumer.seek(part, left[-1])
        for record in (await consumer.getmany(part, timeout_ms=_POLL_MS)).get(part, ()):
            if record.offset in offsets:
                yield record
        before, at = at, await consumer.position(part)
        while left and left[-1] < at:  # it was read; or it was compacted away, or never committed
            left.pop()
        if at != before:
            deadline = monotonic() + _PATIENCE
        elif monotonic() > deadline:
            raise BrokerError(f"{part.topic}/{part.partition} cannot be read at offset {left[-1]}")


def _is_of(settings: Settings, record: ConsumerRecord, letter: DeadLetter) -> bool:
    """Whether it is the letter's: its topic may have been created anew since."""
    topic = input_names(settings)[letter.origin.topic]
    form, most = settings.format_of(topic), settings.max_record_bytes
    events = read(topic, form, record.value, record.headers, lookup=settings.lookup, max_bytes=most)
    return isinstance(events, tuple) and any(moment(each) == letter.at for each in events)
