"""Somebody sets the group's offsets back to the beginning while no worker runs, or to nothing at all."""

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError

from streams.runtime.topics import input_names
from tests.chaos.harness import Chaos, Story
from tests.e2e.harness import eventually


async def tell(chaos: Chaos) -> None:
    """The inputs are read again from the beginning; what they said before is known."""
    times = chaos.times(4)
    for number in range(times):
        chaos.fleet.start()
        await chaos.fleet.ready()
        await chaos.part(number, times)
        if chaos.random.random() < 0.5:
            await chaos.fleet.stop()
        else:
            chaos.fleet.kill()
        await _set_back(chaos)
    chaos.fleet.start()


async def _set_back(chaos: Chaos) -> None:
    """To the beginning: the inputs, and what is read of the alerts and the shuffle."""
    settings = chaos.app.settings
    names = [*input_names(settings), settings.shuffle_topic, settings.topic("alerts"), settings.notifications_topic]
    parts = [TopicPartition(name, number) for name in names for number in range(settings.partitions)]
    chosen = chaos.random.sample(parts, len(parts) * 3 // 4)
    consumer = AIOKafkaConsumer(**settings.kafka(), group_id=settings.app_id, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(chosen)

        async def taken() -> bool:
            try:
                await consumer.commit(dict.fromkeys(chosen, 0))
            except CommitFailedError:  # the session of one that was killed is not over yet
                return False
            return True

        await eventually(taken, "nobody is in the group, and its offsets can be set")
    finally:
        await consumer.stop()


STORY = Story(tell, limit=300, repeats=True)
