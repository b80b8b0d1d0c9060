"""The broker is restarted in order, again and again, under two workers."""

from tests.chaos.harness import Chaos, Story


async def tell(chaos: Chaos) -> None:
    """The workers stay."""
    chaos.fleet.start("a")
    chaos.fleet.start("b")
    await chaos.fleet.ready("a")
    async for _ in chaos.parts(6):
        await chaos.kafka.restart()


STORY = Story(tell, limit=600)
