"""Days of usage: how one begins for an account, and how it is closed for all of them."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from schemas.alerts import Kind, Resolution, Severity
from streams.detection.book import Book
from streams.detection.by_source import BySource
from streams.detection.calendar import weekday
from streams.detection.day_sums import DaySums
from streams.detection.facet_days import FacetDays
from streams.detection.facets import KEY_ACTIONS
from streams.detection.fleet_learning import speaking
from streams.detection.flow import SLOT_MS
from streams.detection.fold import fold
from streams.detection.habits import (
    FIRST_DAY,
    FLOOR,
    LAST_DAY,
    SCORE,
    UNJUDGED,
    Column,
    Habits,
    Mask,
    Rows,
    expected,
)
from streams.detection.judge import concerned
from streams.detection.monitoring import monitor
from streams.detection.results import Results
from streams.detection.rules import Rules
from streams.detection.sequels import Sequels
from streams.detection.signals import daily_signals
from streams.detection.signals.base import Calm
from streams.detection.source_days import SourceDays
from streams.detection.sources import SOURCES, UNTRACKED
from streams.detection.state import Account
from streams.detection.window import with_day

BLOCK: Final = 8_192
"""Rows folded at a time: what fits into a processor's cache, and takes a few milliseconds."""


class Days:
    """Closes days, one by one and in order, for all accounts of a partition."""

    def __init__(self, rules: Rules, habits: Habits, book: Book) -> None:
        self._rules = rules
        self._habits = habits
        self._book = book
        self._signals = daily_signals(rules)
        self._by_source = BySource(rules, habits)
        self._facets = FacetDays(rules, habits)
        self._source_days = SourceDays(rules, habits)
        self.held: list[Rows] = []
        """Rows whose engagement was not judged on the newest closed day, as their alerts wait."""
        by_kind = {signal.kind: signal for signal in self._signals}
        self._silence, self._key_actions = by_kind[Kind.USAGE_SILENCE], by_kind[Kind.KEY_ACTION_STOPPED]

    def begin(self, account: Account, day: int, quantity: int, at: int, out: Results) -> None:
        """The first event of a day that is still open."""
        habits, row = self._habits, account.row
        account.daily = with_day(account.daily, day, quantity, habits.closed - self._rules.config.kept_days + 1)
        if day > habits.get(row, LAST_DAY):
            habits.set(row, LAST_DAY, day)
        silence = account.alert(Kind.USAGE_SILENCE)
        if silence is not None:
            self._book.settle(account, self._silence, at, Calm(Resolution.RECOVERED), out)
            if silence.severity is not Severity.WATCH:
                # What this silence piled up was reported: it is not charged again as a drop.
                habits.set(row, FLOOR, habits.get(row, SCORE))

    def key_action(self, account: Account, day: int, quantity: int, at: int, out: Results) -> bool:
        """A core action on a day that is still open. Gives whether that says anything."""
        habits, row = self._habits, account.row
        facet = habits.facets[KEY_ACTIONS]
        alert = account.alert(Kind.KEY_ACTION_STOPPED) if facet.count(row, day, quantity) else None
        if alert is None:
            return False
        self._book.settle(account, self._key_actions, at, Calm(Resolution.RECOVERED), out)
        facet.set(row, FLOOR, facet.get(row, SCORE))
        return True

    def close(self, account_of: Callable[[str], Account]) -> Iterator[tuple[Account, Results] | None]:
        """Close the next day. Gives each account that has changed by it in more than its habits, with what is to be
        said; None now and then, so that it can be parted. It is to be gone through to its end."""
        habits = self._habits
        day = habits.closed + 1
        counts = habits.open.pop(day, {})
        at = self._rules.calendar.close_of(day)
        found: list[int] = []
        y = self._events(counts)
        self._by_source.begin(day, y)
        self.held = []
        for concerned_rows in self._fold_parts(y, day):
            found += concerned_rows
            yield None
        for first in range(0, len(habits), BLOCK):
            changed = self._fold(slice(first, first + BLOCK), y[first : first + BLOCK], day)
            found += (first + changed.nonzero()[0]).tolist()
            yield None
        self._by_source.end(np.arange(len(habits)))
        self._source_days.end(day)
        habits.closed = day
        habits.sequels = Sequels()
        self._rules.learnt.closed(day)
        habits.sources.close(day)
        self._facets.close(day)
        # One that is known well enough from this day on has changed, and waits nevertheless.
        waiting = {row for rows in self.held for row in rows.tolist()}
        habits.flow.close(self._slots(day)[1])
        habits.flow.track(self._rules.learnt.layout_of(day + 1))
        for row in sorted(set(found)):
            account = account_of(habits.ids[row])
            out: Results = []
            for signal in () if row in waiting else self._signals:
                judgement = signal.judge(account, day)
                if judgement is not None:
                    self._book.settle(account, signal, at, judgement, out)
            yield account, out

    def sum_up(self, sums: DaySums) -> Iterator[None]:
        """Add what the accounts say of the next day that closes."""
        habits, learnt, thresholds = self._habits, self._rules.learnt, self._rules.thresholds
        known, sources = learnt.known, habits.sources
        day = habits.closed + 1
        y = self._events(habits.open.get(day, {}))
        layout = learnt.layout_of(day)
        by_source = sources.counts(day, y, layout)
        sums.sources.see(sources, day)
        sums.flow = habits.flow.between(*self._slots(day))
        sums.sequels += habits.sequels
        for first in range(0, len(habits), BLOCK):
            v, events = habits.values[:, first : first + BLOCK][:, : y.size - first], y[first : first + BLOCK]
            mine = _speaks(v, events)
            own = v[:, mine]
            sums.add(own, events[mine], day, weekday(day), known, thresholds)
            if layout != UNTRACKED:
                rows = first + mine.nonzero()[0]
                every = events[None] if by_source is None else by_source[:, first : first + BLOCK]
                sums.sources.hear(every, mine)
                self._add_by_source(sums, own, rows, y, by_source)
            yield
        yield from self._facets.sum_up(sums, y, day)
        yield from self._source_days.sum_up(sums, y, by_source, day)

    def _add_by_source(self, sums: DaySums, v: Column, rows: Rows, y: Column, by_source: Column | None) -> None:
        """Add what rows `v`, which are `rows` of all, say of their sources."""
        learnt, day = self._rules.learnt, self._habits.closed + 1
        speak = speaking(v, day, learnt.known)
        v, rows = v[:, speak], rows[speak]
        counts = by_source[:, rows] if by_source is not None else np.zeros((SOURCES, rows.size))
        if by_source is None:
            counts[0] = y[rows]
        mu = expected(v, weekday(day), learnt.known)
        sums.sources.add(mu, counts, self._habits.sources.of(rows), learnt.known.dispersion)

    def catch_up(self) -> Iterator[None]:
        """Bring rows that were stored on earlier days to the closed day. What came of these days is known."""
        habits = self._habits
        count = len(habits)
        stood = habits.stored[:count]
        for day in range(int(stood.min(initial=habits.closed)) + 1, habits.closed + 1):
            y = self._events(habits.open.get(day, {}))
            self._by_source.begin(day, y)
            for _ in self._fold_parts(y, day, only=stood < day):
                yield
            for first in range(0, count, BLOCK):
                block = slice(first, first + BLOCK)
                self._fold(block, y[block], day, only=stood[block] < day)
                yield
            self._by_source.end((stood < day).nonzero()[0])
            self._source_days.end(day, only=stood < day)
        for day in [day for day in habits.open if day <= habits.closed]:
            del habits.open[day]
        habits.sources.close(habits.closed)
        self._facets.close(habits.closed)
        habits.flow.track(self._rules.learnt.layout_of(habits.closed + 1))

    def _fold_parts(self, y: Column, day: int, only: Mask | None = None) -> Iterator[list[int]]:
        """What is judged apart, before the whole is folded. Gives the rows whom it concerns."""
        yield from self._facets.fold(y, day, only)
        yield from self._source_days.fold(y, self._by_source.counts, day, only)

    def _slots(self, day: int) -> tuple[int, int]:
        """A day's first slot of the flow, and the first after it."""
        calendar = self._rules.calendar
        return calendar.start_of(day) // SLOT_MS, calendar.start_of(day + 1) // SLOT_MS

    def _events(self, counts: dict[int, int]) -> Column:
        y = np.zeros(len(self._habits))
        y[np.fromiter(counts, np.intp, len(counts))] = np.fromiter(counts.values(), np.float64, len(counts))
        return y

    def _fold(self, block: slice, y: Column, day: int, only: Mask | None = None) -> Mask:
        """Fold a day into those of a block for whom it means something. Gives whom it concerns."""
        v, recent = self._habits.values[:, block][:, : y.size], self._habits.recent[:, block][:, : y.size]
        mine = _speaks(v, y)
        if only is not None:
            mine &= only
        if mine.all():
            return self._fold_all(v, recent, y, day, np.arange(block.start, block.start + y.size))
        changed = np.zeros_like(mine)
        rows = mine.nonzero()[0]
        if rows.size:
            some, last_days = v.take(rows, axis=1), recent.take(rows, axis=1)
            changed[rows] = self._fold_all(some, last_days, y[rows], day, block.start + rows)
            v[:, rows], recent[:, rows] = some, last_days
        return changed

    def _fold_all(self, v: Column, recent: Column, y: Column, day: int, rows: Rows) -> Mask:
        rules, fleet, by_source = self._rules, self._rules.fleet(day), self._by_source
        relative, held = by_source.relative(rows), by_source.held(rows)
        by_source.learn(rows, v)
        fold(v, y, day, weekday(day), fleet, relative)
        changed = monitor(v, recent, y > 0.0, day, rules.config)
        found = concerned(v, day, fleet, rules.thresholds, rules.config)
        if held is not None:
            self.held.append(rows[held])
            found = found[~held[found]]
        changed[found] = True
        return changed


def _speaks(v: Column, y: Column) -> Mask:
    """For whom a day with `y` events means something: they have begun, or do so now."""
    speaks: Mask = (v[UNJUDGED] == 0.0) & ((v[FIRST_DAY] >= 0.0) | (y > 0.0))
    return speaks
