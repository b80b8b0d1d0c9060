"""Accounts by the moment at which there is something to do about them, and those whose moment has come."""

from heapq import heappop, heappush

from alerting.pace import NEVER


class Ripe:
    """Accounts that wait for a moment (ms), in `news` those that are to be told of, and in `reminders` those of which
    there is nothing new to say; both in the order in which they came. An account is in one place at most."""

    def __init__(self) -> None:
        self.news: dict[str, None] = {}
        self.reminders: dict[str, None] = {}
        self._moments: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []
        """The same by time, with some that are out of date among them."""

    def __bool__(self) -> bool:
        return bool(self.news or self.reminders)

    def wait(self, account_id: str, moment: int) -> None:
        """It is to wait for this moment, and no other; `NEVER`: for none."""
        self.leave(account_id)
        if moment >= NEVER:
            self._moments.pop(account_id, None)
        elif self._moments.get(account_id) != moment:
            self._moments[account_id] = moment
            heappush(self._heap, (moment, account_id))

    def leave(self, account_id: str) -> None:
        """It is ripe no more."""
        self.news.pop(account_id, None)
        self.reminders.pop(account_id, None)

    def pop(self, now: int) -> str | None:
        """An account whose moment has come, which waits no more; None: there is none."""
        while self._heap and self._heap[0][0] <= now:
            moment, account_id = heappop(self._heap)
            if self._moments.get(account_id) == moment:
                del self._moments[account_id]
                return account_id
        return None

    def soonest(self) -> int:
        """The first moment that an account waits for; `NEVER`: there is none."""
        while self._heap and self._moments.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else NEVER
