"""A day by source, for the accounts of a partition: how much each is excused, and whose alerts are held."""

from typing import Final

import numpy as np

from streams.detection.habits import CLOSED_ACTIVE_DAY, EVENTS, PENDING_EVENTS, Column, Habits, Mask, Rows
from streams.detection.habits import HALF_LIFE as BASELINE_HALF_LIFE
from streams.detection.rules import Rules
from streams.detection.sources import HALF_LIFE, SOURCES, WHOLE, key_of

_LIVES_ON: Final = 0.5
"""An account lives on the sources that are this share of it."""


class BySource:
    """One day at a time: `begin` it, then ask of rows. A row's shares stand at the day before until they `learn`."""

    def __init__(self, rules: Rules, habits: Habits) -> None:
        self._rules = rules
        self._habits = habits
        self._day = -1
        self.counts: Column | None = None
        """The day's events of each source [source, row]; None where no account has ever had another than the default.
        """

    def begin(self, day: int, y: Column) -> None:
        """The day to speak of, with the events of all rows."""
        self._day = day
        self.counts = self._habits.sources.counts(day, y, self._rules.learnt.layout_of(day))

    def end(self, rows: Rows) -> None:
        """The day is over for `rows`."""
        learnt, day = self._rules.learnt, self._day
        self._habits.sources.relay(rows, learnt.layout_of(day), learnt.layout_of(day + 1))

    def relative(self, rows: Rows) -> Column | float:
        """By what each one's factor differs from the fleet's."""
        today = self._rules.learnt.sources(self._day)
        if today is None:
            return 1.0
        of_fleet = self._rules.fleet(self._day).factor
        shares = self._habits.sources.of(rows)
        found = np.zeros(rows.size)
        for number in range(SOURCES):
            found += shares[number] * (today.factors[number] / of_fleet)
        return found

    def held(self, rows: Rows) -> Mask | None:
        """Whose engagement alerts wait, as hardly anything comes in from where they live; None: nobody's."""
        learnt = self._rules.learnt
        stalled = learnt.stall.stalled
        if not stalled:
            return None
        if WHOLE in stalled:
            return np.ones(rows.size, bool)
        shares = self._habits.sources.of(rows)
        layout = learnt.layout_of(self._day)
        lives = np.zeros(rows.size)
        for number in range(SOURCES):
            if key_of(number, layout) in stalled:
                lives += shares[number]
        held: Mask = lives >= _LIVES_ON
        return held

    def learn(self, rows: Rows, v: Column) -> None:
        """Fold the day into the shares of `rows`; `v` are their columns as of the day before."""
        if self.counts is not None and self._rules.learnt.learns_shares(self._day):
            baseline = (v[EVENTS] + v[PENDING_EVENTS]) * (HALF_LIFE / BASELINE_HALF_LIFE)
            self._habits.sources.fold(rows, self.counts[:, rows], baseline, self._day, v[CLOSED_ACTIVE_DAY])
