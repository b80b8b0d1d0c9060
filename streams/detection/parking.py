"""Records that wait until it can be told whose they are.

A record waits from its place on until an account names its id, and goes on with the place of that update; or it has
waited for too long. Which of the two follows from places alone, as what an id stands for does. So does whether there is
room: whoever waits takes its room until the clock of its input partition has passed the end of its wait.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from streams.detection.aliases import Aliases

BYTES: Final = 16 << 20
"""What the records of one input partition may hold together."""
_SHARE: Final = 10
"""No id has more than this part of the room for records."""


class Parked(NamedTuple):
    """A record that waits."""

    offset: int
    place: int
    """That its events would have had, in ms."""
    name: str
    """The id that stands for no account yet."""
    size: int
    """In bytes."""
    record: Any
    """Whatever its keeper needs, to read it again."""


@dataclass(slots=True)
class Over:
    """Whose wait is over."""

    named: list[tuple[int, str, Parked]] = field(default_factory=list)
    """The place from which on it is an account's, the account and the record, in the order of places."""
    late: list[Parked] = field(default_factory=list)
    """Nobody has named them in time."""

    def __bool__(self) -> bool:
        return bool(self.named or self.late)


class Parking:
    """The records of one input partition that wait, at most `most` of them, each for `keep` ms of event time."""

    def __init__(self, known: Aliases, partition: str, *, keep: int, most: int) -> None:
        self._known = known
        self._partition = partition
        self._keep = keep
        self._most = most
        self._by_name: dict[str, list[Parked]] = {}
        self._count = self._bytes = 0
        self._over = Over()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Parked]:
        for records in self._by_name.values():
            yield from records

    def keep(self, parked: Parked) -> None:
        """Let a record wait that was found to have room."""
        self._by_name.setdefault(parked.name, []).append(parked)
        self._count += 1
        self._bytes += parked.size

    def take(self, parked: Parked, clock: int) -> bool:
        """Let the next record wait, if there is room for it when its partition's clock is there."""
        if not self._has_room(parked):
            self._go_on(clock)
            if not self._has_room(parked):
                return False
        self.keep(parked)
        return True

    def over(self, clock: int) -> Over:
        """Whose wait is over when the partition's clock is there, since the last call. All that was stated before must
        be known."""
        self._go_on(clock)
        over, self._over = self._over, Over()
        over.named.sort(key=lambda each: (each[0], each[2].place, each[2].offset))
        return over

    def _has_room(self, parked: Parked) -> bool:
        of_id = len(self._by_name.get(parked.name, ()))
        share = max(1, self._most // _SHARE)
        return self._count < self._most and of_id < share and self._bytes + parked.size <= BYTES

    def _go_on(self, clock: int) -> None:
        for name, records in list(self._by_name.items()):
            waiting = [each for each in records if not self._is_over(each, clock)]
            if waiting:
                self._by_name[name] = waiting
            else:
                del self._by_name[name]
        self._count = sum(map(len, self._by_name.values()))
        self._bytes = sum(each.size for each in self)

    def _is_over(self, parked: Parked, clock: int) -> bool:
        known, until = self._known, parked.place + self._keep
        if not known.has_to_be_alias(parked.name):  # any more: the setting is another one
            self._over.named.append((parked.place, parked.name, parked))
            return True
        named = known.named_after(parked.name, parked.place, self._partition, parked.offset)
        if named is not None and (known.live or named[0] <= min(clock, until)):
            self._over.named.append((max(named[0], parked.place), named[1], parked))
        elif until < clock:
            self._over.late.append(parked)
        else:
            return False
        return True
