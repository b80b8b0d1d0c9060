"""Days of an account's main sources, each judged apart: a product that is given up beside a busy one.

A main source is one that the fleet tracks and from which a tenth of an account's activity comes, and no more than nine
tenths: else it is the whole. It has a facet (`facets.py`), and its days are folded as those of key actions are: one
counts for as much as the account did on it, so that an absence, which the whole says, is no evidence here. What
a source does for all who use it, against what the fleet does, excuses each of them.

Whether a fall is a move to another source is asked of those whom it concerns, by the whole: `signals/fallen_source.py`.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from streams.detection.calendar import weekday
from streams.detection.calibration import CALIBRATED_EVERY, DROP
from streams.detection.config import DetectionConfig
from streams.detection.day_sums import DaySums
from streams.detection.facet_days import blocks, columns_of, in_its_place, monitor_facet, used
from streams.detection.facets import SOURCES, Facet
from streams.detection.fleet import FleetDay
from streams.detection.fold import REBASELINE_DAYS, REBASELINE_EVENTS, commit, fold
from streams.detection.habits import (
    CLOCK,
    CLOSED_ACTIVE_DAY,
    DROP_LEVEL,
    FIRST_DAY,
    FLOOR,
    LAST_DAY,
    MONITORED_DAY,
    PENDING_EXPOSURE,
    REBASELINED,
    SCORE,
    SILENCE_LEVEL,
    SOURCE,
    UNJUDGED,
    Column,
    Habits,
    Mask,
    Rows,
    rates,
    silences,
)
from streams.detection.rules import Rules
from streams.detection.sources import REST
from streams.detection.thresholds import Thresholds

_MAIN: Final = 0.1
"""Share of the activity from which on a source is a main one."""
_WHOLE: Final = 0.95
"""Above this a source is the whole, and is forgotten again."""
_GONE: Final = 0.1
"""Below this, what is left of a source is none: it has another name now."""
_SILENT: Final = 4.0
"""What S piles up in a silence of so much (E, nats) is the silence's: whether that was told or not, it is not charged
again as a fall when the source is back."""

Levels = npt.NDArray[np.int64]


class SourceDays:
    """Adds up and folds, for all accounts with several main sources. The whole's columns, and what share each source
    has, stand at the day before. `counts` are a day's events by source [source, row], as `Sources.counts` has them."""

    def __init__(self, rules: Rules, habits: Habits) -> None:
        self._rules = rules
        self._habits = habits

    def sum_up(self, sums: DaySums, y: Column, counts: Column | None, day: int) -> Iterator[None]:
        """Add what main sources say of the next day that closes, on which all rows had `y` events."""
        if counts is None:
            return
        learnt = self._rules.learnt
        known = in_its_place(learnt.known)
        for facet in self._habits.facets[SOURCES:]:
            for block in blocks(len(facet)):
                rows = block[self._speaks(facet, block)]
                if not rows.size:
                    continue
                v, whose = columns_of(facet, rows), facet.whose[rows]
                count, peaks = counts[v[SOURCE].astype(np.intp), whose], sums.facets.of(SOURCES)
                if day % CALIBRATED_EVERY == 0:
                    peaks.survey(v, count, known)
                lived = y[whose] > 0.0
                peaks.book(v[:, lived], count[lived], day, known, learnt.facets.thresholds[SOURCES])
                yield

    def fold(self, y: Column, counts: Column | None, day: int, only: Mask | None = None) -> Iterator[list[int]]:
        """Fold the day in; gives the rows of the whole whom it concerns, some at a time. `only`: of these."""
        if counts is None:
            return
        self._begin(counts, day, only)
        for facet in self._habits.facets[SOURCES:]:
            for block in blocks(len(facet)):
                mine = block if only is None else block[only[facet.whose[block]]]
                facet.values[REBASELINED, mine] = 0.0
                self._normal_with_whole(facet, mine)
                rows = mine[self._speaks(facet, mine)]
                lived = rows[y[facet.whose[rows]] > 0.0]
                if lived.size:
                    self._fold(facet, lived, y, counts, day)
                yield self._concerned(facet, rows, day)

    def end(self, day: int, only: Mask | None = None) -> None:
        """The day is over: what the fleet tracks no more from the next one on is forgotten."""
        before, after = self._rules.learnt.layout_of(day), self._rules.learnt.layout_of(day + 1)
        gone = [number for number, (old, new) in enumerate(zip(before, after, strict=True), 1) if old != new]
        for facet in self._habits.facets[SOURCES:] if gone else ():
            lost = np.isin(facet.values[SOURCE, : len(facet)], gone)
            if only is not None:
                lost &= only[facet.whose[: len(facet)]]
            facet.values[FIRST_DAY, lost.nonzero()[0]] = -1.0

    def _begin(self, counts: Column, day: int, only: Mask | None) -> None:
        """Sources that are main ones by now, and are used on the day."""
        habits = self._habits
        shares = habits.sources.shares
        rows = np.arange(len(habits)) if only is None else only.nonzero()[0]
        rows = rows[rows < shares.shape[1]]
        rows = rows[(shares[:, rows] > 0.0).sum(axis=0) > 1]
        of = habits.sources.of(rows)
        main = (of[:REST] >= _MAIN) & (of[:REST] <= 1.0 - _MAIN) & (counts[:REST, rows] > 0.0)
        main &= habits.values[UNJUDGED, rows] == 0.0
        place = np.full(len(habits), -1, np.intp)
        place[rows] = np.arange(rows.size)
        for facet in habits.facets[SOURCES:]:
            known = self._known(facet)
            known = known[place[facet.whose[known]] >= 0]
            number, at = facet.values[SOURCE, known].astype(np.intp), place[facet.whose[known]]
            main[number, at] = False
            facet.values[FIRST_DAY, known[of[number, at] > _WHOLE]] = -1.0
        for column, source in zip(*[each.tolist() for each in main.T.nonzero()], strict=True):
            self._begin_one(int(rows[column]), source, of[:, column], day)

    def _begin_one(self, whole: int, number: int, shares: Column, day: int) -> None:
        """In the first facet that is free, or in that of a source which is no main one any more."""
        least, place = _MAIN, None
        for facet in self._habits.facets[SOURCES:]:
            row = facet.rows.get(whole)
            if row is None or facet.values[FIRST_DAY, row] < 0.0:
                place = facet
                break
            share = float(shares[int(facet.values[SOURCE, row])])
            if share < least:
                least, place = share, facet
        if place is not None:
            row = place.begin(whole)
            place.values[SOURCE, row] = number
            place.values[FIRST_DAY, row] = day

    def _known(self, facet: Facet) -> Rows:
        known: Rows = (facet.values[FIRST_DAY, : len(facet)] >= 0.0).nonzero()[0]
        return known

    def _speaks(self, facet: Facet, rows: Rows) -> Mask:
        whole = self._habits.values[UNJUDGED, facet.whose[rows]]
        speaks: Mask = (whole == 0.0) & (facet.values[FIRST_DAY, rows] >= 0.0)
        return speaks

    def _normal_with_whole(self, facet: Facet, rows: Rows) -> None:
        """With the day before a decline of the whole became its new normal, and with it what it declined by: what is
        silent is forgotten, and what is less is normal."""
        rows = rows[self._habits.values[REBASELINED, facet.whose[rows]] > 0.0]
        gone = facet.values[CLOCK, rows] > 0.0
        facet.values[FIRST_DAY, rows[gone]] = -1.0
        less = rows[~gone & (facet.values[SCORE, rows] > 0.0)]
        if less.size:
            v = columns_of(facet, less)
            commit(v, np.arange(less.size))
            facet.values[:, less] = v

    def _fold(self, facet: Facet, rows: Rows, y: Column, counts: Column, day: int) -> None:
        rules, whole, whose = self._rules, self._habits.values, facet.whose[rows]
        fleet = in_its_place(rules.fleet(day))
        v = columns_of(facet, rows)
        number = v[SOURCE].astype(np.intp)
        relative = used(self._habits, whose, y, day, fleet) * self._excuses(day)[number]
        back = ((counts[number, whose] > 0.0) & (silences(v, fleet) >= _SILENT)).nonzero()[0]
        v[FLOOR, back] = v[SCORE, back]
        fold(v, counts[number, whose], day, weekday(day), fleet, relative)
        monitor_facet(v, whole[MONITORED_DAY, whose], day, rules.config)
        v[LAST_DAY] = v[CLOSED_ACTIVE_DAY]
        # The account's new normal, as a drop that lasts is: the source is forgotten, until it comes again.
        normal = (day - v[LAST_DAY] > REBASELINE_DAYS) & (rates(v, fleet) * v[CLOCK] >= REBASELINE_EVENTS)
        v[REBASELINED, normal] = 1.0
        v[FIRST_DAY, normal] = -1.0
        facet.values[:, rows] = v

    def _concerned(self, facet: Facet, rows: Rows, day: int) -> list[int]:
        """Of the whole's rows those of which there is more to tell than is told."""
        rules, whole = self._rules, self._habits.values
        thresholds = rules.learnt.facets.thresholds[SOURCES]
        some = (facet.values[CLOCK, rows] > 0.0) | (facet.values[SCORE, rows] >= thresholds.least[DROP])
        rows = rows[some & (facet.values[MONITORED_DAY, rows] >= 0.0)]
        whose = facet.whose[rows]
        said = np.maximum(whole[DROP_LEVEL, whose], whole[SILENCE_LEVEL, whose])
        level = severities(columns_of(facet, rows), rules.fleet(day), thresholds, rules.config)
        concerned: list[int] = whose[level > said].tolist()
        return concerned

    def _excuses(self, day: int) -> Column:
        """By the number of a source what it did for all who use it, against what the fleet did."""
        today = self._rules.learnt.sources(day)
        if today is None:
            return np.ones(REST + 1)
        share = np.minimum(np.array(today.factors) / self._rules.fleet(day).factor, 1.0)
        excuses: Column = np.where(share < _GONE, 0.0, share)
        return excuses


def severities(v: Column, fleet: FleetDay, thresholds: Thresholds, config: DetectionConfig) -> Levels:
    """How severe the silence of rows `v` is, or their fall unless it is a move, from 1; 0: there is nothing to tell."""
    rate = rates(v, fleet)
    least = thresholds.columns(rate)
    level: Levels = np.maximum(
        (silences(v, fleet) >= least.silence).sum(axis=0), (v[CLOCK] >= least.clock).sum(axis=0), dtype=np.int64
    )
    level[rate * v[CLOCK] < config.expected_events] = 0
    fall: Levels = (v[SCORE] - v[FLOOR] >= least.drop).sum(axis=0)
    fall[rate * v[PENDING_EXPOSURE] < config.expected_events] = 0
    level = np.maximum(level, fall)
    level[(v[FIRST_DAY] < 0.0) | (v[MONITORED_DAY] < 0.0)] = 0
    return level
