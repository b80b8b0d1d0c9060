"""A peer: usage events per account and day, counted as Quix Streams' guide would have it. Run by `tests.bench.peers`
with the Python of an environment of its own (tests/bench/quix.txt): it needs other versions of what slackwater uses.

`python quix.py BROKER TOPIC EVENTS DIRECTORY` prints one line of JSON once so many are counted.
"""

import os
import sys
from datetime import datetime, timedelta
from time import perf_counter, process_time
from typing import Any

import orjson
from quixstreams import Application
from quixstreams.models.serializers import JSONDeserializer
from quixstreams.models.serializers.exceptions import IgnoreMessage


class Usage(JSONDeserializer):  # type: ignore[misc]
    """JSON; the markers among the events, which have no value, are passed over."""

    def __call__(self, value: bytes, ctx: Any) -> Any:
        if not value:
            raise IgnoreMessage
        return super().__call__(value, ctx)


def occurred_at(value: Any, headers: Any, timestamp: float, timestamp_type: Any) -> int:
    """The event's own time, in milliseconds."""
    return int(datetime.fromisoformat(value["occurred_at"]).timestamp() * 1000)


def main(broker: str, name: str, most: int, directory: str) -> None:
    """Run the Quix application; it ends with the process."""
    app = Application(
        broker_address=broker,
        consumer_group=f"quix-{name}",
        auto_offset_reset="earliest",
        state_dir=directory,
        loglevel="ERROR",
    )
    topic = app.topic(name, value_deserializer=Usage(), timestamp_extractor=occurred_at)
    started = cpu = 0.0
    counted = 0

    def note(_: Any) -> None:
        nonlocal counted, started, cpu
        if not counted:
            started, cpu = perf_counter(), process_time()
        counted += 1
        if counted == most:
            figures = {"events": counted, "seconds": perf_counter() - started, "cpu": process_time() - cpu}
            os.write(1, orjson.dumps(figures) + b"\n")

    counts = app.dataframe(topic).tumbling_window(timedelta(days=1), grace_ms=timedelta(hours=1)).count()
    counts.current().update(note)
    app.run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
