"""The due queue: whom to look at when. Its cost grows with what comes due, not with the number of accounts."""

import heapq
from collections.abc import Iterator


class DueQueue:
    """Accounts by their due times, one due time for each. Most of them share theirs with many others, as days close for
    all at once: a heap of the different times, and a list of accounts for each."""

    def __init__(self) -> None:
        self._times: list[int] = []
        self._accounts: dict[int, list[str]] = {}
        self._due: dict[str, int] = {}

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

    def _enter(self, account: str, due: int) -> None:
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
            try:
                for account in accounts:
                    taken += 1
                    if self._due.get(account) == due:
                        del self._due[account]
                        yield account
            finally:
                for account in accounts[taken:]:  # left in the middle: they wait on
                    self._enter(account, due)
