"""When an account will be called silent, if nobody does anything from now on."""

from typing import Final

import numpy as np

from schemas.alerts import Kind
from streams.detection.calendar import weekday
from streams.detection.fleet import FleetDay
from streams.detection.fold import added_by_nothing, operating
from streams.detection.habits import Column, active_rates, active_weeks, rates, weeks
from streams.detection.rules import Rules
from streams.detection.signals.gate import muted
from streams.detection.signals.usage_silence import Scores, level_of
from streams.detection.state import Account

_WARNING: Final = 2
_NEAR: Final = 16
_FAR: Final = 3_650
"""Days ahead that are worth telling."""


def silent_on(account: Account, rules: Rules) -> int | None:
    """The day at whose close `usage_silence` would be a warning (which has the rule), on days like any other of the
    fleet; a day or two earlier where what was done on the day that is open makes up for a decline before. None: it is
    one already, the account is not judged, or that is years away."""
    if not account.monitored or muted(account):
        return None
    day = max(account.habit.last_day, account.closed)
    silence = _Silence(account, day, rules)
    if silence.warned(0):
        return None
    before, by = 0, _NEAR
    while not silence.warned(by):
        if by == _FAR:
            return None
        before, by = by, min(4 * by, _FAR)
    while by - before > 1:
        middle = (before + by) // 2
        if silence.warned(middle):
            by = middle
        else:
            before = middle
    return day + by


class _Silence:
    """An account's silence after `day`, as it goes on."""

    def __init__(self, account: Account, day: int, rules: Rules) -> None:
        habit, fleet = account.habit, rules.fleet(account.closed)
        self._habit, self._fleet, self._rules = habit, fleet, rules
        self._rate = habit.rate(fleet)
        self._by_drop = account.alert(Kind.USAGE_DROP) is None
        over = habit.last_day > account.closed  # by what was done on the day that is open
        self._now = (habit.evidence, 0.0 if over else habit.quiet, 0.0 if over else habit.clock_days)
        self._sums = _sums(account.habits.values[:, account.row : account.row + 1], day, fleet)

    def warned(self, days: int) -> bool:
        """Whether it is a warning after so many days."""
        whole, rest = divmod(days, 7)
        drop, quiet, clock = [
            now + whole * sums[7] + sums[rest] for now, sums in zip(self._now, self._sums, strict=True)
        ]
        if self._rate * clock < self._rules.config.expected_events:
            return False
        scores = Scores(drop, self._habit.silence_at(quiet, self._fleet), clock)
        return level_of(scores, self._rate, self._rules.thresholds, by_drop=self._by_drop) >= _WARNING


def _sums(v: Column, day: int, fleet: FleetDay) -> list[list[float]]:
    """What the first 0 to 7 days without events after `day` add to S, to the exposure since the last active day and to
    the clock of the account in `v` (one row): [3, 8]."""
    weight = active_weeks(v, fleet)
    added = np.hstack(
        (
            added_by_nothing(v, rates(v, fleet) * weeks(v, fleet), fleet),
            weight,
            operating(weight, active_rates(v, fleet)),
        )
    )
    sums: Column = np.zeros((3, 8))
    sums[:, 1:] = added[[weekday(day + ahead) for ahead in range(1, 8)]].cumsum(axis=0).T
    found: list[list[float]] = sums.tolist()
    return found
