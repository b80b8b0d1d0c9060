"""The worker is told to end (SIGTERM) again and again, at random moments: it does so within ten seconds, in order."""

from tests.chaos.harness import Chaos, Story

PROMISED = 10.0
"""Seconds."""


async def tell(chaos: Chaos) -> None:
    """Two workers, one of which ends and comes back."""
    chaos.fleet.start("a")
    chaos.fleet.start("b")
    times, longest = chaos.times(15), 0.0
    for number in range(times):
        name = chaos.random.choice("ab")
        if chaos.random.random() < 0.8:
            await chaos.fleet.ready(name)
        await chaos.part(number, times)
        longest = max(longest, await chaos.fleet.stop(name))
        assert longest < PROMISED, f"{longest:.1f} s to end:\n{chaos.fleet.tail(name)}"
        chaos.fleet.start(name)
    chaos.notes.append(f"longest stop {longest:.1f} s")


STORY = Story(tell, limit=600)
