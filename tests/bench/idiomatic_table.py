"""A peer: a table with JSON values, as Faust's own guide would have it. Run by `tests.bench.recovery`.

`python -m tests.bench.idiomatic_table BROKER NAME PARTITIONS ROWS` prints one line of JSON once so many are recovered:
the seconds from assignment to Faust's word that it is done.
"""

import os
import sys
import tempfile
from time import perf_counter
from typing import Any

import faust
import orjson
from faust.worker import Worker


def main(broker: str, name: str, partitions: int, rows: int) -> None:
    """Run the Faust application; it ends with the process."""
    app = faust.App(
        name,
        datadir=tempfile.mkdtemp(prefix="slackwater-idiomatic-"),
        broker=f"kafka://{broker}",
        store="memory://",
        topic_partitions=partitions,
        topic_replication_factor=1,
        topic_disable_leader=True,
        web_enabled=False,
    )
    table: Any = app.Table("accounts", default=list, partitions=partitions)
    assigned = 0.0

    @app.agent(app.topic(name, value_serializer="json"))
    async def change(stream: Any) -> None:
        async for key, value in stream.items():
            table[key] = value

    @app.on_partitions_assigned.connect
    async def begin(*_: Any, **__: Any) -> None:
        nonlocal assigned
        assigned = perf_counter()

    @app.on_rebalance_complete.connect
    async def end(*_: Any, **__: Any) -> None:
        if len(table) == rows:
            os.write(1, orjson.dumps({"seconds": perf_counter() - assigned}) + b"\n")

    Worker(app, loglevel="ERROR", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
