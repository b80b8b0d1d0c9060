"""A worker is stopped in its tracks (SIGSTOP) for longer than its session lasts, and wakes up as a zombie."""

import asyncio

from tests.chaos.harness import Chaos, Story


async def tell(chaos: Chaos) -> None:
    """Another one takes over while it stands; what the zombie had begun is nobody's any more."""
    chaos.fleet.start("a")
    chaos.fleet.start("b")
    await chaos.fleet.ready("a")
    await chaos.fleet.ready("b")
    times = chaos.times(8)
    for number in range(times):
        name = chaos.random.choice("ab")
        await chaos.part(number, times)
        chaos.fleet.process(name).pause()
        # Its session lasts 3 s; the other one then has its partitions, and works on.
        await asyncio.sleep(chaos.random.uniform(4.0, 10.0))
        chaos.fleet.process(name).resume()
        await asyncio.sleep(chaos.random.uniform(0.0, 3.0))
    await chaos.fleet.ready("a")
    await chaos.fleet.ready("b")


STORY = Story(tell, limit=600)
