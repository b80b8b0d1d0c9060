"""What the alerts would have asked of people: messages, by kind and by week. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.alerts import Change, Severity
from streams.backtest.ledger import Told
from streams.detection.calendar import Calendar, weekday
from streams.detection.config import DAY_MS

WEEK_MS = 7 * DAY_MS


@dataclass(slots=True)
class Load:
    """Counts over a span of time (ms): the last year at most, and only from when accounts began to be judged."""

    since: int
    until: int
    team: int
    messages: int = 0
    """What the default route tells: alerts from a warning on, opened, escalated, woken or resolved. What changes on an
    account at one moment is one message."""
    opened: Counter[str] = field(default_factory=Counter)
    """Alerts opened at a warning or above, or escalated to one, by kind; each time that they opened."""
    watches: int = 0
    """Watches opened; they are recorded and not told."""
    by_week: dict[int, Counter[str]] = field(default_factory=dict)
    """First day of each week (a Monday, as a day number) to what `opened` counts, over all of the history."""
    messages_by_week: Counter[int] = field(default_factory=Counter)

    @property
    def weeks(self) -> float:
        """Length of the span in weeks."""
        return max(self.until - self.since, DAY_MS) / WEEK_MS

    @property
    def per_week(self) -> float:
        """Messages a week."""
        return self.messages / self.weeks

    @property
    def per_person_and_week(self) -> float:
        """Messages a week for each person of the team."""
        return self.per_week / self.team


def load_of(told: Iterable[Told], calendar: Calendar, *, judged_from: int, end: int, team: int) -> Load:
    """Count transitions, which come in their order."""
    since = min(max(judged_from, end - round(365.25 * DAY_MS)), end)
    load = Load(since, end, team)
    raised: dict[str, Severity] = {}
    spoken: dict[str, int] = {}
    for each in told:
        inside = each.at >= since
        day = calendar.day_of(each.at)
        monday = day - weekday(day)
        if each.message and spoken.get(each.account) != each.at:
            spoken[each.account] = each.at
            load.messages += inside
            load.messages_by_week[monday] += 1
        before = None if each.change is Change.OPENED else raised.get(each.alert_id)
        raised[each.alert_id] = each.severity
        if each.change is Change.OPENED and each.severity is Severity.WATCH:
            load.watches += inside
        elif each.change in (Change.OPENED, Change.ESCALATED) and (before is None or before is Severity.WATCH):
            load.by_week.setdefault(monday, Counter())[each.kind.value] += 1
            if inside:
                load.opened[each.kind.value] += 1
    return load
