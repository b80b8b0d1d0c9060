"""Writing the history: a home partition at a time, each in one transaction of its task's own producer.

1. The producers of the home tasks are started. That fences a worker that starts meanwhile, or was suspended.
2. Each partition is marked as begun, with the offsets at which it will go on. A worker that finds the mark ends: it
   must not go on without its history.
3. Each partition's transitions and state are written, and its mark deleted, in one transaction.

Where that is interrupted, some partitions have their history and the others are marked. Run again with the same file it
does what is left. Without transactions a partition may be half written; it is marked until it is whole, and is written
again.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced
from faust.types import TP

from schemas.errors import BrokerError
from streams.cli.bootstrap.found import Begun, Found, standings
from streams.cli.bootstrap.learn import Learnt
from streams.cli.reading import ends_of
from streams.runtime.engagement import BOOTSTRAP, Engagement
from streams.runtime.settings import Settings
from streams.runtime.topics import ENGAGEMENT, changelog
from streams.runtime.writer import PlainWriter, Record, TransactionalWriter, Writer, transactional_id

_TRANSACTION_MS: Final = 300_000


async def carry_out(
    settings: Settings, found: Found, learnt: Learnt, *, exactly_once: bool, say: Callable[[str], None]
) -> None:
    """Write what is learnt; what it is at goes to `say`. Raises `BrokerError`; then run it again."""
    writers = [_writer(settings, number, exactly_once) for number in range(settings.partitions)]
    try:
        await asyncio.gather(*(writer.start() for writer in writers))
        if await standings(settings) != found.standings:
            raise BrokerError("the state has changed meanwhile: look again")
        begun = await _begin(settings, found, learnt, writers)
        for number, mark in enumerate(begun):
            if mark is None:
                say(f"home partition {number} has its history already")
                continue
            records = learnt.records(number, shuffle=mark.shuffle, fleet=mark.fleet)
            records.append(_mark(settings, number, None))
            await writers[number].write(records, None)
            say(f"home partition {number} written")
    except ProducerFenced as error:
        raise BrokerError("a worker has started meanwhile: stop it, and run the bootstrap again") from error
    except (KafkaError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise BrokerError(f"the bootstrap was interrupted ({reason}): run it again") from error
    finally:
        await asyncio.gather(*(writer.stop() for writer in writers))


async def _begin(settings: Settings, found: Found, learnt: Learnt, writers: list[Writer]) -> list[Begun | None]:
    """Mark what is not marked; gives the mark of each partition, None for one that is done."""
    digest = learnt.digest
    if any(each.begun and each.begun.digest != digest for each in found.standings):
        raise BrokerError(
            "a bootstrap was interrupted that was of other files, or was run with other settings: run that one again, "
            "or slackwater reset, which forgets it"
        )
    shuffle, fleet = await _ends(settings)
    marks: list[Begun | None] = []
    for number, each in enumerate(found.standings):
        mark = each.begun
        if mark is None and each.fresh:
            mark = Begun(learnt.until, shuffle[number], fleet, digest)
            await writers[number].write([_mark(settings, number, mark.encode())], None)
        marks.append(mark)
    return marks


async def _ends(settings: Settings) -> tuple[list[int], int]:
    consumer = AIOKafkaConsumer(**settings.kafka(), client_id="slackwater-bootstrap")
    try:
        await consumer.start()
        parts = [TopicPartition(settings.shuffle_topic, number) for number in range(settings.partitions)]
        fleet = TopicPartition(settings.fleet_topic, 0)
        ends = await ends_of(consumer, [*parts, fleet])
        return [ends[part] for part in parts], ends[fleet]
    finally:
        await consumer.stop()


def _writer(settings: Settings, number: int, exactly_once: bool) -> Writer:
    if not exactly_once:
        return PlainWriter(settings)
    name = transactional_id(settings, Engagement.stage, TP(settings.shuffle_topic, number))
    return TransactionalWriter(settings, name, _TRANSACTION_MS)


def _mark(settings: Settings, number: int, value: bytes | None) -> Record:
    return Record(changelog(settings, ENGAGEMENT), number, BOOTSTRAP, value)
