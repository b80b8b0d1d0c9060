"""How fast a route goes: when it may speak, and how many messages its hour has room for. Remembers what takes long to
find out, and nothing that has to be stored."""

from collections.abc import Iterable
from typing import Final

from alerting.quiet import HOUR, Quiet
from schemas.alerts import Severity

NEVER: Final = 1 << 62


class Pace:
    """By a route's `Quiet`. Times in milliseconds; `NEVER` where there is none."""

    def __init__(self, quiet: Quiet) -> None:
        self.quiet = quiet
        self._closed = (0, 0)
        self._digest = (-1, NEVER)

    def goes_at(self, severity: Severity, moment: int) -> int:
        """See `Quiet`."""
        if not self.quiet.has_hours or (severity is Severity.CRITICAL and self.quiet.critical_passes):
            return moment
        # While a route is closed it opens at the same moment for all.
        if not self._closed[0] <= moment < self._closed[1]:
            self._closed = (moment, self.quiet.goes_at(severity, moment))
        return max(moment, self._closed[1])

    def digest_at(self, since: int | None) -> int:
        """The digest that tells what came from a moment on."""
        if since is None or self.quiet.digest_at is None:
            return NEVER
        if self._digest[0] != since:
            self._digest = (since, self.quiet.next_digest(since))
        return self._digest[1]

    def recent(self, delivered: Iterable[int], now: int) -> list[int]:
        """Those of the messages that count for the hour that ends now."""
        return [each for each in delivered if now - HOUR < each <= now]

    def free(self, delivered: Iterable[int], pending: int, now: int) -> int:
        """How many more messages the hour has room for, beside those that are on their way."""
        limit = self.quiet.limit_per_hour
        return limit - len(self.recent(delivered, now)) - pending if limit else NEVER

    def has_free(self, number: int, delivered: Iterable[int], pending: int, now: int) -> int:
        """When it has room for so many, if those that are on their way arrive now; `NEVER`: it has, or has no limit."""
        if not self.quiet.limit_per_hour:
            return NEVER
        recent = self.recent(delivered, now)
        more = number - self.free(recent, pending, now)
        return recent[more - 1] + HOUR if 0 < more <= len(recent) else NEVER
