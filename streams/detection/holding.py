"""How a fall is over: after its evidence has been low for some days, or as the new normal."""

from schemas.alerts import Resolution
from streams.detection.habits import Habit
from streams.detection.signals.base import Calm


def held(habit: Habit, day: int, hold_days: int) -> tuple[Calm | None, int]:
    """The judgement of a fall that is open, whose evidence is below the lowest threshold or which has become the new
    normal by `day`; and from which day on it has been low (-1: that is done with), to be noted in `CALM_DAY`."""
    since = habit.calm_day if habit.calm_day >= 0 else day
    if habit.rebaselined:
        return Calm(Resolution.REBASELINED), -1
    if day - since >= hold_days:
        return Calm(Resolution.RECOVERED), -1
    return None, since
