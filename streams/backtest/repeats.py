"""Usage events that stand in a history more than once, with nothing that tells them apart. Pure.

Two things that an account does within a second may well look the same, so none is left out. But an export that holds
a week twice, or has a row for each line of a basket, doubles what an account does: somebody has to say that there are
many.
"""

from collections.abc import Iterable
from typing import Final

from streams.backtest.reading import USAGE
from streams.produce.ordering import Item

MOST: Final = 100
"""Different events of an account and a moment that are remembered: of each account, so that it comes to the same in
whichever homes they are."""
_ROUNDED_MS: Final = 900_000
"""A time at a full quarter of an hour may be a date, or an hour, of any time zone: there, equal rows are nothing."""
_MANY: Final = 0.01
"""Share of all usage events from which on it is worth a word."""
_LEAST: Final = 10
BY_COLUMN: Final = "--id COLUMN (in records: event_id)"
"""How to say of a file that two rows are one event."""


class Repeats:
    """Counts usage events without an id that are, in all that is known of them, like one before. They come in order of
    time."""

    def __init__(self) -> None:
        self.count = 0
        self._first: Item = (-1,)
        self._seen: dict[str, set[int]] = {}
        """Hashes of the moment's events, by account."""

    def take(self, items: Iterable[Item]) -> None:
        """The next ones; what is no usage is passed over."""
        first, seen = self._first, self._seen
        at = first[0]
        for item in items:
            if item[0] != at:  # nearly always: all else costs next to nothing
                at, first = item[0], item
                seen.clear()
            elif at % _ROUNDED_MS and item[1] == USAGE and item[7] is None:
                if not seen and first[1] == USAGE and first[7] is None:
                    seen[first[2]] = {hash(first)}
                own = seen.setdefault(item[2], set())
                known = hash(item)
                if known in own:
                    self.count += 1
                elif len(own) < MOST:
                    own.add(known)
        self._first = first


def told_of_repeats(count: int, total: int, remedy: str) -> str | None:
    """That so many of all usage events repeat another; None: not worth a word.

    >>> told_of_repeats(1_200, 10_000, "--id COLUMN")
    '1,200 of 10,000 usage events (12%) are, in account, event, user, quantity and time, like another, and have no id. \
Each counts. If each is one event that was written twice, or a line of one, --id COLUMN lets it count once.'
    >>> told_of_repeats(12, 10_000, "--id COLUMN")
    """
    if count < _LEAST or count < _MANY * total:
        return None
    return (
        f"{count:,} of {total:,} usage events ({count / total:.0%}) are, in account, event, user, quantity and time, "
        "like another, and have no id. Each counts. If each is one event that was written twice, or a line of one, "
        f"{remedy} lets it count once."
    )
