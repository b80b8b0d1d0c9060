"""The broker is killed (SIGKILL) under two workers and comes back on the same data.

What the kernel has of its files is not lost by that: this is a crash of the process, not of the machine.
"""

import asyncio

from tests.chaos.harness import Chaos, Story


async def tell(chaos: Chaos) -> None:
    """The workers stay."""
    chaos.fleet.start("a")
    chaos.fleet.start("b")
    await chaos.fleet.ready("a")
    async for _ in chaos.parts(6):
        chaos.kafka.kill()
        await asyncio.sleep(chaos.random.uniform(0.0, 4.0))
        await chaos.kafka.restart()


STORY = Story(tell, limit=600)
