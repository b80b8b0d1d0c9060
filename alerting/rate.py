"""How fast a channel goes: Slack counts the messages of a webhook, whichever route they are of."""

from collections.abc import Iterable

from alerting.bucket import Bucket
from alerting.routing import CONSOLE, Route

_UNLIMITED = Bucket(interval_ms=0, burst=1)


class Rate:
    """The bucket of a channel, shared by its routes. Each of them stores the state as its own last message left it; the
    newest of these is that of all."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._full_at = 0

    def restore(self, full_at: int) -> None:
        """Put back what a route stored."""
        self._full_at = max(self._full_at, full_at)

    def ready_at(self) -> int:
        """See `Bucket`."""
        return self._bucket.ready_at(self._full_at)

    def take(self, now: int) -> int:
        """Count a message that goes; the state to be stored with its route."""
        self._full_at = self._bucket.take(self._full_at, now)
        return self._full_at


def rates(routes: Iterable[Route], bucket: Bucket) -> dict[str, Rate]:
    """The rate of each route. `bucket`: what a channel may have."""
    made: dict[str, Rate] = {}
    return {
        each.name: made.setdefault(each.channel, Rate(_UNLIMITED if each.channel == CONSOLE else bucket))
        for each in routes
    }
