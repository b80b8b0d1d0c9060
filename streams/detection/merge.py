"""The events of all origins, in the order of event time: what one home partition holds back until it is their turn.

An event's turn has come when the clock of every origin has passed its place. Which events have been applied is then a
matter of three numbers, the `Progress`, and holds across a crash: what the shuffle's records below `read` put before
`clock` is applied, the rest is not.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

import orjson

from schemas.errors import StateError, VersionError
from schemas.shuffle import Fact, ShuffleRecord, Usage, is_parked, place_of

VERSION: Final = 4
_SLICE_MS: Final = 3_600_000
_TOGETHER: Final = 20_000
"""Up to so many events slices are taken as one: an account's events together cost less than one by one."""
_ACCOUNTS: Final = 5_000
"""What would change more accounts than these is given in parts: they are held until the state is whole."""

Event = Usage | Fact


@dataclass(slots=True)
class OriginState:
    """What is known of one origin."""

    name: str
    floor: int = -1
    """Highest offset received: an event at or below it is a repetition."""
    clock: int | None = None
    caught_up: bool = False
    over: int | None = None
    """Shuffle offset from which on nothing new comes of it: its topic was created anew."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a home partition has come; stored with its state, in the same transaction."""

    low: int
    """Shuffle offset below which every event is applied: where to read on."""
    read: int
    """Shuffle offset up to which (not including) everything was received."""
    clock: int | None
    """Below `read`, exactly the events with an earlier place are applied."""
    origins: dict[str, tuple[int, int | None]]
    """Of each origin the highest offset received below `low` or applied, and its clock. Of several origins of one
    partition the last is the one that is there."""
    behind: bool = False
    """Pictures of some accounts are older than their rows: they were left for later."""
    shuffle: str = ""
    """Which topic of its name the shuffle is; empty where that is not known."""
    closed: int = -1
    """The newest day that is closed for all accounts; -1 before the first."""
    counted: Any = None
    """What is counted of open days and is no account's, as plain data."""
    known: dict[str, int] = field(default_factory=dict)
    """By `InputTopic`, the time (ms) before which all its events were known before the first was read."""

    def encode(self) -> bytes:
        more = (self.behind, self.shuffle, self.closed, self.counted, self.known)
        return orjson.dumps((VERSION, self.low, self.read, self.clock, self.origins, *more))

    @classmethod
    def decode(cls, raw: bytes) -> "Progress":
        """Raises `StateError` for damage, and when a newer version wrote it."""
        try:
            version, *values = orjson.loads(raw)
            if not 1 <= version <= VERSION:
                raise VersionError(f"the state's progress is of version {version}: this worker reads up to {VERSION}")
            low, read, clock, origins, *more = values
            return cls(low, read, clock, {name: (floor, at) for name, (floor, at) in origins.items()}, *more)
        except (ValueError, TypeError, AttributeError) as error:
            raise StateError(f"the state's progress is damaged: {error}") from error


@dataclass(slots=True, eq=False)
class _Source:
    """The shuffle record that held events came in."""

    offset: int
    origin: OriginState
    partition: str
    floor_before: int
    held: int = 0


@dataclass(slots=True, eq=False)
class _Group:
    """Events of one shuffle record in one slice. None has a place before `first`: so those that are far from their turn
    are passed over, however many are held and however often the others are looked for."""

    source: _Source
    events: list[Event]
    first: int


_place: Final = attrgetter("effective_at")
_account: Final = attrgetter("account")


class Merge:
    """Events of one home partition, waiting for their turn.

    `places` names every input partition there is: one that has said nothing yet holds the clock. At each place there is
    one origin at a time. The first record of an unknown one puts it in the place of the one before, whose clock then
    holds nobody, and whose events wait for their turn as before. `most` bounds how many events wait; when more do, the
    earliest are applied out of turn and counted in `disordered`. With `live`, events are applied as they come once
    every origin is caught up; without, the clocks alone say what is applied when. That an origin is caught up counts
    from the shuffle's offset `begun` on: what was said before is of readers that are no more, and those that follow
    may have much to read before they come to say anything.
    """

    def __init__(
        self,
        places: frozenset[str],
        progress: Progress | None = None,
        *,
        most: int = 200_000,
        live: bool = False,
        begun: int = 0,
    ) -> None:
        self.read = progress.low if progress else 0
        self.clock = progress.clock if progress else None
        self.barrier: int | None = None
        """Nothing with a place at or after this moment is given, and the clock does not pass it: when it comes to it,
        there is something to do first."""
        self.disordered = 0
        self._most = most
        self._live = live
        self._begun = begun if live else 0  # without, it is said once, and decides nothing
        self._before = progress
        self.behind = progress is not None and progress.behind
        """Pictures were left for later."""
        self.closed = progress.closed if progress else -1
        """The newest day that was closed."""
        self.counted = progress.counted if progress else None
        """What was counted of days that are open."""
        self._known = progress.known if progress else {}
        self.passed_over = 0
        """Events that were known before the first was read."""
        self._there = {place: OriginState(place) for place in sorted(places)}
        self._gone: dict[str, OriginState] = {}  # by name; no longer there, or of parked records: they hold up nobody
        for name, (floor, clock) in (progress.origins if progress else {}).items():
            place, origin = place_of(name), OriginState(name, floor, clock)
            if place in places:
                self._put(place, origin, progress.read - 1 if progress else 0)
            else:
                self._gone[name] = origin
        self.replaced: list[tuple[str, int]] = []
        """Partitions at which another origin has begun, and how far the one before had been read; for who takes it."""
        self._slices: dict[int, list[_Group]] = {}
        self._sources: dict[int, _Source] = {}
        self._waiting = 0
        self._parts: deque[tuple[list[Event], int]] = deque()  # of slices that are taken, each with the clock after it
        self._parts_of: list[_Group] = []  # where they came from

    def __len__(self) -> int:
        """Events that wait."""
        return self._waiting

    @property
    def caught_up(self) -> bool:
        """Every origin has been read to its end."""
        return all(origin.caught_up for origin in self._there.values())

    @property
    def overdue(self) -> int:
        """Event time (ms) between the clock and what every origin has passed: what is held there has its turn."""
        until = self._until()
        return 0 if until is None or self.clock is None else until - self.clock

    @property
    def up_to_date(self) -> bool:
        """Events are applied as they come, and none waits."""
        return self._live and self.caught_up and not self._waiting

    @property
    def clocks(self) -> dict[str, int | None]:
        """The clock of every place."""
        return {place: origin.clock for place, origin in self._there.items()}

    @property
    def earliest(self) -> int | None:
        """The first place of all that waits, or a moment before it; None as long as an earlier one may come."""
        until = self._until()
        if not self._slices or (until is None and self._waiting <= self._most):
            return None
        first = min(group.first for group in self._slices[min(self._slices)])
        return first if until is None else min(until, first)

    @property
    def _at_barrier(self) -> bool:
        return self.barrier is not None and self.clock is not None and self.clock >= self.barrier

    def held(self) -> Iterator[Event]:
        """The events that wait, in no order."""
        for groups in self._slices.values():
            for group in groups:
                yield from group.events
        for events, _ in self._parts:
            yield from events

    def is_repeated(self, offset: int) -> bool:
        """Whether the record at this offset was received before, by whoever stored the progress it began with."""
        return self._before is not None and offset < self._before.read

    def knows(self, name: str) -> bool:
        """Whether an origin of this name is there, or was."""
        there = self._there.get(place_of(name))
        return name in self._gone or (there is not None and there.name == name)

    def receive(self, offset: int, record: ShuffleRecord, admits: Callable[[Event], bool] | None = None) -> None:
        """Hold back a record's events. `offset` is the record's own, in the shuffle partition. Those that `admits` does
        not let in are passed over, for good."""
        self.read = offset + 1
        partition = place_of(record.origin)
        origin = self._there.get(partition)
        if origin is None or origin.name != record.origin:
            origin = self._other(partition, record.origin, offset)
        source = _Source(offset, origin, partition, origin.floor)
        # Read again after a restart: what lies before the stored clock is applied.
        applied = self._before.clock if self._before is not None and self.is_repeated(offset) else None
        known = self._known.get(record.topic, -1)
        slices, current, floor = self._slices, None, origin.floor
        group = _Group(source, [], 0)
        for event in record.events:
            number, place = event[0], event[1]  # by index: this is done for every event
            if number <= floor or (applied is not None and place < applied):
                continue
            if event[3] < known:
                self.passed_over += 1
                continue
            if admits is not None and not admits(event):
                continue
            if place // _SLICE_MS != current:
                current, group = place // _SLICE_MS, _Group(source, [], place)
                slices.setdefault(current, []).append(group)
            elif place < group.first:
                group.first = place
            group.events.append(event)
            source.held += 1
        if source.held:
            self._sources[offset] = source
            self._waiting += source.held
        origin.floor = max(origin.floor, record.last)
        origin.caught_up = record.caught_up and offset >= self._begun
        if record.clock is not None and (origin.clock is None or record.clock > origin.clock):
            origin.clock = record.clock

    def _other(self, place: str, name: str, offset: int) -> OriginState:
        """The origin of a record that is not of the one that is there."""
        there = self._there.get(place)
        if there is not None:
            if name == place:  # written before topics of one name were told apart
                return there
            if there.name == place:  # likewise; or it has said nothing yet
                there.name = name
                return there
        if name in self._gone:
            return self._gone[name]
        begun = OriginState(name)
        if is_parked(name):  # beside its input partition, and never in its place
            self._gone[name] = begun
            return begun
        if there is not None:
            self.replaced.append((place, there.floor + 1))
        self._put(place, begun, offset)
        return begun

    def _put(self, place: str, origin: OriginState, offset: int) -> None:
        before = self._there.get(place)
        if before is not None and before.name != place:
            before.over = offset
            self._gone[before.name] = before
        self._there[place] = origin

    def due(self, *, idle: bool) -> Iterator[tuple[list[Event], int | None]]:
        """The events whose turn has come, in slices of one hour or several, each with the clock after it.

        `idle` says that nothing more is waiting to be received: then the hour that has begun is taken as far as it
        goes. The caller must apply a slice wholly before it asks for the next one or for `progress`.
        """
        if self._before is not None and self.read < self._before.read:
            return  # not all that was held has been received again: what is missing may come first
        until, barrier = self._until(), self.barrier
        if until is not None and barrier is not None and until >= barrier:
            until, idle = barrier, True  # every origin has come beyond it: that hour is whole, up to there
        while self._slices or self._parts:
            given = self._next_part() if self._parts else self._next(until, idle=idle)
            if given is None:
                break
            yield given
        if until is not None and (until := until if idle else until // _SLICE_MS * _SLICE_MS) > (
            self.clock or until - 1
        ):
            yield [], self._move(until)

    def _next(self, until: int | None, *, idle: bool) -> tuple[list[Event], int | None] | None:
        """What has its turn next, if anything has."""
        number = min(self._slices)
        if self.clock is not None and (late := self._take_before(self.clock)):
            # After a slice out of turn, or of a partition that was added: their time is past. All of them at once,
            # so that nothing that waits is below the clock when the state is whole.
            return late, self.clock
        whole = until is not None and (number + 1) * _SLICE_MS <= until
        if self._waiting > self._most and not whole and not self._at_barrier:
            return self._out_of_turn(number)
        if self._live and self.caught_up and idle and not self._at_barrier:
            # All of it, places after the clock too: so that nothing is held and `low` is `read`. What lies beyond the
            # barrier says that its moment is past.
            taken = self._take_before(self.barrier)
            return taken, self._move(self.barrier) if self._slices and self.barrier is not None else self.clock
        if until is None or number * _SLICE_MS >= until:
            return None
        if whole:
            self._part(self._end(number, until))
            return self._next_part()
        if idle or number * _SLICE_MS < (self.clock or 0):
            taken = self._take_until(number, until)
            return (taken, self._move(until)) if taken else None
        return None

    def progress(self) -> Progress:
        """What to store with the state, once every slice that `due` gave is applied."""
        low = min((source.offset for source in self._sources.values()), default=self.read)
        states = [origin for origin in self._gone.values() if origin.over is None or origin.over >= low]
        origins = {origin.name: (origin.floor, origin.clock) for origin in (*states, *self._there.values())}
        for source in self._sources.values():  # in the order of receipt, so that the first of an origin is its earliest
            floor, clock = origins[source.origin.name]
            origins[source.origin.name] = (min(floor, source.floor_before), clock)
        before = self._before.read if self._before else 0
        return Progress(low, max(self.read, before), self.clock, origins, known=self._known)

    def _until(self) -> int | None:
        """The time that every origin has passed; None while one has not begun."""
        clocks = [origin.clock for origin in self._there.values()]
        known = [clock for clock in clocks if clock is not None]
        if not known or len(known) < len(clocks):
            return self.clock
        return max(min(known), self.clock or 0)

    def _move(self, clock: int) -> int:
        self.clock = max(clock, self.clock or clock)
        return self.clock

    def _end(self, number: int, until: int) -> int:
        """The slice before which to take what begins with slice `number`: a later one as long as that is not too much
        at a time."""
        end, held = number + 1, 0
        for each in sorted(self._slices):
            held += sum(len(group.events) for group in self._slices[each])
            if (each + 1) * _SLICE_MS > until or (held > _TOGETHER and each > number):
                break
            end = each + 1
        return end

    def _pop(self, end: int) -> list[_Group]:
        return [group for number in list(self._slices) if number < end for group in self._slices.pop(number)]

    def _part(self, end: int) -> None:
        """Take everything of the slices before `end`, in parts of not too many accounts."""
        self._parts_of = self._pop(end)
        events, begin = self._sorted(self._parts_of), 0
        if len(events) > _ACCOUNTS and len(set(map(_account, events))) > _ACCOUNTS:
            accounts: set[str] = set()
            for number, event in enumerate(events):
                if len(accounts) >= _ACCOUNTS and _place(events[number - 1]) < (place := _place(event)):
                    self._parts.append((events[begin:number], place))
                    begin = number
                    accounts.clear()
                accounts.add(event.account)
        self._parts.append((events[begin:], end * _SLICE_MS))

    def _next_part(self) -> tuple[list[Event], int]:
        # What it came from is held until the last part, so that all of it is read again if that is not reached; what
        # was applied lies before the clock by then.
        events, clock = self._parts.popleft()
        if not self._parts:
            self._release(self._parts_of)
            self._parts_of = []
        return events, self._move(clock)

    def _out_of_turn(self, number: int) -> tuple[list[Event], int]:
        """Everything up to the end of slice `number`, or to the barrier, whatever may still come."""
        end = (number + 1) * _SLICE_MS
        if self.barrier is not None:
            end = min(end, self.barrier)
        events = self._take_before(end)
        self.disordered += len(events)
        return events, self._move(end)

    def _take_before(self, moment: int | None) -> list[Event]:
        """Everything with a place before the moment, in order; all there is without one."""
        if moment is None:
            return self._merged(self._pop(max(self._slices) + 1))
        begun = [each for each in self._slices if each * _SLICE_MS < moment]
        return self._merged([group for number in begun for group in self._parted(number, moment)])

    def _take_until(self, number: int, until: int) -> list[Event]:
        """What slice `number` has before a moment, in order."""
        return self._merged(self._parted(number, until))

    def _parted(self, number: int, moment: int) -> list[_Group]:
        """Take out of slice `number` what has a place before the moment, and leave the rest."""
        early: list[_Group] = []
        rest: list[_Group] = []
        for group in self._slices.pop(number):
            if group.first >= moment:
                rest.append(group)
                continue
            events = group.events
            early.append(_Group(group.source, [event for event in events if event.effective_at < moment], group.first))
            if later := [event for event in events if event.effective_at >= moment]:
                rest.append(_Group(group.source, later, min(event.effective_at for event in later)))
        if rest:
            self._slices[number] = rest
        return early

    def _merged(self, groups: list[_Group]) -> list[Event]:
        """The groups' events in the order of (place, origin, offset). They are held no longer."""
        events = self._sorted(groups)
        self._release(groups)
        return events

    def _sorted(self, groups: list[_Group]) -> list[Event]:
        groups.sort(key=lambda group: (group.source.partition, group.source.offset))
        merged = [event for group in groups for event in group.events]
        merged.sort(key=_place)  # a stable sort: those of one place stay by origin and offset
        return merged

    def _release(self, groups: list[_Group]) -> None:
        for group in groups:
            group.source.held -= len(group.events)
            self._waiting -= len(group.events)
            if not group.source.held:
                self._sources.pop(group.source.offset, None)
