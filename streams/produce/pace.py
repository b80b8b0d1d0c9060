"""When to send what, if not as fast as possible."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Pace:
    """Replays event time at `speed` times real time; `speed` None is as fast as it goes.

    `now` is a monotonic clock in seconds. The first event asked about is due at once, and sets the origin.
    """

    speed: float | None
    now: Callable[[], float]
    _first_at: int | None = field(default=None, init=False)
    _started: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        if self.speed is not None and not 0 < self.speed < float("inf"):
            raise ValueError(f"speed must be a number above 0 (times real time), not {self.speed}")

    def wait(self, at: int) -> float:
        """Seconds to wait until an event of this time (milliseconds) is due; 0 when it is due already."""
        if self.speed is None:
            return 0.0
        if self._first_at is None:
            self._first_at, self._started = at, self.now()
        due = self._started + (at - self._first_at) / 1000 / self.speed
        return max(0.0, due - self.now())
