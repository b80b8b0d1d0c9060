"""Records that wait until it can be told whose they are.

A record waits from its place on until an account names its id, and goes on with the place of that update; or it has
waited for too long. Which of the two follows from places alone, as what an id stands for does. So does whether there is
room: whoever waits takes its room until the clock of its input partition has passed the end of its wait.
"""

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Any, Final, NamedTuple

from streams.detection.aliases import FOREVER, Aliases

BYTES: Final = 16 << 20
"""What the records of one input partition may hold together."""
_SHARE: Final = 10
"""No id has more than this part of the room for records."""
_AT_ONCE: Final = -FOREVER


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
    """The records of one input partition that wait, at most `most` of them, each for `keep` ms of event time.

    A record has a moment: the clock at which its wait is over, by what is known of its id. So however many wait, only
    those are looked at whose moment has come, and those of ids of which something was stated.
    """

    def __init__(self, known: Aliases, partition: str, *, keep: int, most: int) -> None:
        self._known = known
        self._partition = partition
        self._keep = keep
        self._most = most
        self._by_name: dict[str, dict[int, Parked]] = {}
        """By number, in the order in which they came."""
        self._number = self._count = self._bytes = 0
        self._moments: dict[int, int] = {}
        self._heap: list[tuple[int, int, str]] = []
        """Moment, number and id; with some that are out of date."""
        self._seen: tuple[int, bool] = (known.changes, known.live)
        self._stated: dict[str, int] = {}
        """How much was known of each id when the moments of its records were found."""
        self._over = Over()

    def __len__(self) -> int:
        return self._count

    def keep(self, parked: Parked) -> None:
        """Let a record wait that was found to have room."""
        self._number += 1
        self._by_name.setdefault(parked.name, {})[self._number] = parked
        self._stated.setdefault(parked.name, self._known_of(parked.name))
        self._wait(self._number, parked)
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
        self._learn()
        while self._heap and self._heap[0][0] <= clock:
            moment, number, name = heappop(self._heap)
            if self._moments.get(number) == moment:
                self._end(self._forget(number, name))

    def _learn(self) -> None:
        """Find the moments anew of records of whose id something was stated since."""
        seen, before = (self._known.changes, self._known.live), self._seen
        if seen == before:
            return
        self._seen = seen
        for name, records in self._by_name.items():
            stated = self._known_of(name)
            if stated != self._stated[name] or seen[1] != before[1]:
                self._stated[name] = stated
                for number, parked in records.items():
                    self._wait(number, parked)
        if len(self._heap) > 2 * self._count:
            self._heap = [each for each in self._heap if self._moments.get(each[1]) == each[0]]
            heapify(self._heap)

    def _known_of(self, name: str) -> int:
        return len(self._known.histories.get(name, ()))

    def _wait(self, number: int, parked: Parked) -> None:
        moment = self._moment(parked)
        if self._moments.get(number) != moment:
            self._moments[number] = moment
            heappush(self._heap, (moment, number, parked.name))

    def _forget(self, number: int, name: str) -> Parked:
        records = self._by_name[name]
        parked = records.pop(number)
        if not records:
            del self._by_name[name], self._stated[name]
        del self._moments[number]
        self._count -= 1
        self._bytes -= parked.size
        return parked

    def _end(self, parked: Parked) -> None:
        named = self._named(parked)
        if named is None:
            self._over.late.append(parked)
        else:
            self._over.named.append((max(named[0], parked.place), named[1], parked))

    def _moment(self, parked: Parked) -> int:
        """The clock at which the wait of a record is over."""
        named = self._named(parked)
        if named is None:
            return parked.place + self._keep + 1
        return _AT_ONCE if self._known.live else named[0]

    def _named(self, parked: Parked) -> tuple[int, str] | None:
        """The place from which on it is an account's, and that account, as far as it is known, and in time."""
        known = self._known
        if not known.has_to_be_alias(parked.name):  # any more: the setting is another one
            return _AT_ONCE, parked.name
        named = known.named_after(parked.name, parked.place, self._partition, parked.offset)
        in_time = named is not None and (known.live or named[0] <= parked.place + self._keep)
        return named if in_time else None
