"""How many accounts a home partition may have: those that its shuffle names first.

Whoever makes up ids of accounts would otherwise take memory and state without end. What finds no room is a dead letter,
and those who are known go on as if nothing had happened.

Whether an event is let in follows from the shuffle's order alone: the accounts that there are, and those of events that
wait, are all that the records before it have named. When records are read again after a crash, some of those who waited
are there by then, and none is gone; so each event meets the same answer as before, and its dead letter, which was
written with the state, is not written again.
"""

from collections.abc import Mapping
from typing import Final

from schemas.errors import Reason
from schemas.shuffle import Fact, ShuffleRecord, Usage
from schemas.usage import UsageEvent
from streams.detection.merge import Event, Merge
from streams.detection.results import Refusal, TurnedAway
from streams.detection.stall import FLEET_ID
from streams.detection.statements import is_claim

NO_ROOM: Final = Refusal(
    Reason.TOO_MANY_ACCOUNTS,
    "account_id",
    "is no account that is known, and its home partition has as many as it may have (max_partition_accounts)",
)
UNBOUNDED: Final = 1 << 40
"""More accounts than there can be."""


class Admission:
    """Lets events of at most `most` accounts into a merge. The keys of `known` are those that are there; it grows as
    events are applied."""

    def __init__(self, known: Mapping[str, int], merge: Merge, most: int) -> None:
        self._known = known
        self._merge = merge
        self._most = most
        self._counts = False
        self._coming: set[str] = set()
        """Accounts of events that wait, with some that are known by now."""
        self._seen = -1
        """How many were known when those were taken out last."""
        self._origin = ""
        self._repeated = False
        self._turned_away: list[TurnedAway] = []

    def receive(self, offset: int, record: ShuffleRecord) -> None:
        """Hand the merge a record, without the events of those for whom there is no room."""
        merge = self._merge
        # Were each event one of a new account, there would still be room: nearly always so, and then nobody is counted.
        if not self._counts and len(self._known) + len(merge) + len(record.events) <= self._most:
            merge.receive(offset, record)
            return
        if not self._counts:
            self._counts = True
            self._coming = {each.account for each in merge.held() if not is_claim(each)}
        self._origin, self._repeated = record.origin, merge.is_repeated(offset)
        merge.receive(offset, record, self._admits)

    def take(self) -> list[TurnedAway]:
        """What was turned away since the last call."""
        turned_away, self._turned_away = self._turned_away, []
        return turned_away

    @property
    def used(self) -> float:
        """The share of its room that is taken; above 1 where the bound was lowered."""
        return len(self._known) / self._most

    def _admits(self, event: Event) -> bool:
        account = event.account
        if account in self._known or account in self._coming or account == FLEET_ID or is_claim(event):
            return True
        if not self._has_room():
            if not self._repeated:  # else it was told
                self._turn_away(event)
            return False
        self._coming.add(account)
        return True

    def _has_room(self) -> bool:
        if len(self._known) + len(self._coming) >= self._most and self._seen != len(self._known):
            self._coming = {each for each in self._coming if each not in self._known}
            self._seen = len(self._known)
        return len(self._known) + len(self._coming) < self._most

    def _turn_away(self, event: Event) -> None:
        if isinstance(event, Fact):
            self._turned_away.append(TurnedAway(self._origin, event.offset, event.at, event.body, NO_ROOM))
        elif event.quantity:  # else it says who somebody was, under another key, and is no event
            self._turned_away.append(TurnedAway(self._origin, event.offset, event.at, _as_understood(event), NO_ROOM))


def _as_understood(event: Usage) -> UsageEvent:
    """An event again. Who did it, and which id it had, are known as hashes only, and left out."""
    return UsageEvent.model_construct(
        account_id=event.account,
        event=event.event,
        occurred_at=event.at,
        quantity=event.quantity,
        source=event.source,
    )
