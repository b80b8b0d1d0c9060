"""A record that nobody can read in every topic that a worker reads, its own ones too.

Each becomes a dead letter, and holds up nobody. (A changelog is another matter: an account's state that cannot be read
stops the worker before it writes anything, since nothing else knows that account.)
"""

from aiokafka import AIOKafkaProducer

from streams.runtime.topics import input_names
from tests.chaos.harness import Chaos, Story

_VALUES = (b"\xff\x00\xfe", b"{", b"null", b"[1,2,3]", b'{"event":"login"}', b"\x00\x00\x00\x00\x07avro", b"")


async def tell(chaos: Chaos) -> None:
    """In the middle of good ones, while workers come and go."""
    settings, random = chaos.app.settings, chaos.random
    inputs = list(input_names(settings))
    own = [settings.shuffle_topic, settings.topic("alerts"), settings.notifications_topic, settings.fleet_topic]
    chaos.fleet.start("a")
    times = chaos.times(10)
    # In transactions, as all that is written to the application's own topics: the checks know who is who.
    async with AIOKafkaProducer(bootstrap_servers=chaos.broker.address, transactional_id="vandal") as vandal:
        for number in range(times):
            await chaos.fleet.ready("a")
            await chaos.part(number, times)
            async with vandal.transaction():
                for name in [*inputs, *own, *own]:
                    partition = 0 if name == settings.fleet_topic else random.randrange(settings.partitions)
                    value = random.choice(_VALUES)
                    sent = await vandal.send_and_wait(name, value, key=b"acct-00001", partition=partition)
                    chaos.poison.add((f"{name}/{partition}", sent.offset))
            if random.random() < 0.4:
                await chaos.part(number, times, seconds=2.0)
                if random.random() < 0.5:
                    chaos.fleet.kill("a")
                else:
                    await chaos.fleet.stop("a")
                chaos.fleet.start("a")
    assert not chaos.fleet.ended, chaos.fleet.ended


STORY = Story(tell, limit=400)
