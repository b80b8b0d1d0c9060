"""Learning what each source of activity does on a day: a dead one is no decline of the accounts that live on it.

The fleet tracks the sources that most accounts use. Each has a factor a day, as the fleet has: what came from it
against what was expected of it, by its accounts' own normal and the share that they are used to having from it. A
source has a weekday profile of its own, which its factor is held against. One that too few accounts use does as the
fleet does, unless nothing at all comes from it (`whole_source.py`).
"""

from dataclasses import dataclass
from typing import Any, Final

from streams.detection import fleet_learning
from streams.detection.fleet_learning import FACTOR_LEAST, LENT, clipped
from streams.detection.source_sums import SourceSums
from streams.detection.sources import DEFAULT, DEFAULT_KEY, REST, REST_KEY, SOURCES, TRACKED, UNTRACKED, Layout
from streams.detection.whole_source import WholeSource

OTHER: Final = "other"
"""What the untracked sources together are called."""
_WEEK_PRIOR: Final = 5.0
_LEARNS_ABOVE: Final = 0.6
_SEEN: Final = 1.5
"""Weekdays like today's from which a source is known: on the second, when it is still growing, too little is."""
_TEACHES_MOST: Final = 2.0
"""Shares lag behind: of a source that many have just come to, all would be far beyond what is usual."""
_KEPT: Final = 0.97
"""Of what is known of a source from day to day, and of its profile from week to week."""
_AHEAD: Final = 2.0
"""So many times as much used a source takes another's place."""


@dataclass(frozen=True, slots=True)
class SourceDay:
    """The sources on one day, each by its number (see `sources.py`)."""

    layout: Layout
    """Which were tracked."""
    names: tuple[str, ...]
    """What they are called; empty where there is none."""
    factors: tuple[float, ...]
    """As `FleetDay.factor`."""
    speaking: tuple[bool, ...]
    """Enough accounts use it for its factor to be its own."""
    measured: tuple[float, ...]
    """See `fleet_learning.measured`; of the day that is decided, and not stored."""

    def pack(self) -> list[Any]:
        """As plain data."""
        return [self.layout, self.names, self.factors, self.speaking]

    @classmethod
    def unpack(cls, packed: list[Any]) -> "SourceDay":
        """What `pack` gave."""
        layout, names, factors, speaking = packed
        return cls(tuple(layout), tuple(names), tuple(factors), tuple(speaking), ())


class SourceLearning:
    """What is learnt of the sources, day by day."""

    def __init__(self) -> None:
        self.layout: Layout = UNTRACKED
        """Which are tracked, by what is known."""
        self._used: dict[int, float] = {}
        """Decayed count of the accounts that were active on each, by bucket."""
        self._names: dict[int, tuple[int, str]] = {}
        self._week = [_flat() for _ in range(SOURCES)]
        """By source and weekday, decayed: what there was, and what was expected by the fleet's factor."""
        self.wholes = [WholeSource() for _ in range(SOURCES)]
        """By source, as one whole; of the rest there is none."""

    def name_of(self, key: int) -> str:
        """What a source is called, by its key."""
        if key == DEFAULT_KEY:
            return DEFAULT
        return OTHER if key == REST_KEY else self._names.get(key, (0, OTHER))[1]

    def decide(self, weekday: int, sums: SourceSums, factor: float) -> SourceDay | None:
        """The sources on the next day, on which the fleet's factor is as given; learns for the days after it. None as
        long as no source is tracked but the default."""
        today = self._today(weekday, sums, factor) if self.layout != UNTRACKED else None
        if factor > _LEARNS_ABOVE:
            self._withdraw()
        self._see(sums)
        return today

    def _today(self, weekday: int, sums: SourceSums, factor: float) -> SourceDay:
        factors, speaking, measured = [], [], []
        for source in range(SOURCES):
            today, whole = sums.of_source(source), self.wholes[source]
            had, expected = self._week[source][weekday]
            usual = (had + _WEEK_PRIOR) / (expected + _WEEK_PRIOR)
            # As of the fleet: it was seen on such weekdays, when it was as large, and more is expected than is lent.
            known = expected >= _SEEN * today.expected and today.expected * usual >= LENT
            speaks = known and today.accounts >= fleet_learning.FEWEST
            if source != REST:
                whole.add(today, usual * factor)
            own = factor
            if speaks:
                own = (today.came + LENT * factor) / (today.expected * usual + LENT)
            elif whole.quiet:
                own = FACTOR_LEAST
            if factor > _LEARNS_ABOVE and (own > _LEARNS_ABOVE if speaks else not whole.quiet):
                ordinary = today.expected * factor
                came = min(today.came, _TEACHES_MOST * ordinary)
                self._week[source][weekday] = [_KEPT * had + came, _KEPT * expected + ordinary]
            factors.append(clipped(own))
            speaking.append(speaks)
            measured.append(fleet_learning.measured(today.came, today.expected * usual))
        names = (DEFAULT, *(self._names[each][1] if each >= 0 else "" for each in self.layout), OTHER)
        return SourceDay(self.layout, names, tuple(factors), tuple(speaking), tuple(measured))

    def _withdraw(self) -> None:
        """Forget what is gone for good."""
        layout = list(self.layout)
        for place in range(TRACKED):
            if self.wholes[place + 1].withdrawn:
                self._used.pop(layout[place], None)
                self._track(layout, place, -1)
        self.layout = tuple(layout)

    def _see(self, sums: SourceSums) -> None:
        used = {bucket: _KEPT * before for bucket, before in self._used.items()}
        for bucket, accounts in sums.active.items():
            used[bucket] = used.get(bucket, 0.0) + accounts
            self._names[bucket] = max(self._names.get(bucket, (0, "")), sums.names[bucket])
        least = fleet_learning.FEWEST
        layout = list(self.layout)
        self._used = {bucket: use for bucket, use in used.items() if use >= 0.1 * least or bucket in layout}
        self._names = {bucket: self._names[bucket] for bucket in self._used}
        for use, bucket in sorted((-use, bucket) for bucket, use in self._used.items() if bucket not in layout):
            place = min(range(TRACKED), key=lambda each: self._used[layout[each]] if layout[each] >= 0 else -1.0)
            held = self._used[layout[place]] if layout[place] >= 0 else 0.0
            if -use < least or -use < _AHEAD * held:
                break
            self._track(layout, place, bucket)
        self.layout = tuple(layout)

    def _track(self, layout: list[int], place: int, bucket: int) -> None:
        """In a place there is another source now, of which nothing is known; -1: none."""
        layout[place] = bucket
        self._week[place + 1] = _flat()
        self.wholes[place + 1] = WholeSource()

    def pack(self) -> list[Any]:
        """As plain data."""
        return [
            self.layout,
            [(bucket, use, *self._names[bucket]) for bucket, use in self._used.items()],
            self._week,
            [whole.pack() for whole in self.wholes],
        ]

    def unpack(self, packed: list[Any]) -> None:
        """Go on from what `pack` gave."""
        layout, used, self._week, *wholes = packed
        if wholes:
            self.wholes = [WholeSource.unpack(each) for each in wholes[0]]
        self.layout = tuple(layout)
        self._used = {bucket: use for bucket, use, _, _ in used}
        self._names = {bucket: (most, name) for bucket, _, most, name in used}


def _flat() -> list[list[float]]:
    return [[0.0, 0.0] for _ in range(7)]
