"""One record on its way from a file, or from the simulator, to an input topic."""

from typing import NamedTuple

from schemas.events import InputTopic


class InputRecord(NamedTuple):
    """`at` is the event's time in milliseconds, `account` becomes the record's key, `value` its bytes (native JSON)."""

    at: int
    topic: InputTopic
    account: str
    value: bytes
