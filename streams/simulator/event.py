"""One simulated event, ready to be sent."""

from typing import Any, NamedTuple

from schemas.events import InputTopic


class SimulatedEvent(NamedTuple):
    """A native event: `at` is its event time in milliseconds, `value` what goes into the record as JSON."""

    at: int
    topic: InputTopic
    value: dict[str, Any]
