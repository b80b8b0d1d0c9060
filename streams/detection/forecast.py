"""When an account will be called silent, if nobody does anything from now on."""

from typing import Final

from schemas.alerts import Kind
from streams.detection.calendar import weekday
from streams.detection.fleet import FleetDay
from streams.detection.fold import added_by_nothing, operating_day
from streams.detection.habits import Habit
from streams.detection.rules import Rules
from streams.detection.signals.gate import muted
from streams.detection.signals.usage_silence import Scores, level_of, tells
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
    habit = account.habit
    day = max(habit.last_day, account.closed)
    silence = _Silence(account, habit, day, rules)
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

    def __init__(self, account: Account, habit: Habit, day: int, rules: Rules) -> None:
        fleet = rules.fleet(account.closed)
        self._habit, self._fleet, self._rules = habit, fleet, rules
        self._rate = habit.rate(fleet)
        self._by_drop = account.alert(Kind.USAGE_DROP) is None
        over = habit.last_day > account.closed  # by what was done on the day that is open
        self._now = Scores(habit.evidence, 0.0 if over else habit.quiet, 0.0 if over else habit.clock_days)
        self._sums = sums(habit, day, fleet)

    def warned(self, days: int) -> bool:
        """Whether it is a warning after so many days."""
        weeks, rest = divmod(days, 7)
        now, week, part = self._now, self._sums[7], self._sums[rest]
        clock = now.clock + weeks * week.clock + part.clock
        if not tells(self._rate * clock, self._rate, self._rules):
            return False
        drop = now.drop + weeks * week.drop + part.drop
        quiet = now.silence + weeks * week.silence + part.silence
        scores = Scores(drop, self._habit.silence_at(quiet, self._fleet), clock)
        return level_of(scores, self._rate, self._rules.thresholds, by_drop=self._by_drop) >= _WARNING


def sums(habit: Habit, day: int, fleet: FleetDay) -> list[Scores]:
    """What the first 0 to 7 days without events after `day` add to S, to the exposure since the last active day (in
    place of E) and to the clock."""
    k = 1.0 / habit.dispersion(fleet)
    expected, active_rate = habit.rate(fleet) * habit.known_share, habit.active_rate(fleet)
    weights, active_weights = habit.weights(fleet), habit.active_weights(fleet)
    drop = quiet = clock = 0.0
    found = [Scores(drop, quiet, clock)]
    for ahead in range(day + 1, day + 8):
        of_week = weekday(ahead)
        drop += added_by_nothing(expected * weights[of_week], k)
        quiet += active_weights[of_week]
        clock += operating_day(active_weights[of_week], active_rate)
        found.append(Scores(drop, quiet, clock))
    return found
