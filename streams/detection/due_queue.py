"""The due queue: whom to look at when. Its cost grows with what comes due, not with the number of accounts."""

import heapq
from collections.abc import Iterator
from typing import Final

_STALE: Final = 4
_FEW: Final = 64
"""More entries than so many for each account that waits, and these: most are stale, and it is built anew."""


class DueQueue:
    """Accounts by their due times, one due time for each. Most of them share theirs with many others, as days close for
    all at once: a heap of the different times, and a list of accounts for each."""

    def __init__(self) -> None:
        self._times: list[int] = []
        self._accounts: dict[int, list[str]] = {}
        self._due: dict[str, int] = {}
        self._entries = 0
        """Also those of accounts that have another due time by now."""

    def __len__(self) -> int:
        """Accounts that wait."""
        return len(self._due)

    def put(self, account: str, due: int | None) -> None:
        """An account's due time from now on; None: it has none."""
        if due == self._due.get(account):
            return
        if due is None:
            del self._due[account]
            return
        self._due[account] = due  # the entry of before is passed over when its time comes
        self._enter(account, due)
        if self._entries > _STALE * len(self._due) + _FEW:
            self._times, self._accounts, self._entries = [], {}, 0
            for each, at in self._due.items():
                self._enter(each, at)

    def _enter(self, account: str, due: int) -> None:
        self._entries += 1
        accounts = self._accounts.get(due)
        if accounts is None:
            self._accounts[due] = [account]
            heapq.heappush(self._times, due)
        else:
            accounts.append(account)

    def until(self, clock: int) -> Iterator[str]:
        """Take out those due at or before `clock`, in the order of their due times. Whoever is put in between takes
        part."""
        while self._times and self._times[0] <= clock:
            due = heapq.heappop(self._times)
            accounts, taken = self._accounts.pop(due), 0
            self._entries -= len(accounts)
            try:
                for account in accounts:
                    taken += 1
                    if self._due.get(account) == due:
                        del self._due[account]
                        yield account
            finally:
                for account in accounts[taken:]:  # left in the middle: they wait on
                    self._enter(account, due)
