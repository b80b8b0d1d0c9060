"""Which messages to show when more come than can be read. Pure."""

from collections import deque

from alerting.routing import Route
from schemas.alerts import AlertState, Transition

_ROUTE = Route(channel="console")


class Digest:
    """A short queue of transitions that the default route would tell.

    While it is full, resolved alerts give way first, then the oldest.
    """

    def __init__(self, limit: int = 4) -> None:
        self._limit = limit
        self._waiting: deque[Transition] = deque()
        self._left_out = 0

    @property
    def left_out(self) -> int:
        """How many have given way, or still wait."""
        return self._left_out + len(self._waiting)

    def add(self, transition: Transition) -> None:
        """Queue it if it is one to be told."""
        if not _ROUTE.wants(transition):
            return
        self._waiting.append(transition)
        if len(self._waiting) > self._limit:
            self._waiting.remove(min(self._waiting, key=_weight))
            self._left_out += 1

    def take(self) -> Transition | None:
        """The next one to show, None when there is none."""
        return self._waiting.popleft() if self._waiting else None


def _weight(transition: Transition) -> bool:
    """The least of these gives way; among equals the oldest, which stands first."""
    return transition.state is not AlertState.RESOLVED
