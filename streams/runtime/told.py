"""What was told before a reset: transitions that a replay writes again, and that nobody needs to hear of twice."""

import re
from dataclasses import dataclass
from typing import Final, Self

_FORM: Final = re.compile(r"told=(\d+):(-?\d+)")


@dataclass(frozen=True, slots=True)
class Told:
    """Transitions at offset `since` of a partition of the alerts topic or later are a replay's as long as they are of
    before `until` (milliseconds): the state before the reset had come as far. Kept in the committed position's
    metadata."""

    since: int
    until: int

    def holds(self, offset: int, at: int) -> bool:
        """Whether the transition at this offset, of this time, was told before."""
        return offset >= self.since and at < self.until

    def encode(self) -> str:
        """As metadata.

        >>> Told.decode(Told(7, 1_740_000_000_000).encode() + "@other")
        Told(since=7, until=1740000000000)
        """
        return f"told={self.since}:{self.until}"

    @classmethod
    def decode(cls, metadata: str) -> Self | None:
        """The inverse; None where there is nothing of it."""
        found = _FORM.match(metadata)
        return cls(int(found[1]), int(found[2])) if found else None


def told_after(before: Told | None, end: int, until: int | None) -> Told | None:
    """What is told once a reset is made at `end` of the alerts partition, when the state had come to `until` (None: it
    had not begun). `before`: what an earlier reset left, whose replay may not have been through."""
    if until is None or (before is not None and until <= before.until):
        return before
    return Told(end, until)
