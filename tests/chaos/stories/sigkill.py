"""The worker is killed (SIGKILL) twenty times at random moments: at work, at the start, in recovery."""

import asyncio

from tests.chaos.harness import Chaos, Story


async def tell(chaos: Chaos) -> None:
    """A new worker each time, every other one let to work before it dies."""
    times = chaos.times(20)
    for number in range(times):
        chaos.fleet.start()
        if chaos.random.random() < 0.6:
            await chaos.fleet.ready()
            await chaos.part(number, times)
        else:
            chaos.sending.allow(0.9 * (number + 1) / times, seconds=4.0)
            await asyncio.sleep(chaos.random.uniform(0.5, 6.0))
        chaos.fleet.kill()


STORY = Story(tell, limit=600)
