"""When to send what, if not as fast as possible."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self


@dataclass(slots=True)
class Pace:
    """Replays event time by a schedule: from milliseconds of event time after the first event to seconds after its
    sending. `now` is a monotonic clock in seconds. The first event asked about is due at once, and sets the origin.
    """

    schedule: Callable[[int], float]
    now: Callable[[], float]
    _first_at: int | None = field(default=None, init=False)
    _started: float = field(default=0.0, init=False)

    @classmethod
    def at_speed(cls, speed: float, now: Callable[[], float]) -> Self:
        """At `speed` times real time. Raises ValueError unless that is a number above 0."""
        if not 0 < speed < float("inf"):
            raise ValueError(f"speed must be a number above 0 (times real time), not {speed}")
        return cls(lambda elapsed: elapsed / 1000 / speed, now)

    def wait(self, at: int) -> float:
        """Seconds to wait until an event of this time (milliseconds) is due; 0 when it is due already."""
        if self._first_at is None:
            self._first_at, self._started = at, self.now()
        return max(0.0, self._started + self.schedule(at - self._first_at) - self.now())
