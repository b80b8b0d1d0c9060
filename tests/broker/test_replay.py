"""What was turned away at its account's home is sent again as it was, as long as its topic has it."""

from __future__ import annotations

from uuid import uuid4

from aiokafka import AIOKafkaProducer

from schemas.accounts import AccountUpdate
from schemas.codec import decode
from schemas.dead_letter import DeadLetter
from schemas.events import InputTopic, moment
from schemas.usage import UsageEvent
from streams.broker import Broker
from streams.cli.dead_letters.again import REPLAY_OF, send_again
from streams.cli.dead_letters.whole import made_whole
from streams.cli.reading import read_all
from streams.detection.admission import NO_ROOM
from streams.detection.results import TurnedAway
from streams.runtime import topics
from streams.runtime.letters import letter_of
from streams.runtime.settings import Settings

USED = (
    b'{"account_id":"acme","event":"open","occurred_at":"2025-03-01T12:00:00Z","user_id":"mara","event_id":"e-1",'
    b'"properties":{"plan":"pro"}}'
)
KNOWN = b'{"account_id":"acme","updated_at":"2025-03-01T12:00:00Z","name":"Acme"}'


def turned_away(topic: str, offset: int, event: UsageEvent | AccountUpdate, at: int) -> DeadLetter:
    """The letter of an event, as its home composes it."""
    return letter_of(TurnedAway(f"{topic}/0@Vb2m", offset, at, event, NO_ROOM), "event")


async def test_user_and_event_id_key_and_headers_come_back_and_what_is_gone_stays_as_it_was_understood(
    broker: Broker,
) -> None:
    name = f"replay-{uuid4().hex[:8]}"
    settings = Settings(brokers=broker.address, app_id=name, topic_prefix=f"{name}.", partitions=1)
    await topics.create(settings)
    usage, accounts = settings.topic("usage"), settings.topic("accounts")
    async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
        batch = producer.create_batch()
        for _ in range(3):
            batch.append(key=b"k", value=USED, timestamp=None, headers=[("trace", b"7")])
        await (await producer.send_batch(batch, usage, partition=0))
        await producer.send_and_wait(accounts, KNOWN, b"acme", 0)
    used, known = decode(InputTopic.USAGE, USED), decode(InputTopic.ACCOUNTS, KNOWN)
    assert isinstance(used, UsageEvent)
    assert isinstance(known, AccountUpdate)
    at = moment(used)
    understood = UsageEvent(account_id="acme", event="open", occurred_at=at)
    letters = [
        turned_away(usage, 1, understood, at),
        turned_away(accounts, 0, known, at),
        turned_away(usage, 2, understood.model_copy(update={"occurred_at": at + 1}), at + 1),  # of a topic of before
        turned_away(usage, at, understood, at),  # it had waited, under a number of its own
    ]
    whole, gone = await made_whole(settings, letters)
    assert gone == 2
    assert [each.raw for each in whole[:2]] == [USED, KNOWN]
    assert whole[2:] == letters[2:]
    await send_again(settings, whole, every=False)
    again = [each async for each in read_all(settings, usage)][3:]
    assert [each.value for each in again] == [USED, letters[2].raw, letters[3].raw]
    assert again[0].key == b"k"
    assert again[0].headers == (("trace", b"7"), (REPLAY_OF, f"{usage}/0/1".encode()))
    assert [(each.key, each.value) async for each in read_all(settings, accounts)] == [(b"acme", KNOWN)] * 2
