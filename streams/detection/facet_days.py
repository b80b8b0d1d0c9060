"""Days of key actions and breadth, for the accounts of a partition.

For key actions a day counts for as much as the account did on it, against its own normal and at most as an ordinary
one: a quiet day, a holiday or an absence is no evidence that they have stopped, and one without activity is left out.

Breadth has a day a week, its Sunday, for who was active in it: in a week of which most people are away some days nearly
all are seen nevertheless, and those who have left are not. A week without activity is left out.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from streams.detection.calendar import is_week_end, weekday
from streams.detection.calibration import CALIBRATED_EVERY
from streams.detection.config import DetectionConfig
from streams.detection.day_sums import DaySums
from streams.detection.facets import BREADTH, KEY_ACTIONS, SOURCES, Facet
from streams.detection.fleet import FleetDay
from streams.detection.fleet_learning import against, speaking
from streams.detection.fold import fold
from streams.detection.habits import (
    ACTIVE,
    ACTIVE_EXPOSURE,
    CALM_DAY,
    CLOCK,
    DROP_LEVEL,
    FIRST_DAY,
    FLOOR,
    LAST_DAY,
    MONITORED_DAY,
    MUTED,
    PRIOR,
    QUIET,
    REBASELINED,
    SCORE,
    UNJUDGED,
    Column,
    Habits,
    Mask,
    Rows,
    rates,
    silences,
    weights,
)
from streams.detection.rules import Rules

_BLOCK: Final = 8_192


class FacetDays:
    """Adds up and folds, for all accounts that have such a facet. The whole's columns stand at the day before."""

    def __init__(self, rules: Rules, habits: Habits) -> None:
        self._rules = rules
        self._habits = habits

    def sum_up(self, sums: DaySums, y: Column, day: int) -> Iterator[None]:
        """Add what facets say of the next day that closes, on which all rows had `y` events."""
        learnt = self._rules.learnt
        for number in self._kept():
            facet = self._habits.facets[number]
            surveyed = day % CALIBRATED_EVERY == 0
            if not len(facet) or not (surveyed or _has(number, day)):
                continue
            known = in_its_place(learnt.known)
            peaks, counts = sums.facets.of(number), facet.counts(day)
            for block in blocks(len(facet)):
                rows = block[self._speaks(facet, block, counts[block])]
                if surveyed:
                    peaks.survey(columns_of(facet, rows), counts[rows], known)
                rows = self._lived(number, rows, counts, y)
                v, count = columns_of(facet, rows), counts[rows]
                peaks.book(v, count, day, known, learnt.facets.thresholds[number])
                relative = self._relative(number, v, facet.whose[rows], y, day, known)
                mu = rates(v, known) * weights(v, weekday(day), known) * relative
                speak = speaking(v, day, known)
                had, expected = against(count[speak], mu[speak])
                sums.facets.against[number] += (had, expected, speak.size)
                yield

    def fold(self, y: Column, day: int, only: Mask | None = None) -> Iterator[list[int]]:
        """Fold the day in; gives the rows of the whole whom it concerns, some at a time. `only`: of these."""
        rules = self._rules
        kept = self._kept()
        for number, facet in enumerate(self._habits.facets[:SOURCES]):
            if number not in kept:  # any more: what its alerts say is over
                yield facet.whose[: len(facet)][facet.values[DROP_LEVEL, : len(facet)] > 0.0].tolist()
                continue
            if not _has(number, day):
                continue
            counts = facet.counts(day)
            factor = rules.learnt.facets.factor(number, day)
            for block in blocks(len(facet)):
                speaks = self._speaks(facet, block, counts[block])
                rows = block[speaks if only is None else speaks & only[facet.whose[block]]]
                lived = self._lived(number, rows, counts, y)
                if lived.size:
                    self._fold(number, lived, counts[lived], y, day, factor)
                yield facet.whose[rows[self._concerned(number, rows, day)]].tolist()

    def close(self, day: int) -> None:
        """A day is over, and those before it."""
        for facet in self._habits.facets:
            facet.close(day)

    def _kept(self) -> list[int]:
        """The facets that there are, by the settings."""
        return [number for number in range(SOURCES) if number != KEY_ACTIONS or self._rules.config.key_actions]

    def _speaks(self, facet: Facet, rows: Rows, counts: Column) -> Mask:
        whole = self._habits.values[UNJUDGED, facet.whose[rows]]
        speaks: Mask = (whole == 0.0) & ((facet.values[FIRST_DAY, rows] >= 0.0) | (counts > 0.0))
        return speaks

    def _lived(self, number: int, rows: Rows, counts: Column, y: Column) -> Rows:
        """For whom it is a day of the facet."""
        if number == BREADTH:
            return rows[counts[rows] > 0.0]
        return rows[y[self._habits.facets[number].whose[rows]] > 0.0]

    def _relative(self, number: int, v: Column, whose: Rows, y: Column, day: int, fleet: FleetDay) -> Column:
        """For how much the day counts, beside the weight of its weekday."""
        if number == BREADTH:
            week: Column = 7.0 / weights(v, weekday(day), fleet)
            return week
        return used(self._habits, whose, y, day, fleet)

    def _fold(self, number: int, rows: Rows, counts: Column, y: Column, day: int, factor: float) -> None:
        facet = self._habits.facets[number]
        whose, fleet = facet.whose[rows], in_its_place(self._rules.fleet(day), factor)
        v = columns_of(facet, rows)
        fold(v, counts, day, weekday(day), fleet, self._relative(number, v, whose, y, day, fleet))
        monitor_facet(v, self._habits.values[MONITORED_DAY, whose], day, self._rules.config)
        facet.values[:, rows] = v

    def _concerned(self, number: int, rows: Rows, day: int) -> Mask:
        """Of whom a signal may have something to say. It is the signals that judge."""
        facet, rules = self._habits.facets[number], self._rules
        fleet, thresholds = rules.fleet(day), rules.learnt.facets.thresholds[number]
        values = facet.values[:, rows]
        drop, silence, clock = thresholds.least
        high = (values[SCORE] - values[FLOOR] >= drop) | (values[DROP_LEVEL] > 0.0) | (values[CALM_DAY] >= 0.0)
        if number != BREADTH:  # as ln(1 + x) <= x
            least = silence * (PRIOR / fleet.median_active_rate + values[ACTIVE_EXPOSURE])
            high |= (values[CLOCK] >= clock) | ((PRIOR + values[ACTIVE]) * values[QUIET] >= least)
        some = (high & (values[MONITORED_DAY] >= 0.0)).nonzero()[0]
        v = values[:, some].astype(np.float64)
        levels = thresholds.columns(rates(v, fleet))
        level = (v[SCORE] - v[FLOOR] >= levels.drop).sum(axis=0)
        heard = self._habits.values[MUTED, facet.whose[rows[some]]] == 0.0
        found: Mask = np.zeros(rows.size, bool)
        if number == BREADTH:
            calm = (v[CALM_DAY] >= 0.0) | ((v[DROP_LEVEL] > 0.0) & ((level == 0) | (v[REBASELINED] > 0.0)))
            found[some] = calm | (heard & (level > v[DROP_LEVEL]))
        else:
            level = np.maximum(level, (silences(v, fleet) >= levels.silence).sum(axis=0))
            level = np.maximum(level, (v[CLOCK] >= levels.clock).sum(axis=0))
            found[some] = heard & (v[LAST_DAY] < day) & (level > v[DROP_LEVEL])
        return found


def _has(number: int, day: int) -> bool:
    """Whether it is a day of the facet."""
    return number != BREADTH or is_week_end(day)


def used(habits: Habits, whose: Rows, y: Column, day: int, fleet: FleetDay) -> Column:
    """How much accounts, by their rows, did on a day on which all had `y`: against their normal, at most as much."""
    of_whole = habits.values[:, whose]
    normal = rates(of_whole, fleet) * weights(of_whole, weekday(day), fleet)
    share: Column = np.minimum(y[whose] / normal, 1.0)
    return share


def in_its_place(fleet: FleetDay, factor: float = 1.0) -> FleetDay:
    """What is known of all, with the facet's own factor in place of the whole's."""
    return replace(fleet, factor=factor, active_factor=factor)


def monitor_facet(v: Column, whole: Column, day: int, config: DetectionConfig) -> None:
    """From which day on a facet is judged: as the whole is, once it is known well enough itself."""
    begins = (v[MONITORED_DAY] < 0.0) & (whole >= 0.0) & (day - v[FIRST_DAY] >= config.monitored_age_days)
    begins &= v[ACTIVE] >= config.monitored_active_days
    v[MONITORED_DAY, begins] = day


def columns_of(facet: Facet, rows: Rows) -> Column:
    """Rows of a facet, as the whole has them."""
    columns: Column = facet.values[:, rows].astype(np.float64)
    return columns


def blocks(count: int) -> list[Rows]:
    """So many rows, some at a time."""
    return [np.arange(first, min(first + _BLOCK, count)) for first in range(0, count, _BLOCK)]
