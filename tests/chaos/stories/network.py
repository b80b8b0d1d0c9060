"""A bad network between workers and broker: cut connections, delays, and a silence that is longer than a session."""

import asyncio

from tests.chaos.harness import Chaos, Story
from tests.chaos.proxy import ProxiedKafka, Proxy


async def tell(chaos: Chaos) -> None:
    """One fault after the other, in the order drawn."""
    assert isinstance(chaos.broker, ProxiedKafka)
    random, fleet = chaos.random, chaos.fleet
    async with Proxy(chaos.broker, random) as proxy:
        for name in "ab":
            fleet.start(name, SLACKWATER_BROKERS=proxy.address)
        await fleet.ready("a")
        times = chaos.times(16)
        for number in range(times):
            fault = random.choice(["drop", "drop some", "delay", "swallow"])
            await chaos.part(number, times)
            if fault == "drop":
                proxy.drop()
            elif fault == "drop some":
                for _ in range(5):
                    proxy.drop(0.3)
                    await asyncio.sleep(random.uniform(0, 0.5))
            elif fault == "delay":
                proxy.delay = random.choice([0.05, 0.2, 0.8])
                await asyncio.sleep(random.uniform(1, 4))
                proxy.delay = 0.0
            else:
                proxy.swallow()
                await asyncio.sleep(random.uniform(1, 8))
                if random.random() < 0.5:
                    proxy.drop()
                proxy.go_on()
        chaos.notes.append(f"{proxy.dropped} connections cut")
        await fleet.ready("a", patience=120)
        await fleet.ready("b", patience=120)
        for name in "ab":  # the proxy ends with the story
            await fleet.stop(name)
    fleet.start("c")


STORY = Story(tell, limit=600, broker=ProxiedKafka)
