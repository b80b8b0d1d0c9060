"""Usage events of the present, so many a second, from a process of their own. Run by `tests.bench.live`.

`python -m tests.bench.flow BROKER TOPIC EVENTS_A_SECOND SECONDS` sends events of 20,000 accounts with the popularity of
`Load`, and prints one line of JSON at its end: how many, with how many bytes, in how many seconds.
"""

import asyncio
import sys
from itertools import accumulate
from random import Random
from time import perf_counter, time

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from schemas.instants import format_instant
from streams.produce.lanes import Lanes
from tests.bench.load import usage

_TICK = 0.02


async def main(broker: str, topic: str, rate: float, seconds: float) -> None:
    """Send, in small portions."""
    random = Random(2)
    names = [f"acct_{number:06d}" for number in range(20_000)]
    random.shuffle(names)
    weights = list(accumulate(1 / rank for rank in range(1, len(names) + 1)))
    producer = AIOKafkaProducer(bootstrap_servers=broker, enable_idempotence=True, max_batch_size=128 * 1024)
    await producer.start()
    try:
        partitions = len(await producer.partitions_for(topic))
        lanes, sent, size = Lanes(producer), 0, 0
        started = now = perf_counter()
        while now - started < seconds:
            count = int((now - started) * rate) - sent
            at = format_instant(int(time() * 1000))
            for account in random.choices(names, cum_weights=weights, k=count):
                value, key = usage(random, account, at), account.encode()
                await lanes.add(topic, (murmur2(key) & 0x7FFF_FFFF) % partitions, key, value, [])
                size += len(value)
            sent += count
            await lanes.hand_over()
            await asyncio.sleep(max(0.0, now + _TICK - perf_counter()))
            now = perf_counter()
        await lanes.flush()
        print(orjson.dumps({"events": sent, "bytes": size, "seconds": perf_counter() - started}).decode(), flush=True)
    finally:
        await producer.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
