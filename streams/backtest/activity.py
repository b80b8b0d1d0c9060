"""Each account's events a day, kept for the whole of a history: eight bytes an active day."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import Self, TypeAlias

from streams.backtest.reading import USAGE
from streams.detection.calendar import Calendar
from streams.produce.ordering import Item

Days: TypeAlias = "tuple[array[int], array[int]]"
"""Active days, ascending, and the sum of the quantities of each. A day is a day number in the business time zone."""


class Activity(Mapping[str, Days]):
    """Fold usage items in, in order of time; then look accounts up by id. Repeated events are counted as they come."""

    def __init__(self, accounts: dict[str, Days] | None = None) -> None:
        self._accounts = accounts if accounts is not None else {}
        self._first: dict[int, dict[str, int]] = {}

    def __getitem__(self, account: str) -> Days:
        return self._accounts[account]

    def __iter__(self) -> Iterator[str]:
        return iter(self._accounts)

    def __len__(self) -> int:
        return len(self._accounts)

    def fold(self, items: Iterable[Item], calendar: Calendar) -> None:
        """Count the usage events among these."""
        accounts = self._accounts
        day = ends = -1
        first: dict[str, int] = {}
        for item in items:
            if item[1] != USAGE:
                continue
            if item[0] >= ends:
                day = calendar.day_of(item[0])
                ends = calendar.start_of(day + 1)
                first = self._first.setdefault(day, {})
            known = accounts.get(item[2])
            if known is None:
                accounts[item[2]] = (array("i", (day,)), array("q", (item[5],)))
                first[item[2]] = item[0]
            elif known[0][-1] == day:
                known[1][-1] += item[5]
            else:
                known[0].append(day)
                known[1].append(item[5])
                first[item[2]] = item[0]

    def first_event(self, day: int, account: str) -> int | None:
        """When (ms) the account's first event of a day was; None where there is none, and when it is forgotten."""
        return self._first.get(day, {}).get(account)

    def forget_before(self, day: int) -> None:
        """Times of events are not needed any more from before this day; the counts stay."""
        for old in [each for each in self._first if each < day]:
            del self._first[old]

    def __iadd__(self, other: Self) -> Self:
        """Take over another's accounts."""
        self._accounts.update(other._accounts)
        return self
