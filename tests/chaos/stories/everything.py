"""All at once: three workers that are killed, paused, told to end, and a broker that is killed, restarted, paused."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.chaos.harness import Chaos, Story


async def tell(chaos: Chaos) -> None:
    """Any of it at any moment, whatever the one before has left."""
    for name in "abc":
        chaos.fleet.start(name)
    faults: list[Callable[[Chaos], Awaitable[None]]] = [_kill, _kill, _pause, _end, _end, _broker_dies, _broker_stands]
    async for _ in chaos.parts(24, seconds=3.0):
        await chaos.random.choice(faults)(chaos)
        for name in "abc":
            if name not in chaos.fleet.running and chaos.random.random() < 0.5:
                chaos.fleet.start(name)


def _one(chaos: Chaos) -> str | None:
    running = chaos.fleet.running
    return chaos.random.choice(running) if running else None


async def _kill(chaos: Chaos) -> None:
    if name := _one(chaos):
        chaos.fleet.kill(name)


async def _pause(chaos: Chaos) -> None:
    if name := _one(chaos):
        chaos.fleet.process(name).pause()
        await asyncio.sleep(chaos.random.choice([1.0, 8.0]))
        chaos.fleet.process(name).resume()


async def _end(chaos: Chaos) -> None:
    if name := _one(chaos):
        await chaos.fleet.stop(name)


async def _broker_dies(chaos: Chaos) -> None:
    if chaos.random.random() < 0.5:
        chaos.kafka.kill()
        await asyncio.sleep(chaos.random.uniform(0, 5))
    await chaos.kafka.restart()


async def _broker_stands(chaos: Chaos) -> None:
    chaos.kafka.pause()
    await asyncio.sleep(chaos.random.uniform(0.5, 8.0))
    chaos.kafka.resume()


STORY = Story(tell, limit=900)
