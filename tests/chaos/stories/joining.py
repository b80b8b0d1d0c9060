"""A second and a third worker join and leave while events come in."""

import asyncio

from tests.chaos.harness import Chaos, Story


async def tell(chaos: Chaos) -> None:
    """The first one stays all the time; the others come, stop in order, or are killed, often in a rebalance."""
    fleet, random = chaos.fleet, chaos.random
    fleet.start("a")
    await fleet.ready("a")
    times = chaos.times(16)
    for number in range(times):
        name = random.choice("bc")
        if name not in fleet.running:
            fleet.start(name)
        elif random.random() < 0.7:
            await fleet.stop(name)
        else:
            fleet.kill(name)
        await chaos.part(number, times)
        await asyncio.sleep(random.choice([0.0, 0.0, 4.0]))


STORY = Story(tell, limit=600)
