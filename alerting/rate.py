"""How fast a channel goes: Slack counts the messages of a webhook, whichever route they are of."""

from collections import Counter
from collections.abc import Collection, Iterable

from alerting.bucket import Bucket
from alerting.routing import CONSOLE, Route

_UNLIMITED = Bucket(interval_ms=0, burst=1)


class Rate:
    """The bucket of a channel, shared by its routes here. Each of them stores the state as its own last message left
    it; the newest of these is that of all."""

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


def rates(routes: Iterable[Route], bucket: Bucket, elsewhere: Collection[str]) -> dict[str, Rate]:
    """The rate of each route. `bucket`: what a channel may have. `elsewhere`: routes that other partitions send for;
    each route of a channel has an equal part of its bucket, and those that are here put theirs together."""
    channels = {each.name: each.channel for each in routes}
    whole = Counter(channels.values())
    here = Counter(channel for name, channel in channels.items() if name not in elsewhere)
    made = {
        channel: Rate(_UNLIMITED if channel == CONSOLE else bucket.part(max(here[channel], 1), number))
        for channel, number in whole.items()
    }
    return {name: made[channel] for name, channel in channels.items()}
