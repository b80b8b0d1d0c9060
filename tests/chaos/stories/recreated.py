"""Input topics are deleted and created anew: under running workers and while none runs, wholly read or not."""

from collections import Counter

from schemas.shuffle import place_of
from tests.chaos.by_hand import create_anew, notices, origins
from tests.chaos.harness import Chaos, Story

_ROLES = ("usage", "usage", "billing", "accounts", "commands")


async def tell(chaos: Chaos) -> None:
    """Of the events of an earlier topic none is lost that had been read; those of a new one are read from its start."""
    fleet, random = chaos.fleet, chaos.random
    times = chaos.times(8)
    for number in range(times):
        if not fleet.running:
            fleet.start()
        await fleet.ready()
        await chaos.part(number, times)
        runs = random.random() < 0.5
        all_read = runs and random.random() < 0.5
        if not runs and random.random() < 0.5:
            fleet.kill()
        elif not runs:
            await fleet.stop()
        await create_anew(chaos, random.choice(_ROLES), all_read=all_read)
        if runs and random.random() < 0.3:
            fleet.kill()


async def check(chaos: Chaos) -> None:
    """Of each new topic that was heard of there is one message."""
    heard = Counter(place_of(origin) for origin in await origins(chaos.app, 0))
    told = Counter(each.where for each in await notices(chaos.app, "Topic created anew"))
    names = {each.topic for each in chaos.removed}
    assert told == {f"{name}/0": heard[f"{name}/0"] - 1 for name in names if heard[f"{name}/0"] > 1}
    assert told
    chaos.notes.append(f"{len(chaos.removed)} topics created anew, {sum(told.values())} messages")


STORY = Story(tell, limit=600, settings={"console": "true"}, check=check)
