"""The simulator's events as records to send."""

from collections.abc import Iterable, Iterator

import orjson

from streams.produce.record import InputRecord
from streams.simulator import SimulatedEvent


def records(events: Iterable[SimulatedEvent]) -> Iterator[InputRecord]:
    """The same events, each as the bytes of its record."""
    for at, topic, value in events:
        yield InputRecord(at, topic, value["account_id"], orjson.dumps(value))
