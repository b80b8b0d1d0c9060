"""A rebalance, or an end, in the middle of a recovery: timed by what the worker's log says."""

import asyncio

from tests.chaos.harness import Chaos, Story


async def tell(chaos: Chaos) -> None:
    """State first; then a worker that has just been assigned something is met by another one, a kill, or a broker that
    holds its breath, so that the recovery lasts."""
    fleet, random = chaos.fleet, chaos.random
    fleet.start("a")
    await fleet.ready("a")
    await chaos.part(9, 15)
    await fleet.stop("a")
    times = chaos.times(12)
    for number in range(times):
        since = len(fleet.log("a"))
        fleet.start("a")
        starts_soon = random.random() < 0.5
        if starts_soon:  # it joins about when the first one recovers
            await asyncio.sleep(random.uniform(0.0, 1.5))
            fleet.start("b")
        await fleet.said("a", "assigned: ", since=since)
        chaos.kafka.pause()
        await asyncio.sleep(random.uniform(0.0, 2.0))
        if not starts_soon:
            fleet.start("b")
            await asyncio.sleep(random.uniform(1.0, 3.0))
        chaos.kafka.resume()
        await chaos.part(10 + 5 * number // times, 15, seconds=2.0)
        for name in "ab":
            if random.random() < 0.5:
                fleet.kill(name)
            else:
                await fleet.stop(name)


STORY = Story(tell, limit=600)
