"""Whose turn it is on a route, of those who may go, where an hour has room for so many messages only."""

from collections.abc import Mapping

from alerting.gathering_rows import AccountRow, RouteRow
from alerting.lane import EVERYTHING
from alerting.outbox import Outbox
from alerting.pace import Pace
from alerting.ripe import Ripe


class Turns:
    """Of one route. Nothing here is stored but `RouteRow.summary_at`, which it sets."""

    def __init__(self, name: str, pace: Pace, outbox: Outbox) -> None:
        self._name = name
        self._pace = pace
        self._outbox = outbox

    def free(self, route: RouteRow, now: int) -> int:
        """How many more messages the hour has room for."""
        return self._pace.free(route.delivered, self._outbox.pending(self._name), now)

    def has_free(self, number: int, route: RouteRow, now: int) -> int:
        """When it has room for so many: see `Pace`."""
        return self._pace.has_free(number, route.delivered, self._outbox.pending(self._name), now)

    def next(
        self, ripe: Ripe, accounts: Mapping[str, AccountRow], route: RouteRow, waiting: frozenset[str], now: int
    ) -> str | None:
        """The account to tell of next; `EVERYTHING`: all that are ripe, at once; None: nothing may go. `waiting`: those
        of which a message waits already."""
        if not ripe.news:
            route.summary_at = None
        free, limit = self.free(route, now), self._pace.quiet.limit_per_hour
        if free < 1:
            return None
        if limit and (route.summary_at is not None or len(ripe.news) >= free):
            return self._next_of_many(ripe, accounts, route, waiting, free, now)
        ready = next((each for each in ripe.news if each not in waiting), None)
        if ready is None and free > (limit > 1):  # the last message of an hour is for news
            ready = next((each for each in ripe.reminders if each not in waiting), None)
        return ready

    def _next_of_many(
        self,
        ripe: Ripe,
        accounts: Mapping[str, AccountRow],
        route: RouteRow,
        waiting: frozenset[str],
        free: int,
        now: int,
    ) -> str | None:
        """There is more to tell than an hour has room for: the most at risk go by themselves, as long as one message is
        left; that one is a summary of all others, of which as many are gathered first as of one account."""
        if route.summary_at is None:
            route.summary_at = now + self._pace.quiet.group_interval
        if now >= route.summary_at and len(ripe.news) > 1:
            return None if waiting else EVERYTHING
        if now >= route.summary_at:
            route.summary_at = None
        elif free < 2:
            return None
        ready = [each for each in ripe.news if each not in waiting]
        return max(ready, key=lambda each: (accounts[each].priority, each), default=None)
