"""`slackwater reset` amid the load: killed at random moments, run again; everything is processed once more."""

import asyncio
from collections import Counter

from alerting.routing import route
from streams.runtime.channels import routes_of
from tests.chaos.by_hand import told
from tests.chaos.harness import Chaos, Story
from tests.e2e.harness import eventually

_MUCH = 10
"""Messages that are there before the last reset, so that something could be told twice."""
_MOMENTS = ("tasks fenced", "input positions set", "state deleted")


async def tell(chaos: Chaos) -> None:
    """Between a reset that was killed and the next one a worker may run, too."""
    fleet, random = chaos.fleet, chaos.random
    times = chaos.times(5)
    for number in range(times):
        fleet.start()
        if random.random() < 0.8:
            await fleet.ready()
        await chaos.part(number, times)
        if number == times - 1:
            await eventually(lambda: _much_told(chaos), "somebody is told of much", patience=120)
        await _end(chaos)
        for _ in range(random.choice([0, 1, 1, 2])):
            await _killed(chaos)
            if random.random() < 0.4:
                fleet.start()
                await chaos.part(number, times)
                await _end(chaos)

        async def done() -> bool:  # a killed worker is a member of the group until its session is over
            chaos.resets += 1
            ended = await chaos.app.slackwater("reset", "--yes", check=False)
            assert ended.status == 0 or "are running" in ended.output, ended.output
            chaos.resets -= "are running" in ended.output
            return ended.status == 0

        await eventually(done, "the reset is done", patience=90)
    fleet.start()


async def _much_told(chaos: Chaos) -> bool:
    return len(await told(chaos.app)) >= _MUCH


async def _end(chaos: Chaos) -> None:
    if chaos.random.random() < 0.5:
        await chaos.fleet.stop()
    else:
        chaos.fleet.kill()


async def _killed(chaos: Chaos) -> None:
    """Begin a reset, and kill it within a moment of something that it says."""
    moment, seconds = chaos.random.choice(_MOMENTS), chaos.random.uniform(0.0, 0.3)
    refused = True
    while refused:
        async with chaos.app.command("reset", "--yes") as process:

            async def come() -> bool:
                return moment in process.output_tail(200) or process.exit_status is not None

            await eventually(come, f"a reset says {moment!r}", patience=60)
            await asyncio.sleep(seconds)
            process.kill()
            refused = "are running" in process.output_tail(200)
    chaos.resets += 1


async def check(chaos: Chaos) -> None:
    """Every transition is on the topic again after a reset; who was told of it is not told again."""
    routes = routes_of(chaos.app.settings)
    found = [each for each in await chaos.app.transitions() if route(each, routes)]
    once = {(each.alert_id, each.revision) for each in found}
    assert len(found) >= len(once) + _MUCH, "hardly anything was said again: no test of anything"
    assert await told(chaos.app) == Counter(dict.fromkeys(once, 1))
    chaos.notes.append(f"{chaos.resets} resets begun, {len(once)} messages for {len(found)} transitions")


STORY = Story(tell, limit=600, settings={"console": "true"}, repeats=True, check=check)
