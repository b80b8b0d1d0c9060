"""When an account will be called silent, if nobody does anything from now on."""

from math import floor
from typing import Final

import numpy as np

from streams.detection.calendar import weekday
from streams.detection.fold import operating
from streams.detection.habits import Column, active_rates, active_weights
from streams.detection.rules import Rules
from streams.detection.signals.gate import muted
from streams.detection.state import Account

_WARNING: Final = 1
_FAR: Final = 3_650
"""Days ahead that are worth telling."""


def silent_on(account: Account, rules: Rules) -> int | None:
    """The day at whose close `usage_silence` would be a warning, in closed form (`usage_silence` has the rule), on days
    like any other of the fleet; where a drop has shown before, it may be one a day or two earlier. None: it is one
    already, the account is not judged, or that is years away."""
    if not account.monitored or muted(account):
        return None
    closed, habit, fleet = account.closed, account.habit, rules.fleet(account.closed)
    rate, column = habit.rate(fleet), account.habits.values[:, account.row : account.row + 1]
    levels = rules.thresholds.of(rate)
    active_since = habit.last_day > closed
    day = max(habit.last_day, closed)
    quiet, clock = (0.0, 0.0) if active_since else (habit.quiet, habit.clock_days)
    if not active_since and (habit.silence(fleet) >= levels.silence[_WARNING] or clock >= levels.clock[_WARNING]):
        return None
    by_weekday = np.array([active_weights(column, each, fleet)[0] for each in range(7)])
    on_clock = operating(by_weekday, active_rates(column, fleet))
    by_silence = _days(habit.exposure_at(levels.silence[_WARNING], fleet) - quiet, by_weekday, day)
    by_clock = _days(levels.clock[_WARNING] - clock, on_clock, day)
    enough = _days(rules.config.expected_events / rate - clock, on_clock, day)
    days = max(min(by_silence, by_clock), enough)
    return day + days if days <= _FAR else None


def _days(exposure: float, weights: Column, day: int) -> int:
    """After how many days, from the one after `day` on, their weights (by weekday) come to so much."""
    a_week = float(weights.sum())
    weeks = max(0, floor(exposure / a_week) - 1)
    left, days = exposure - weeks * a_week, 7 * weeks
    while left > 0.0 and days <= _FAR:
        days += 1
        left -= float(weights[weekday(day + days)])
    return max(days, 1)
