"""Learning how activity flows through a week, to notice within the hour that it stopped, where volumes allow.

Each source, and all together, has a profile by quarter of an hour of the week, in accounts' days. A quarter adds to a
cumulative sum of the log-likelihood ratio "5% of normal" against "normal" (Page 1954), for counts whose variance is a
learnt multiple of their mean. Expected is the least of those within an hour, as people begin earlier on one day than on
another, and as what comes in batches says nothing in between. The sum opens an alert at 25 nats, and the same sum the
other way says that flow is back. So a fleet with 35 accounts' days in an hour is heard within it, one with a tenth of
that after ten, and of a small one the days' own rule speaks first.
"""

from collections.abc import Mapping
from math import log
from typing import Any, Final, NamedTuple

from streams.detection.flow import ONE, SLOT_MS, Counts
from streams.detection.packing import pack_numbers, unpack_numbers
from streams.detection.sources import WHOLE

_QUARTERS: Final = 7 * 96
_AN_HOUR: Final = 4
_RATIO: Final = 0.05
_EVIDENT: Final = 25.0
_WEEKS_BEFORE: Final = 3
_LEARNS: Final = 0.2
_LEARNS_STALLED: Final = 0.05
"""What becomes of a profile in a week; while nothing comes in it hardly learns, and gives in in the end."""
_FLOOD: Final = 2.0
"""An hour teaches no more than this multiple of what was expected."""
_SPREAD_FROM: Final = 0.5
_SPREAD_KEPT: Final = 0.998
_SPREAD_MOST: Final = 100.0
_LISTENS_FROM: Final = 0.25
"""Nats in a quarter of an hour: less would take most of a day to say anything."""


class Verdict(NamedTuple):
    """What a quarter of an hour said of a source."""

    key: int
    quiet: bool
    """It is quiet since; or flow is back."""
    since: int
    """When that began, ms."""
    percent: int
    """Of normal, since then."""


class _Course:
    """Evidence on one source."""

    def __init__(self, nats: float = 0.0, since: int = -1, seen: float = 0.0, expected: float = 0.0) -> None:
        self.nats = nats
        self.since = since
        self.seen = seen
        self.expected = expected

    def add(self, slot: int, seen: float, expected: float, nats: float) -> bool:
        """The next slot. Gives whether it is evident."""
        if self.nats + nats <= 0.0:
            self.nats, self.since, self.seen, self.expected = 0.0, -1, 0.0, 0.0
            return False
        if self.since < 0:
            self.since = slot
        self.nats += nats
        self.seen += seen
        self.expected += expected
        return self.nats >= _EVIDENT

    def pack(self) -> list[Any]:
        return [self.nats, self.since, self.seen, self.expected]


class FlowLearning:
    """What is learnt of the flow, and how it goes now."""

    def __init__(self) -> None:
        self.judged = -1
        """The newest slot that was judged."""
        self._profiles: dict[int, list[float]] = {}
        """By key: what an hour of the week comes to."""
        self._days: dict[int, int] = {}
        """By key: for how many days it has been learnt."""
        self._spread = 1.0
        self._courses: dict[int, _Course] = {}

    def listens(self, quarter: int) -> bool:
        """Whether this quarter of an hour of the week says anything of all sources together."""
        return self._expected(WHOLE, quarter) * (1.0 - _RATIO) / self._noise >= _LISTENS_FROM

    def expects(self, quarters: list[int]) -> bool:
        """Whether anything may be expected in one of a day's quarters of the week; if not, `judge` says nothing of any,
        and changes nothing but what was judged. What is expected is the least of nine: whichever nine these are, among
        them is one of every fifth of the day, and the next."""
        pairs = [(each, (each + 1) % _QUARTERS) for each in quarters[:: _AN_HOUR + 1]]
        return any(
            profile[each] > 0.0 and profile[following] > 0.0
            for profile in self._profiles.values()
            for each, following in pairs
        )

    def judge(self, slot: int, quarter: int, counts: Counts, stalled: frozenset[int]) -> list[Verdict]:
        """What the next slot, this quarter of the week, says of all and of each source. `stalled`: what is quiet
        already."""
        self.judged = slot
        verdicts = []
        for key in self._profiles:
            expected = self._expected(key, quarter)
            if expected <= 0.0:
                continue
            seen = (sum(counts.values()) if key == WHOLE else counts.get(key, 0)) / ONE
            nats = ((1.0 - _RATIO) * expected + log(_RATIO) * seen) / self._noise
            quiet = key not in stalled
            course = self._courses.setdefault(key, _Course())
            if course.add(slot, seen, expected, nats if quiet else -nats):
                percent = round(100 * course.seen / course.expected)
                verdicts.append(Verdict(key, quiet, course.since * SLOT_MS, percent))
                self._courses[key] = _Course()
        return verdicts

    def learn(self, quarters: list[int], flow: Mapping[int, Counts], first: int, keys: set[int], stalled: bool) -> None:
        """Learn from a day: the `quarters` of the week that its slots are, from `first` on. `keys` are the sources that
        are told apart."""
        wanted = {WHOLE, *(keys if len(keys) > 1 else ())}
        for key in [key for key in self._profiles if key not in wanted]:
            del self._profiles[key], self._days[key]
            self._courses.pop(key, None)
        for key in sorted(wanted):
            profile = self._profiles.setdefault(key, [0.0] * _QUARTERS)
            days = self._days.get(key, 0)
            self._days[key] = days + 1
            share = _LEARNS_STALLED if stalled else max(1.0 / (days // 7 + 1), _LEARNS)
            for slot, quarter in enumerate(quarters, first):
                counts = flow.get(slot)
                expected = profile[quarter]
                if counts is None and expected == 0.0:
                    continue  # as it is at night
                count = 0.0 if counts is None else (sum(counts.values()) if key == WHOLE else counts.get(key, 0)) / ONE
                if days >= 7 * _WEEKS_BEFORE:
                    if key == WHOLE and expected >= _SPREAD_FROM and not stalled:
                        spread = min((count - expected) ** 2 / expected, _SPREAD_MOST)
                        self._spread = _SPREAD_KEPT * self._spread + (1.0 - _SPREAD_KEPT) * spread
                    count = min(count, _FLOOD * expected + 1.0)
                profile[quarter] = expected + share * (count - expected)

    @property
    def _noise(self) -> float:
        return max(self._spread, 1.0)

    def _expected(self, key: int, quarter: int) -> float:
        """Of a quarter of an hour; 0 as long as too little is known."""
        profile = self._profiles.get(key)
        if profile is None or self._days[key] < 7 * _WEEKS_BEFORE:
            return 0.0
        first, end = quarter - _AN_HOUR, quarter + _AN_HOUR + 1
        if first < 0 or end > _QUARTERS:
            return min([profile[each % _QUARTERS] for each in range(first, end)])
        return min(profile[first:end])

    def pack(self) -> list[Any]:
        """As plain data."""
        return [
            self.judged,
            self._spread,
            [[key, self._days[key], pack_numbers(profile)] for key, profile in self._profiles.items()],
            [[key, *course.pack()] for key, course in self._courses.items()],
        ]

    def unpack(self, packed: list[Any]) -> None:
        """Go on from what `pack` gave."""
        self.judged, self._spread, profiles, courses = packed
        self._profiles = {key: unpack_numbers(profile) for key, _, profile in profiles}
        self._days = {key: days for key, days, _ in profiles}
        self._courses = {key: _Course(*course) for key, *course in courses}
