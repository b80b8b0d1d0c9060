"""The embedded broker, which has no transactions: workers come and go in order, and nothing is lost or doubled.

A crash may repeat there what was flushed last; so nobody is killed.
"""

from streams.broker import EmbeddedBroker
from tests.chaos.harness import Chaos, Story


async def tell(chaos: Chaos) -> None:
    """One worker after the other, and two at times."""
    times = chaos.times(8)
    chaos.fleet.start("a")
    for number in range(times):
        await chaos.fleet.ready("a")
        await chaos.part(number, times)
        await chaos.fleet.stop("a")
        chaos.fleet.start("a")


STORY = Story(tell, limit=400, broker=EmbeddedBroker)
