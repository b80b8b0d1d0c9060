"""Records are removed from input topics (as by retention) before they were read: the worker says which, and goes on."""

import re

from tests.chaos import checks
from tests.chaos.by_hand import notices, shorten
from tests.chaos.harness import Chaos, Story
from tests.e2e.harness import eventually

_OFFSETS = re.compile(r"offsets? (\d+)(?: to (\d+))?\) had been removed")


async def tell(chaos: Chaos) -> None:
    """The worker works, stands still, or does not run meanwhile."""
    fleet, random = chaos.fleet, chaos.random
    fleet.start()
    times, counted = chaos.times(8), 0
    for number in range(times):
        await fleet.ready()
        await chaos.part(number, times)
        # The last time it does not run: a worker that works may have read everything, and then nothing is lost.
        how = random.choice(["works", "stands", "stopped"]) if number < times - 1 else "stopped"
        if how == "stopped":
            await _all_counted(chaos, counted)
            await fleet.stop()
            # It may have found some that are lost until its last moment: what it told is what its counters ended with.
            counted = await _number_told(chaos)
        elif how == "stands":
            fleet.process().pause()
        await chaos.part(number, times)
        for role in ("usage", random.choice(["billing", "commands"])):
            await shorten(chaos, role)
        if how == "stopped":
            fleet.start()
        elif how == "stands":
            fleet.process().resume()
    await fleet.ready()
    await _all_counted(chaos, counted)


async def _all_counted(chaos: Chaos, before: int) -> None:
    """What was told is on the metrics."""

    async def counted() -> bool:
        return await _number_told(chaos) == before + await chaos.fleet.total("a", "records_lost_total")

    if not chaos.fleet.ended:  # with a worker its counters end
        await eventually(counted, "records_lost_total is what the messages say", patience=60)


async def _number_told(chaos: Chaos) -> int:
    return sum(len(each) for each in (await _told(chaos)).values())


async def _told(chaos: Chaos) -> dict[str, list[int]]:
    """The offsets that messages have told as lost, of every partition."""
    told: dict[str, list[int]] = {}
    for each in await notices(chaos.app, "Records lost"):
        found = _OFFSETS.search(each.text)
        assert found, each.text
        first = int(found[1])
        told.setdefault(each.where, []).extend(range(first, int(found[2] or first) + 1))
    return told


async def check(chaos: Chaos) -> None:
    """Every record that was lost is told, once, and none that was read."""
    told, read = await _told(chaos), await checks.in_shuffle(chaos.app)
    for place, offsets in told.items():
        assert len(set(offsets)) == len(offsets), f"{place}: told twice"
    lost = {each for removed in chaos.removed for each in removed.unread(read)}
    assert lost, "nothing was lost: no test of anything"
    assert not [(place, offset) for place, offset in lost if offset not in told.get(place, ())]
    counted = {(origin.partition("@")[0], offset) for origin, offsets in read.items() for offset in offsets}
    assert not [(place, offset) for place in told for offset in told[place] if (place, offset) in counted]
    chaos.notes.append(f"{sum(map(len, told.values()))} records told as lost")


STORY = Story(tell, limit=600, settings={"console": "true"}, check=check)
