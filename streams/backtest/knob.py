"""What other settings of the knob would have said, found in one pass.

The knob sets thresholds and nothing that is learnt: habits, the fleet's days and the scale of scores are the same at
every setting, but for one number of an account, the level of S that a reported silence has accounted for. So the engine
runs once, and after each day that it closes its columns are held against the thresholds of the day at every setting,
with what depends on the setting (open alerts, that level, calm days) kept beside them. The rules are those of
`usage_silence` and `usage_drop`, which tells of main sources, too.

Of the other kinds those on a part of activity depend on the knob, too: what they take of the false alarms is the same
share at every setting, and they are in shadow, so that they are neither followed here nor judged. Nobody
acknowledges or snoozes in a history.
"""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.alerts import Kind
from streams.backtest.incidents import APART_DAYS, Incident
from streams.detection.calibration import DROP
from streams.detection.config import DAY_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.facet_days import columns_of
from streams.detection.facets import SOURCES, Facet
from streams.detection.fleet import FleetDay
from streams.detection.habits import (
    CLOCK,
    FLOOR,
    LAST_DAY,
    MONITORED_DAY,
    MUTED,
    REBASELINED,
    SCORE,
    UNJUDGED,
    Column,
    Habit,
    Mask,
    Rows,
    rates,
    silences,
)
from streams.detection.judge import OpenAlerts, told_on
from streams.detection.signals.fallen_source import moved
from streams.detection.source_days import severities
from streams.detection.state import Account
from streams.detection.thresholds import Thresholds

SETTINGS: Final = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
"""False alarms per account-year."""
SHADOWED: Final = (Kind.USAGE_SILENCE, Kind.USAGE_DROP)
"""The kinds that are followed here."""
_SILENCE, _DROP = range(2)
_WARNING: Final = 2
"""Levels: 0 no open alert, 1 watch, 2 warning, 3 critical."""

Levels = npt.NDArray[np.int8]


def asking(config: DetectionConfig, knob: float) -> DetectionConfig:
    """The configuration at another setting of the knob; a watch is never rarer than an alert."""
    return replace(config, alert_false_alarms=knob, watch_false_alarms=max(knob, config.watch_false_alarms))


def settings_beside(config: DetectionConfig, knob: float) -> list[DetectionConfig]:
    """The configuration at `SETTINGS` and at the one asked for, ascending."""
    return [asking(config, each) for each in sorted({*SETTINGS, knob})]


@dataclass(frozen=True, slots=True)
class Shadow:
    """What one setting gave. Times in milliseconds."""

    asked: float
    incidents: list[Incident] = field(default_factory=list)
    """Each account's in order of time. Without alert ids: the alerts were never written."""
    messages: "array[int]" = field(default_factory=lambda: array("q"))
    """When messages on these kinds would have been sent: one for what changes on an account at one moment."""

    def add(self, other: "Shadow") -> None:
        """What the same setting gave on other accounts."""
        self.incidents.extend(other.incidents)
        self.messages.extend(other.messages)


class _Current(NamedTuple):
    opened_at: int
    closed_at: int | None
    kinds: tuple[Kind, ...]


class _Heights(NamedTuple):
    """What rows come to: E, the rate, and how severe the decline of a main source is at the setting; whether that has
    become normal on the day."""

    silence: Column
    rate: Column
    by_source: Levels
    normal: Mask


class _Lane:
    """One setting, on the way through the days."""

    def __init__(self, config: DetectionConfig) -> None:
        self.config = config
        self.found = Shadow(config.alert_false_alarms)
        self.level: Levels = np.zeros((2, 0), np.int8)
        """[silence or drop, row]."""
        self.floor: Column = np.zeros(0)
        self.calm: npt.NDArray[np.int32] = np.zeros(0, np.int32)
        self._current: dict[int, _Current] = {}
        self._spoken: dict[int, int] = {}

    def widen(self, rows: int) -> None:
        """Make room for accounts that are new."""
        more = rows - self.floor.size
        if more > 0:
            self.level = np.concatenate((self.level, np.zeros((2, more), np.int8)), axis=1)
            self.floor = np.concatenate((self.floor, np.zeros(more)))
            self.calm = np.concatenate((self.calm, np.full(more, -1, np.int32)))

    def raised(self, row: int, signal: int, before: int, level: int, at: int) -> None:
        """An alert opened or escalated."""
        if level < _WARNING:
            return
        self._speak(row, at)
        if before >= _WARNING:
            return
        kind, current = SHADOWED[signal], self._current.get(row)
        if current is not None and current.closed_at is not None and at - current.closed_at >= APART_DAYS * DAY_MS:
            self._over(row, current)
            current = None
        kinds = (kind,) if current is None else tuple(dict.fromkeys((*current.kinds, kind)))
        self._current[row] = _Current(at if current is None else current.opened_at, None, kinds)

    def resolved(self, row: int, signal: int, at: int) -> None:
        """An open alert is over."""
        if self.level[signal, row] >= _WARNING:
            self._speak(row, at)
            if self.level[1 - signal, row] < _WARNING:
                self._current[row] = self._current[row]._replace(closed_at=at)
        self.level[signal, row] = 0

    def _speak(self, row: int, at: int) -> None:
        if self._spoken.get(row) != at:
            self._spoken[row] = at
            self.found.messages.append(at)

    def _over(self, row: int, current: _Current) -> None:
        self.found.incidents.append(Incident(str(row), current.opened_at, current.closed_at, kinds=current.kinds))

    def end(self, ids: Sequence[str]) -> Shadow:
        """All of it, with the accounts' own ids."""
        for row, current in self._current.items():
            self._over(row, current)
        named = [each._replace(account=ids[int(each.account)]) for each in self.found.incidents]
        return replace(self.found, incidents=named)


class Knob:
    """Follows an engine. `closed` is to be called after each day that it closed.

    `settings` are in ascending order of the knob. `account_of` gives an account by its id; `first_event` the time (ms)
    of an account's first event on a day, or None.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Sequence[DetectionConfig],
        account_of: Callable[[str], Account],
        first_event: Callable[[int, str], int | None],
    ) -> None:
        self._engine = engine
        self._account_of = account_of
        self._first_event = first_event
        self._lanes = [_Lane(config) for config in settings]
        self._base: Thresholds | None = None
        self._thresholds: list[Thresholds] = []
        self._of_sources: list[Thresholds] = []
        self._score: Column = np.zeros(0)
        self._last_day: Column = np.zeros(0)

    def closed(self) -> None:
        """Judge the newest closed day at every setting."""
        habits, rules = self._engine.habits, self._engine.rules
        if not self._lanes:
            return
        day, v = habits.closed, habits.values[:, : len(habits)]
        if rules.thresholds is not self._base:
            self._base = rules.thresholds
            self._thresholds = [self._base.asking(lane.config) for lane in self._lanes]
            of_sources = rules.learnt.facets.thresholds[SOURCES]
            self._of_sources = [of_sources.asking(lane.config) for lane in self._lanes]
        self._heard(v, day)
        self._judge(v, day)
        self._score, self._last_day = v[SCORE].copy(), v[LAST_DAY].copy()

    def _heard(self, v: Column, day: int) -> None:
        """What events have ended up to the close of the day."""
        count = v.shape[1]
        came = np.concatenate((self._last_day, np.full(count - self._last_day.size, -1.0))) != v[LAST_DAY]
        ended = v[UNJUDGED] != 0.0
        for lane in self._lanes:
            lane.widen(count)
            self._active(lane, came, day)
            np.minimum(lane.floor, v[SCORE], out=lane.floor)
            self._lost(lane, ended)

    def _active(self, lane: _Lane, came: Mask, day: int) -> None:
        """Activity ends a silence, at the event."""
        ids = self._engine.habits.ids
        for row in (came & (lane.level[_SILENCE] > 0)).nonzero()[0].tolist():
            account = ids[row]
            at = self._first_event(day, account)
            if at is None:
                at = self._first_event(day + 1, account)
            if lane.level[_SILENCE, row] >= _WARNING:
                lane.floor[row] = self._score[row]
            lane.resolved(row, _SILENCE, self._engine.rules.calendar.start_of(day) if at is None else at)

    def _lost(self, lane: _Lane, ended: Mask) -> None:
        """The end of an account, and that it is the company's own, ends its alerts; a pause does not."""
        for row in (ended & lane.level.any(axis=0)).nonzero()[0].tolist():
            account = self._account_of(self._engine.habits.ids[row])
            if account.loss is not None or account.profile.internal:
                at = account.loss.at if account.loss is not None else self._engine.closes_at
                for signal in (_SILENCE, _DROP):
                    if lane.level[signal, row]:
                        lane.resolved(row, signal, at)

    def _judge(self, v: Column, day: int) -> None:
        rules = self._engine.rules
        fleet = rules.fleet(day)
        most = self._thresholds[-1]
        drop, (silence, clock) = most.least[DROP], most.least_together
        quiet = silences(v, fleet)
        wanted = (v[SCORE] >= drop) | (v[CLOCK] >= clock) | (quiet >= silence)
        for lane in self._lanes:
            wanted |= (lane.level[_DROP] > 0) | (lane.calm >= 0)
        whose, of_sources = self._low_sources(fleet)
        wanted[whose] = True
        wanted &= (v[UNJUDGED] == 0.0) & (v[MONITORED_DAY] >= 0.0)
        for held in self._engine.held:
            wanted[held] = False
        rows: Rows = wanted.nonzero()[0]
        if rows.size:
            v, quiet = v[:, rows], quiet[rows]
            at = rules.calendar.close_of(day)
            normal = np.isin(rows, self._source_is_normal())
            of_sources, place = of_sources[:, wanted[whose]], np.searchsorted(rows, whose[wanted[whose]])
            for lane, thresholds, least in zip(self._lanes, self._thresholds, self._of_sources, strict=True):
                by_source = np.zeros(rows.size, np.int8)
                np.maximum.at(by_source, place, severities(of_sources, fleet, least, lane.config).astype(np.int8))
                heights = _Heights(quiet, rates(v, fleet), by_source, normal)
                _settle(lane, thresholds, rows, v, heights, day, at)

    def _low_sources(self, fleet: FleetDay) -> tuple[Rows, Column]:
        """Main sources of which any setting has something to say: whose they are, and their columns. One whose use has
        moved has no fall in them."""
        lane = self._lanes[-1]
        whose, found = [], []
        for facet in self._facets:
            v = columns_of(facet, np.arange(len(facet)))
            rows = severities(v, fleet, self._of_sources[-1], lane.config).nonzero()[0]
            v = v[:, rows]
            for place in (v[SCORE] >= self._of_sources[-1].least[DROP]).nonzero()[0].tolist():
                account = self._account_of(self._engine.habits.ids[int(facet.whose[rows[place]])])
                if moved(account, Habit(v[:, place].tolist()), self._engine.rules):
                    v[SCORE, place] = v[FLOOR, place]
            whose.append(facet.whose[rows])
            found.append(v)
        return np.concatenate(whose), np.concatenate(found, axis=1)

    def _source_is_normal(self) -> Rows:
        """To whom the decline of one of their main sources has become normal on the day."""
        found = [each.whose[: len(each)][each.values[REBASELINED, : len(each)] > 0.0] for each in self._facets]
        return np.concatenate(found)

    @property
    def _facets(self) -> tuple[Facet, ...]:
        return self._engine.habits.facets[SOURCES:]

    def end(self) -> list[Shadow]:
        """What each setting gave, in the order of the settings. Nothing more can come."""
        habits = self._engine.habits
        self._heard(habits.values[:, : len(habits)], habits.closed + 1)
        return [lane.end(self._engine.habits.ids) for lane in self._lanes]


def _settle(lane: _Lane, thresholds: Thresholds, rows: Rows, v: Column, heights: _Heights, day: int, at: int) -> None:
    config, by_source = lane.config, heights.by_source
    silent, dropped = lane.level[:, rows]
    calm = lane.calm[rows]
    alerts = OpenAlerts(silent, dropped, lane.floor[rows])
    told = told_on(v, day, alerts, heights.rate, heights.silence, thresholds, config)
    heard = v[MUTED] == 0.0
    quiet = heard & (told.silence > 0)

    rebaselined = v[REBASELINED] > 0.0
    highest = np.maximum(told.drop, by_source)
    over = (dropped > 0) & ((highest == 0) | rebaselined)
    since = np.where(calm >= 0, calm, day)
    done = over & (rebaselined | heights.normal | (day - since >= config.drop_hold_days))
    lane.calm[rows] = np.where(over & ~done, since, -1)
    highest = np.where(told.enough, highest, by_source)
    silent = np.where(quiet, told.silence, silent)
    low = heard & ~over & (highest > np.maximum(dropped, silent)) & ((dropped > 0) | (silent == 0))

    for place in (quiet | done | low).nonzero()[0].tolist():
        row = int(rows[place])
        if quiet[place]:
            _raise(lane, row, _SILENCE, int(told.silence[place]), at)
        if done[place]:
            lane.resolved(row, _DROP, at)
        elif low[place]:
            _raise(lane, row, _DROP, int(highest[place]), at)


def _raise(lane: _Lane, row: int, signal: int, level: int, at: int) -> None:
    before = int(lane.level[signal, row])
    lane.level[signal, row] = level
    lane.raised(row, signal, before, level, at)
