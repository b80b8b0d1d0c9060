"""Tables in RocksDB: workers are killed, stopped and moved, and begin with what their own disks have."""

from tests.chaos.harness import Chaos, Story


async def tell(chaos: Chaos) -> None:
    """Two workers, each with a directory of its own, which it finds again."""
    fleet, random = chaos.fleet, chaos.random
    times = chaos.times(16)
    for number in range(times):
        for name in "ab":
            if name not in fleet.running:
                fleet.start(name)
        if random.random() < 0.7:
            await fleet.ready("a")
        await chaos.part(number, times)
        name = random.choice("ab")
        if random.random() < 0.6:
            fleet.kill(name)
        else:
            await fleet.stop(name)


STORY = Story(tell, limit=600, settings={"store": "rocksdb"})
