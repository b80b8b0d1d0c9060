"""A peer: usage events per account and day, counted as Faust's own guide would have it. Run by `tests.bench.pipeline`.

`python -m tests.bench.idiomatic BROKER TOPIC PARTITIONS EVENTS` prints one line of JSON once so many are counted.
"""

import os
import sys
import tempfile
from datetime import datetime, timedelta
from time import perf_counter, process_time
from typing import Any

import faust
import orjson
from faust.worker import Worker


class Usage(faust.Record, coerce=True):
    """What is needed of a usage event."""

    account_id: str
    occurred_at: datetime


def main(broker: str, topic: str, partitions: int, most: int) -> None:
    """Run the Faust application; it ends with the process."""
    app = faust.App(
        f"idiomatic-{topic}",
        datadir=tempfile.mkdtemp(prefix="slackwater-idiomatic-"),
        broker=f"kafka://{broker}",
        store="memory://",
        topic_partitions=partitions,
        topic_replication_factor=1,
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
    )
    table = app.Table("counts", default=int, partitions=partitions)
    counts: Any = table.tumbling(timedelta(days=1), expires=timedelta(days=60)).relative_to_field(Usage.occurred_at)  # type: ignore[arg-type]

    @app.agent(app.topic(topic, value_type=Usage, value_serializer="json"))
    async def count(stream: Any) -> None:
        started = cpu = 0.0
        counted = 0
        async for event in stream:
            if not counted:
                started, cpu = perf_counter(), process_time()
            counts[event.account_id] += 1
            counted += 1
            if counted == most:
                figures = {"events": counted, "seconds": perf_counter() - started, "cpu": process_time() - cpu}
                os.write(1, orjson.dumps(figures) + b"\n")

    Worker(app, loglevel="ERROR", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
