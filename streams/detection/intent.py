"""What people at an account did lately that precedes leaving, by the events that a setting names."""

from typing import Any, Final

_NAMES: Final = 8


class Intent:
    """A run of such events: none is later than the one before by more than `keeps` (ms), else a new run begins. At most
    8 names of events are told apart, the first ones; of each how often it came, and when last."""

    __slots__ = ("day", "events", "last_at", "since", "steps")

    def __init__(self) -> None:
        self.events: dict[str, tuple[int, int]] = {}
        self.since = -1
        self.last_at = -1
        self.day = -1
        """The newest day on which there was one."""
        self.steps = 0
        """How often it was worth saying: for each name, and for each further day."""

    def add(self, name: str, at: int, day: int, keeps: int) -> bool:
        """One more event. Returns False, and does nothing, for one of before the run."""
        if self.last_at >= 0 and at <= self.last_at - keeps:
            return False
        if self.last_at < 0 or at >= self.last_at + keeps:
            self.events.clear()
            self.since, self.day, self.steps = at, -1, 0
        known = self.events.get(name)
        if known is not None:
            self.events[name] = (known[0] + 1, max(known[1], at))
        elif len(self.events) < _NAMES:
            self.events[name] = (1, at)
            self.steps += 1
        if day > self.day:
            self.steps += known is not None
            self.day = day
        self.since = min(self.since, at)
        self.last_at = max(self.last_at, at)
        return True

    def encode(self) -> list[Any]:
        """JSON values."""
        return [self.since, self.last_at, self.day, self.steps, [[name, *each] for name, each in self.events.items()]]

    @classmethod
    def decode(cls, values: list[Any]) -> "Intent":
        """The inverse of `encode`."""
        intent = cls()
        intent.since, intent.last_at, intent.day, intent.steps, events = values
        intent.events = {name: (count, at) for name, count, at in events}
        return intent
