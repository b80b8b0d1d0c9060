"""The ceiling: what aiokafka fetches and orjson reads, and nothing done with it. Run by `tests.bench.pipeline`.

`python -m tests.bench.bare BROKER EVENTS TOPIC...` prints one line of JSON once so many records with a value are read.
"""

import asyncio
import sys
from time import perf_counter, process_time

import orjson
from aiokafka import AIOKafkaConsumer


async def main(broker: str, most: int, topics: list[str]) -> None:
    """Read the topics from their beginnings; without a group, all partitions of them."""
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=broker, auto_offset_reset="earliest")
    await consumer.start()
    try:
        started, cpu, read, loads = perf_counter(), process_time(), 0, orjson.loads
        while read < most:
            for records in (await consumer.getmany(timeout_ms=200, max_records=5_000)).values():
                for record in records:
                    if record.value:  # a marker has none
                        loads(record.value)
                        read += 1
        figures = {"events": read, "seconds": perf_counter() - started, "cpu": process_time() - cpu}
        print(orjson.dumps(figures).decode(), flush=True)
    finally:
        await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
