"""Sending dead letters to the topic that they came from, each once.

The records and a note of each, on the internal topic of notes, are written in one transaction: what was interrupted
has sent nothing. Notes are read after the producer has fenced any other replay. A broker without transactions gets the
record first and the note behind it, so that a crash in between may send it twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.dead_letter import DeadLetter
from schemas.errors import BrokerError, Reason, Rejected
from schemas.formats.reader import read
from streams.cli.dead_letters.letters import place_of
from streams.cli.reading import read_all
from streams.produce.existing import partition_counts
from streams.runtime import topics
from streams.runtime.connecting import no_broker
from streams.runtime.settings import Settings
from streams.runtime.writer import has_transactions

REPLAY_OF: Final = "slackwater-replay-of"
"""Header of a record that was sent again: where it stood at first."""
_AT_ONCE: Final = 1_000
_FOUND_LATER: Final = (Reason.TIME_IN_FUTURE, Reason.IMPOSSIBLE_COMMAND)
"""Only a worker can say whether these still hold."""


@dataclass(slots=True)
class Plan:
    """What a replay would do with the letters that are meant."""

    send: list[DeadLetter] = field(default_factory=list)
    already: list[DeadLetter] = field(default_factory=list)
    """Sent before."""
    refused: list[tuple[DeadLetter, Rejected]] = field(default_factory=list)
    """Would be turned away again, as things are set now."""
    impossible: list[DeadLetter] = field(default_factory=list)
    """Without a value, or from a topic that is no input."""


def plan_of(settings: Settings, letters: Sequence[DeadLetter], sent: frozenset[str], *, every: bool) -> Plan:
    """Which of them to send. `sent`: places of those that were; with `every` also what would be turned away again."""
    plan, inputs = Plan(), topics.input_names(settings)
    for letter in letters:
        topic = inputs.get(letter.origin.topic)
        if place_of(letter) in sent:
            plan.already.append(letter)
        elif topic is None or letter.raw is None:
            plan.impossible.append(letter)
        else:
            headers = [(each.name, each.value or b"") for each in letter.headers or ()]
            most = settings.max_record_bytes
            form = settings.format_of(topic)
            found = read(topic, form, letter.raw, headers, lookup=settings.lookup, max_bytes=most)
            if isinstance(found, Rejected) and not every and letter.reason not in _FOUND_LATER:
                plan.refused.append((letter, found))
            else:
                plan.send.append(letter)
    return plan


async def sent_before(settings: Settings) -> frozenset[str]:
    """Places of the records that were sent again. Raises BrokerError."""
    if settings.replayed_topic not in await topics.partition_counts(settings):
        return frozenset()
    notes = [record.value async for record in read_all(settings, settings.replayed_topic)]
    return frozenset(note.decode() for note in notes if note)


async def send_again(settings: Settings, letters: Sequence[DeadLetter], *, every: bool) -> int:
    """Send what is still to be sent, and give how many that were. Raises BrokerError."""
    await topics.create(settings, plans=[topics.of_replays(settings)])
    transactions = await has_transactions(settings)
    counts = await partition_counts(settings, {letter.origin.topic for letter in letters})
    name = f"{settings.app_id}-replay"
    options = {"transactional_id": name} if transactions else {"acks": "all"}
    producer = AIOKafkaProducer(**settings.kafka(), client_id=name, **options)
    try:
        await producer.start()
    except (KafkaError, OSError) as error:
        await producer.stop()
        raise await no_broker(settings, error) from error
    try:
        left = plan_of(settings, letters, await sent_before(settings), every=every).send
        for start in range(0, len(left), _AT_ONCE):
            part = left[start : start + _AT_ONCE]
            if transactions:
                async with producer.transaction():
                    await _send(producer, settings, part, counts)
            else:
                await _send(producer, settings, part, counts)
    except KafkaError as error:
        raise BrokerError(f"the broker did not take a record: {str(error) or type(error).__name__}") from error
    finally:
        await producer.stop()
    return len(left)


async def _send(
    producer: AIOKafkaProducer, settings: Settings, letters: Sequence[DeadLetter], counts: dict[str, int]
) -> None:
    for letter in letters:
        place, origin = place_of(letter), letter.origin
        headers = [(each.name, each.value) for each in letter.headers or () if each.name != REPLAY_OF]
        partition = origin.partition if origin.partition < counts[origin.topic] else None
        headers.append((REPLAY_OF, place.encode()))
        await producer.send_and_wait(origin.topic, letter.raw, letter.key, partition, headers=headers)
        await producer.send_and_wait(settings.replayed_topic, place.encode(), place.encode())
