"""What homes agree on: one state machine over one log of offers, run by every home by itself.

Before a home folds a day in, it offers its accounts' sums of the day, and folds it in when the fleet's is decided: when
every home has offered, or said that it has nothing of that day. Offers of all homes come through one log, and the first
of a home and day counts, so that all come to the same, whoever reads when. Where waiting has a limit, a home that has
waited in vain cuts the day off: it is decided by what lies before that in the log, once for all.
"""

from base64 import b64decode, b64encode
from dataclasses import replace
from typing import Any, Final
from zlib import compress, decompress, error

import numpy as np
import orjson

from schemas.errors import StateError, VersionError
from schemas.instants import LATEST
from streams.detection import calibration
from streams.detection.calendar import Calendar, weekday
from streams.detection.calibration import BINS, CALIBRATED_EVERY, CHANNELS, Calibration, none
from streams.detection.config import DAY_MS, DetectionConfig
from streams.detection.day_sums import DaySums
from streams.detection.facet_learning import FacetLearning
from streams.detection.fleet import NEUTRAL, FleetDay
from streams.detection.fleet_learning import AGE, FACTOR_LEAST, FleetLearning, speaks
from streams.detection.flow import SLOT_MS, Counts, add
from streams.detection.flow_learning import FlowLearning
from streams.detection.lessons import NO_LESSONS, Lessons
from streams.detection.source_learning import SourceDay, SourceLearning
from streams.detection.sources import DEFAULT_KEY, SOURCES, UNTRACKED, WHOLE, Layout, key_of
from streams.detection.stall import Measured, Stall
from streams.detection.thresholds import Thresholds
from streams.detection.tiers import TIERS

VERSION: Final = 4
_STORED_VERSION: Final = 7
_READABLE: Final = (1, 2, 3, VERSION)
_STORED_READABLE: Final = (2, 3, 4, 5, 6, _STORED_VERSION)
"""Version 1 of an offer and 2 of what is stored knew nothing of excursions that are not over, nor of those on which
somebody acted; what was stored up to version 3 knows nothing of facets, up to version 4 nothing of how accounts went
on, and up to version 5, as offers up to 2, nothing of main sources; up to version 6, as offers up to 3, nothing of
sources as wholes, nor of what became of new accounts that were late or slow."""
KEPT_DAYS: Final = 120
"""So long the fleet's days are kept: longer than a row stands unpacked."""
_MARK: Final = b"fleet"
"""Tells its records from those of others."""
_DAMAGE: Final = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, error)
"""What comes of unpacking what nobody packed."""


def offer(partition: int, day: int, sums: DaySums | None) -> bytes:
    """A record of the log: a partition's sums of a day; None says that it has nothing before that day."""
    return _MARK + orjson.dumps((VERSION, partition, day, None if sums is None else sums.pack()))


def cut(day: int) -> bytes:
    """A record of the log: days up to this one are decided without those that have not offered."""
    return _MARK + orjson.dumps((VERSION, None, day, None))


def quarter(partition: int, slot: int, counts: Counts) -> bytes:
    """A record of the log: what a partition counted in a quarter of an hour that is over, ahead of its day's sums."""
    return _MARK + orjson.dumps((VERSION, partition, slot, sorted(counts.items()), True))


def _parse(record: bytes) -> tuple[Any, Any, Any, bool] | None:
    """Partition, day or slot, what was told of it, still packed, and whether that is of a quarter; None: it is none of
    the log's records."""
    if not record.startswith(_MARK):
        return None
    try:
        version, partition, day, packed, *is_quarter = orjson.loads(record[len(_MARK) :])
    except _DAMAGE:
        return None
    if type(version) is not int:
        return None
    if version not in _READABLE:
        raise VersionError(f"a record of the fleet's log of version {version}: this worker reads version {VERSION}")
    return partition, day, packed, bool(is_quarter)


def _read(record: bytes) -> tuple[Any, Any, DaySums | Counts | None] | None:
    """Partition, day or slot, and what was told of it; None: it is none of the log's records."""
    parsed = _parse(record)
    if parsed is None:
        return None
    partition, day, packed, is_quarter = parsed
    try:
        if is_quarter:
            return partition, day, {int(key): int(count) for key, count in packed}
        return partition, day, None if packed is None else DaySums.unpack(packed)
    except _DAMAGE:
        return None


class FleetLog:
    """The fleet, day by day. `stored` is what `encode` gave; without it, reading begins at `position`. Raises
    `StateError` for damage, and for what a newer version stored."""

    def __init__(
        self,
        config: DetectionConfig,
        partitions: int = 1,
        stored: bytes | None = None,
        *,
        position: int = 0,
    ) -> None:
        self.position = position
        """Where to read on in the log."""
        self.decided = -1
        """The newest day that is decided."""
        self.asked_again = False
        """Somebody has begun anew, on a day that is decided: those who have nothing more of it have to say so."""
        self._calendar = Calendar(config.timezone, config.grace_ms)
        self.stall = Stall(self._calendar)
        """What is the matter with the fleet itself."""
        self.measured: dict[str, float] = {}
        """The factors of the newest decided day, as they were measured, by source; `all` is all of them together."""
        self.foreign: list[tuple[int, bytes]] = []
        """Records that are none of the log's, with their offsets; for who takes them."""
        self.left_out = 0
        """Offers that were missing where a day was cut off."""
        self._config = config
        self._partitions = partitions
        self._days: dict[int, FleetDay] = {}
        self._offers: dict[int, dict[int, DaySums | None]] = {}
        """What is to come: by partition, by day; None: nothing before that day. Of several days where a partition has
        begun anew, and begun elsewhere."""
        self._sources: dict[int, SourceDay] = {}
        self._shareless: set[int] = set()
        """Days that say nothing of shares."""
        self._layouts: list[tuple[int, Layout]] = []
        """Which sources are tracked, from which day on."""
        self._learning = FleetLearning()
        self._source_learning = SourceLearning()
        self._flow_learning = FlowLearning()
        self.facets = FacetLearning(config)
        self._lessons = [(-1, NO_LESSONS)]
        """Each with the first day by which it was known, from the newest closed day on."""
        self._quarters: dict[int, dict[int, Counts]] = {}
        """What is told ahead, by slot and partition."""
        self._calibration = Calibration()
        """As of the thresholds; what has come since is added with the next ones."""
        self._since = DaySums()
        self._watched = np.zeros(TIERS, np.int64)
        self._ongoing = none()
        if stored is not None:
            try:
                self._restore(stored)
            except _DAMAGE as damage:
                raise StateError(f"the stored fleet is damaged: {damage}") from damage
        self._calibrate()

    @property
    def known(self) -> FleetDay:
        """What is known of the fleet by the newest decided day."""
        return self._learning.known

    @property
    def seen_since(self) -> int:
        """A day on which the fleet was seen already; -1 while it is too small, or too young, to tell."""
        days = self._learning.days  # each of them had enough accounts of that age
        return self.decided - days + 1 - AGE if days else -1

    @property
    def waits_for(self) -> int | None:
        """The day that is to be decided next; None as long as nobody has offered any."""
        return min((day for own in self._offers.values() for day in own), default=None)

    def of(self, day: int) -> FleetDay:
        """The fleet on a day; on one that is not decided, or long ago, as on any."""
        return self._days.get(day, NEUTRAL if self.decided < 0 else self.known)

    def sources(self, day: int) -> SourceDay | None:
        """The sources on a day; None where all of it came from one, or where that is not known."""
        return self._sources.get(day)

    def layout_of(self, day: int) -> Layout:
        """Which sources are tracked on a day."""
        return next((layout for first, layout in reversed(self._layouts) if first <= day), UNTRACKED)

    def lessons(self, day: int) -> Lessons:
        """What is known by a closed day of how accounts go on."""
        return next((lessons for first, lessons in reversed(self._lessons) if first <= day), self._lessons[0][1])

    def closed(self, day: int) -> None:
        """The home has closed a day: what was known before is asked for no more."""
        while len(self._lessons) > 1 and self._lessons[1][0] <= day:
            del self._lessons[0]

    def learns_shares(self, day: int) -> bool:
        """Whether a day says what share of an account's activity comes from each source."""
        return day not in self._shareless

    def take(self, offset: int, record: bytes) -> None:
        """Take the next record of the log. Raises `StateError` for one of a newer version."""
        self.position = offset + 1
        try:
            read = _read(record)
        except VersionError as refusal:
            raise VersionError(f"at offset {offset}: {refusal}") from refusal
        if read is None or not self._is_there(*read):
            self.foreign.append((offset, record))
            return
        partition, day, sums = read
        if isinstance(sums, dict):
            if partition is not None:
                self._take_quarter(partition, day, sums)
            return
        if day <= self.decided:
            self.asked_again |= partition is not None and sums is None
            return
        if partition is not None:
            self._enter(self._offers.setdefault(partition, {}), day, sums)
            while (first := self._complete()) is not None:
                self._decide(first)
        else:
            while (first := self.waits_for) is not None and first <= day:
                self.left_out += self._partitions - sum(first in own for own in self._offers.values())
                self._decide(first)

    def decides(self, record: bytes) -> bool:
        """Whether a day is decided with the next record of the log."""
        try:
            parsed = _parse(record)
        except VersionError:
            return False  # `take` says so
        if parsed is None or parsed[3] or not self._is_there(parsed[0], parsed[1], None) or parsed[1] <= self.decided:
            return False
        partition, day, packed, _ = parsed
        if partition is None:
            first = self.waits_for
            return first is not None and first <= day
        offers = self._offers
        self._offers = {number: dict(own) for number, own in offers.items()}
        self._enter(self._offers.setdefault(partition, {}), day, None if packed is None else DaySums())
        decided = self._complete() is not None
        self._offers = offers
        return decided

    def _complete(self) -> int | None:
        """The day of which all have told, if that is the next one."""
        first = self.waits_for
        if first is None or len(self._offers) < self._partitions or not self._all_have(first):
            return None
        return first

    def _is_there(self, partition: Any, day: Any, sums: DaySums | Counts | None) -> bool:
        """Whether there is such a partition, and such a day or slot."""
        latest = LATEST // (SLOT_MS if isinstance(sums, dict) else DAY_MS)
        there = partition is None or (type(partition) is int and 0 <= partition < self._partitions)
        return there and type(day) is int and 0 <= day <= latest

    def listens(self, slot: int) -> bool:
        """Whether a quarter of an hour is worth telling before its day is over."""
        return self._flow_learning.listens(self._quarter_of(slot))

    def _take_quarter(self, partition: int, slot: int, counts: Counts) -> None:
        if slot <= self._flow_learning.judged:
            return
        told = self._quarters.setdefault(slot, {})
        told.setdefault(partition, counts)
        if len(told) < self._partitions:
            return
        total: dict[int, Counts] = {}
        for each in told.values():
            add(total, {slot: each})
        self._judge_quarter(slot, self._quarter_of(slot), total.get(slot, {}))
        for old in [old for old in self._quarters if old <= slot]:
            del self._quarters[old]

    def _judge_quarter(self, slot: int, quarter: int, counts: Counts) -> None:
        for key, quiet, since, percent in self._flow_learning.judge(slot, quarter, counts, self.stall.stalled):
            name = "" if key == WHOLE else self._source_learning.name_of(key)
            at = (slot + 1) * SLOT_MS
            self.stall.hour(at, key, name, quiet=quiet, since=since, percent=percent)

    def _quarter_of(self, slot: int) -> int:
        """Which of its week a slot is, by the clock from midnight on; a 25th hour goes on as the 24th ended."""
        at = slot * SLOT_MS
        day = self._calendar.day_of(at)
        return 96 * weekday(day) + min((at - self._calendar.start_of(day)) // SLOT_MS, 95)

    def _quarters_of(self, day: int, slots: range) -> list[int]:
        """`_quarter_of` each slot of a day."""
        start, monday = self._calendar.start_of(day), 96 * weekday(day)
        quarters = [monday + min((slot * SLOT_MS - start) // SLOT_MS, 95) for slot in slots]
        if slots and slots[0] * SLOT_MS < start:  # it begins on the day before
            quarters[0] = self._quarter_of(slots[0])
        return quarters

    def _judge_flow(self, day: int, flow: dict[int, Counts]) -> None:
        """In retrospect, what had not been told ahead; and learn from it."""
        calendar, learning = self._calendar, self._flow_learning
        first = calendar.start_of(day) // SLOT_MS
        slots = range(first, calendar.start_of(day + 1) // SLOT_MS)
        quarters = self._quarters_of(day, slots)
        seen = set(self.stall.stalled)
        if learning.expects(quarters):
            for slot in slots[max(0, learning.judged + 1 - first) :]:
                self._judge_quarter(slot, quarters[slot - first], flow.get(slot, {}))
                seen |= self.stall.stalled
        elif slots:
            learning.judged = max(learning.judged, slots[-1])
        for old in [old for old in self._quarters if old <= learning.judged]:
            del self._quarters[old]
        layout = self.layout_of(day)
        keys = {DEFAULT_KEY} if layout == UNTRACKED else {key_of(number, layout) for number in range(SOURCES)} - {-1}
        learning.learn(quarters, flow, first, keys, stalled=bool(seen))

    def _enter(self, own: dict[int, DaySums | None], day: int, sums: DaySums | None) -> None:
        if sums is None:
            own.setdefault(day, None)
        elif own.get(day) is None:
            for before in [each for each, had in own.items() if had is None]:  # it has come beyond that
                del own[before]
            own[day] = sums

    def _all_have(self, day: int) -> bool:
        return not any(day in own and own[day] is None for own in self._offers.values())

    def _decide(self, day: int) -> None:
        sums = DaySums()
        for partition, offers in list(self._offers.items()):
            own = offers.pop(day, None)
            if own is not None:
                sums += own
            if not offers:
                del self._offers[partition]
        self._learn(day, sums)
        self.decided = day
        for old in [each for each in self._days if each <= day - KEPT_DAYS]:
            del self._days[old]
            self._sources.pop(old, None)
            self._shareless.discard(old)
            while len(self._layouts) > 1 and self._layouts[1][0] <= old:
                del self._layouts[0]
        self.facets.take(day, sums.facets, KEPT_DAYS)
        self._since.calibration += sums.calibration
        if day % CALIBRATED_EVERY == 0:
            self._watched, self._ongoing = sums.watched, sums.ongoing
            self._calibration += self._since.calibration
            self._since = DaySums()
            self._calibrate()

    def _learn(self, day: int, sums: DaySums) -> None:
        today = self._learning.decide(weekday(day), sums.fleet)
        sources = self._source_learning.decide(weekday(day), sums.sources, today.factor)
        known = self._lessons[-1][1]
        lessons = known.learn(day, sums.sequels)
        if lessons != known:
            self._lessons.append((day, lessons))
        layout = self._source_learning.layout
        if layout != self.layout_of(day + 1):
            self._layouts.append((day + 1, layout))
        self._judge_flow(day, sums.flow)
        whole = Measured(today.factor, self._learning.measured, self._learning.tells) if speaks(sums.fleet) else None
        self.stall.day(day, whole, sources, self._source_learning.wholes)
        if not self.stall.learns_shares(day):
            self._shareless.add(day)
        self.measured = {"all": today.factor}
        excuses = self.stall.excuses
        stalled = self.stall.stalled  # on days that tell nothing, too: a weekend within an outage is a part of it
        if sources is not None:
            factors = []
            for number, (name, measured) in enumerate(zip(sources.names, sources.factors, strict=True)):
                key, speaks_itself = key_of(number, sources.layout), sources.speaking[number]
                if speaks_itself:
                    self.measured.setdefault(name, measured)
                factors.append(excuses(key, measured) if speaks_itself or key not in stalled else FACTOR_LEAST)
            self._sources[day] = replace(sources, factors=tuple(factors))
        if WHOLE in stalled and not self._learning.tells:
            today = replace(today, factor=FACTOR_LEAST, active_factor=FACTOR_LEAST)
        self._days[day] = replace(today, factor=excuses(WHOLE, today.factor))

    def _calibrate(self) -> None:
        self.facets.calibrate()
        scale = self._calibration.scale(self._watched, self._ongoing, by_losses=True)
        self.thresholds = Thresholds(self._config, scale)

    def encode(self) -> bytes:
        """All of it, to be stored with the state of a home."""
        days = b"".join(each.pack() for each in self._days.values())
        return orjson.dumps(
            (
                _STORED_VERSION,
                self.position,
                self.decided,
                [
                    (partition, day, sums and sums.pack())
                    for partition, own in self._offers.items()
                    for day, sums in own.items()
                ],
                list(self._days),
                _text(days),
                self._learning.pack(),
                self._watched.tolist(),
                *(_text(each.tobytes()) for each in (self._calibration.peaks, self._calibration.acted, self._ongoing)),
                self._calibration.days.tolist(),
                self._since.pack(),
                self.stall.pack(),
                self._source_learning.pack(),
                self._flow_learning.pack(),
                [
                    (slot, partition, list(counts.items()))
                    for slot, told in self._quarters.items()
                    for partition, counts in told.items()
                ],
                self._layouts,
                sorted(self._shareless),
                [(day, each.pack()) for day, each in self._sources.items()],
                self.measured,
                self.facets.pack(),
                [(first, each.pack()) for first, each in self._lessons],
            )
        )

    def _restore(self, stored: bytes) -> None:
        version, *rest = orjson.loads(stored)
        if version not in _STORED_READABLE:
            raise VersionError(f"the stored fleet is of version {version}: this worker reads up to {_STORED_VERSION}")
        if version < 3:
            rest[8:8] = [_text(none().tobytes())] * 2
        if version > 4:
            self._lessons = [(first, Lessons.unpack(each)) for first, each in rest.pop()]
        if version > 3:
            self.facets.unpack(rest.pop())
        self.position, self.decided, offers, numbers, days, learning, watched, *rest = rest
        (
            *of_bins,
            watched_days,
            since,
            stall,
            sources,
            flow,
            quarters,
            layouts,
            shareless,
            source_days,
            self.measured,
        ) = rest
        self._shareless = set(shareless)
        self._layouts = [(first, tuple(layout)) for first, layout in layouts]
        self.stall.unpack(stall)
        self._source_learning.unpack(sources)
        self._flow_learning.unpack(flow)
        for slot, partition, counts in quarters:
            self._quarters.setdefault(slot, {})[partition] = dict(counts)
        self._sources = {day: SourceDay.unpack(each) for day, each in source_days}
        for partition, day, sums in offers:
            self._offers.setdefault(partition, {})[day] = None if sums is None else DaySums.unpack(sums)
        self._days = dict(zip(numbers, FleetDay.unpack(_bytes(days)), strict=True))
        self._learning.unpack(learning)
        self._watched = np.array(watched, np.int64)
        self._calibration.peaks, self._calibration.acted, self._ongoing = map(_counts, of_bins)
        self._calibration.days = np.array(watched_days, np.int64)
        self._since = DaySums.unpack(since)


def _text(raw: bytes) -> str:
    return b64encode(compress(raw)).decode()


def _counts(text: Any) -> calibration.Counts:
    return np.frombuffer(_bytes(text), np.int64).reshape(CHANNELS, TIERS, BINS).copy()


def _bytes(text: Any) -> bytes:
    return decompress(b64decode(text))
