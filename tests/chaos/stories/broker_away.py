"""The broker is away for a minute, and events wait at their producers."""

import asyncio

from tests.chaos.harness import Chaos, Story


async def tell(chaos: Chaos) -> None:
    """Killed once, when a worker is told to end meanwhile; then standing still with its connections open."""
    chaos.fleet.start("a")
    chaos.fleet.start("b")
    await chaos.fleet.ready("a")
    await chaos.part(0, 3)
    chaos.kafka.kill()
    await asyncio.sleep(chaos.seconds(50))
    seconds = await chaos.fleet.stop("b", in_order=False)
    chaos.notes.append(f"{seconds:.1f} s to end without a broker")
    await asyncio.sleep(chaos.seconds(10))
    await chaos.kafka.restart()
    chaos.fleet.start("b")
    await chaos.part(1, 3)
    chaos.kafka.pause()
    await asyncio.sleep(chaos.seconds(60))
    chaos.kafka.resume()
    await chaos.part(2, 3)


STORY = Story(tell, limit=400)
