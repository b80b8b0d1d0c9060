"""`telemetry_stalled`: so little comes in, of all accounts together or from one source, that it is no decline of
theirs. The producers are broken, or it is a holiday. And a fleet that has been low for so long that it is no holiday.

It is one alert, on the fleet as a whole, whatever it is about; it grows with what is found besides, and ends when all
of it is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Final, NamedTuple

from alerting import lifecycle
from alerting.lifecycle import Alert, Finding, Standing
from schemas.alerts import AlertReason, AlertState, Kind, Resolution, Severity
from streams.detection.calendar import Calendar
from streams.detection.config import DAY_MS
from streams.detection.source_learning import SourceDay
from streams.detection.sources import SOURCES, WHOLE, key_of
from streams.detection.whole_source import WholeSource

FLEET_ID: Final = "fleet"
"""Stands for an account's id: the alert is on none of them."""
BELOW: Final = 0.3
BACK: Final = 0.6
_CRITICAL_BELOW: Final = 0.1
_DEAD: Final = 0.05
"""Below this a producer is broken, however long it has been."""
_LOW: Final = 0.85
_LOW_DAYS: Final = 14
_HIGH_DAYS: Final = 3
"""So many days at normal say that a low time is over."""
_WEEK: Final = 7
_RECENT_DAYS: Final = 42
_KNOWN_DAYS: Final = 28
_NEW_NORMAL_DAYS: Final = 60
"""After so long what is low is normal: what is learnt of accounts has come down to it."""
_COMMANDS: Final = 64
_NOTHING: Final[frozenset[int]] = frozenset()
_SAME_EPISODE_MS: Final = 2 * DAY_MS


def _judged(percent: int) -> str:
    """What a low time that lasts means for accounts, see `Stall.excuses`."""
    if percent >= 100 * BACK:
        return "Accounts are judged in spite of it."
    return "All accounts would be told at once, so each is still measured against the others."


class Measured(NamedTuple):
    """How a day went, of all accounts together or of a source."""

    factor: float
    measured: float
    """See `fleet_learning.measured`: courses go by it, as what is lent to a few would come to be what is usual."""
    tells: bool = True
    """Whether it says anything."""


@dataclass(frozen=True, slots=True)
class _Found:
    """One thing that is the matter, as it was found."""

    name: str
    """Of the source; empty for all together."""
    percent: int
    since: int
    declined: bool = False
    by_hour: bool = False
    accounts: int = 0
    """How many use a source from which nothing comes, where they are few; 0 else."""

    @property
    def what(self) -> str:
        return f"Activity from the source {self.name}" if self.name else "Activity of all accounts together"

    def reason(self) -> AlertReason:
        code = "declined" if self.declined else "source_quiet" if self.name else "fleet_quiet"
        values: dict[str, bool | int | float | str] = {"percent_of_normal": self.percent}
        if self.name:
            values["source"] = self.name
        if self.accounts:
            values["accounts"] = self.accounts
        if self.declined:
            text = f"{self.what} has been low for {_LOW_DAYS} days. {_judged(self.percent)}"
        elif self.name:
            text = f"No account that lives on {self.name} is judged by days on which nothing comes from it."
        else:
            text = "No account is judged by days on which nobody's events come."
        return AlertReason(code=code, text=text, values=values)


class _Course:
    """How a factor went lately, against what it mostly was in the six weeks up to then: the scale of factors wanders,
    and a month with three weeks of little work in it is an ordinary one."""

    def __init__(self) -> None:
        self.recent: list[float] = []
        self.low = 0
        """Days of a low time; 0 in none."""
        self.high = 0
        """Days at normal at its end."""
        self.floor = 0.0
        """Where a low time that lasts is held to end; 0 in none."""
        self.since = 0
        """When the low time began, ms: its days are those that tell something."""

    @property
    def usual(self) -> float:
        """What there was on most days of the last weeks, where that was hardly anything, as in a fleet whose work is
        done at the end of each quarter: what is always so is no broken producer. 1 else."""
        if len(self.recent) < _KNOWN_DAYS:
            return 1.0
        usual = median(self.recent)
        return usual if usual < BACK and (usual >= _DEAD or self._comes_and_goes) else 1.0

    @property
    def _comes_and_goes(self) -> bool:
        """Whether it was back after a week of next to nothing: then that is no broken producer."""
        dead = 0
        for each in self.recent:
            if each >= BACK and dead >= _WEEK:
                return True
            dead += each < _DEAD
        return False

    def remember(self, measured: float) -> None:
        """The next day, which says nothing of low times."""
        self.recent = [*self.recent[1 - _RECENT_DAYS :], measured]

    def add(self, today: Measured, since: int) -> None:
        """The next day, which begins at `since`."""
        self.remember(today.measured)
        if not self.low:
            self.since = since
        floor = self.floor
        if not floor and len(self.recent) >= _KNOWN_DAYS:
            floor = _LOW * median(self.recent)
        self.low, self.high = (
            (self.low + 1, 0) if today.factor < floor else (self.low + bool(self.floor), self.high + 1)
        )
        if self.high >= _HIGH_DAYS or self.low >= _NEW_NORMAL_DAYS:
            self.low = self.high = 0
            self.floor = 0.0
        elif self.low >= _LOW_DAYS and not self.high:
            self.floor = floor

    def pack(self) -> list[Any]:
        """As plain data."""
        return [self.low, self.high, self.floor, self.recent, self.since]

    @classmethod
    def unpack(cls, packed: list[Any]) -> "_Course":
        """What `pack` gave."""
        course = cls()
        course.low, course.high, course.floor, course.recent, *since = packed
        course.since = since[0] if since else 0
        return course


def _leave_to_hours(found: dict[tuple[int, bool], _Found]) -> None:
    """Days say nothing of all together any more: hours say when flow is back."""
    found.pop((WHOLE, True), None)
    known = found.get((WHOLE, False))
    if known is not None and not known.by_hour:
        found[WHOLE, False] = replace(known, by_hour=True)


class Stall:
    """What is the matter with the flow of events, and the alert on it."""

    def __init__(self, calendar: Calendar) -> None:
        self.alert: Alert | None = None
        """The last one on the fleet."""
        self.said: list[Alert] = []
        """Its changes, for who tells them."""
        self._calendar = calendar
        self._found: dict[tuple[int, bool], _Found] = {}
        """By key, and whether it is a decline."""
        self._courses: dict[int, _Course] = {}
        self._back: dict[int, int] = {}
        """By key: when hours said that flow was back, ms."""
        self._commands: list[int] = []
        """Ids of the last ones."""

    @property
    def stalled(self) -> frozenset[int]:
        """What hardly anything comes from."""
        if not self._found:
            return _NOTHING
        return frozenset(key for key, declined in self._found if not declined)

    def excuses(self, key: int, factor: float) -> float:
        """The factor to go by: a low time that lasts is no holiday, and excuses nobody. Where it is lower than that by
        far it goes on: all accounts would be told at once, and none could be told from the others."""
        if (key, True) not in self._found or factor < BACK:
            return factor
        return max(factor, self._courses[key].floor)

    def learns_shares(self, day: int) -> bool:
        """Whether a day says what share of an account's activity comes from each source: none while one has been
        quiet for days, and once it has been so for long, who goes on without it."""
        at = self._calendar.start_of(day) - _LOW_DAYS * DAY_MS
        return all(declined or each.since <= at for (_, declined), each in self._found.items())

    def day(
        self, day: int, whole: Measured | None, sources: SourceDay | None, wholes: Sequence[WholeSource] = ()
    ) -> None:
        """A day is decided, with what was measured of the fleet and of its sources, and with each source as one whole.
        None: the fleet is too small for a day to say anything of it."""
        at, since = self._calendar.close_of(day), self._calendar.start_of(day)
        self.wake(at)
        found = dict(self._found)
        if whole is None:
            _leave_to_hours(found)
        elif whole.tells:
            self._see(found, WHOLE, "", whole, since)
        if sources is not None:
            for number, speaks in enumerate(sources.speaking):
                key = key_of(number, sources.layout)
                if speaks:
                    own = Measured(sources.factors[number], sources.measured[number])
                    self._see(found, key, sources.names[number], own, since)
                elif number < len(wholes):
                    self._hear(found, key, sources.names[number], wholes[number], day)
        there = {WHOLE}
        if sources is not None:
            there.update(key_of(number, sources.layout) for number in range(SOURCES))
        withdrawn = [each for each in found if each[0] not in there]  # it is not tracked any more
        for each in withdrawn:
            del found[each]
        self._courses = {key: course for key, course in self._courses.items() if key in there}
        self._back = {key: back for key, back in self._back.items() if key in there}
        percent = 100 if whole is None else round(100 * whole.factor)
        self._become(found, at, percent, withdrawn=bool(withdrawn))

    def hour(self, at: int, key: int, name: str, *, quiet: bool, since: int, percent: int) -> None:
        """The flow of all or of a source stopped, or is back, as is evident at a time; what is quiet already by all
        is not said again of each."""
        found = dict(self._found)
        if quiet and (WHOLE, False) not in found:
            found[key, False] = _Found(name, percent, since, by_hour=True)
        elif not quiet and (known := found.get((key, False))) is not None and known.by_hour:  # else the days say it
            del found[key, False]
            self._back[key] = at
        self.wake(at)
        self._become(found, at, percent)

    def _see(self, found: dict[tuple[int, bool], _Found], key: int, name: str, today: Measured, since: int) -> None:
        factor, percent = today.factor, round(100 * today.factor)
        known, course = found.get((key, False)), self._courses.setdefault(key, _Course())
        usual = course.usual
        if factor >= BACK * usual:
            if known is None or known.since < since:  # else it began on this day, and hours say when it is over
                found.pop((key, False), None)
        elif (
            factor < BELOW * usual
            and self._back.get(key, -1) < since
            and (key, False) not in found
            and (key == WHOLE or (WHOLE, False) not in found)
        ):
            found[key, False] = _Found(name, percent, since)
        if any(each in (key, WHOLE) or key == WHOLE for each, declined in found if not declined):
            course.remember(today.measured)
            return  # which says it all
        course.add(today, since)
        if not course.floor:
            found.pop((key, True), None)
        elif (key, True) not in found and (key == WHOLE or (WHOLE, True) not in found):
            began = course.since or since - (_LOW_DAYS - 1) * DAY_MS  # 0 from a version that did not know
            found[key, True] = _Found(name, percent, began, declined=True)

    def _hear(self, found: dict[tuple[int, bool], _Found], key: int, name: str, whole: WholeSource, day: int) -> None:
        """What a day says of a source that few accounts use."""
        start, known = self._calendar.start_of, found.get((key, False))
        if whole.quiet is False and (known is None or known.since < start(day)):
            found.pop((key, False), None)
        elif whole.quiet and known is None and (WHOLE, False) not in found and self._back.get(key, -1) < start(day):
            since = start(day - whole.silent_days + 1)
            found[key, False] = _Found(name, 0, since, accounts=whole.accounts)

    def _become(self, found: dict[tuple[int, bool], _Found], at: int, percent: int, *, withdrawn: bool = False) -> None:
        """What is the matter is this now. `withdrawn`: of something that was, nobody waits for the end any more."""
        before, self._found = self._found, found
        new = [each for each in found if each not in before]
        alert = self.alert
        standing = Standing(min(max(percent, 0), 100), None, None, 0.0)
        if new:
            finding = self._finding([found[each] for each in new], alert)
            if alert is None or (not alert.is_open and at - alert.at > _SAME_EPISODE_MS):
                self.change(lifecycle.open_alert(FLEET_ID, Kind.TELEMETRY_STALLED, at, finding, standing))
            elif alert.is_open:
                self.change(lifecycle.escalate(alert, at, finding, standing))
            else:
                self.change(lifecycle.reopen(alert, at, finding, standing))
        elif not found and alert is not None and alert.is_open:
            over = list(before.values())
            words = f"{over[0].what} is back{f' at {percent}% of normal' if percent <= 100 else ''}."
            low = percent < 100 * BACK and not any(each.name or each.by_hour for each in over)
            if low or all(each.declined for each in over):
                words = f"{over[0].what} is back, or has been low for so long that it is the new normal."
            elif withdrawn:
                what = " and ".join(each.what for each in over)
                words = (
                    f"{what} has been missing for so long that it is taken for withdrawn, and holds nobody any more."
                )
            elif all(each.name for each in over):
                words = f"{' and '.join(each.what for each in over)} is back to normal."
            self.change(lifecycle.resolve(alert, at, Resolution.RECOVERED, words, standing))

    def _finding(self, new: list[_Found], alert: Alert | None) -> Finding:
        first = new[0]
        when = self._calendar.day_text(first.since)
        on = (
            f"has been at {first.percent}% of normal since {when}, {self._clock(first.since)}"
            if first.by_hour
            else (f"was at {first.percent}% of normal on {when}")
        )
        if first.declined:
            words = (
                f"{first.what} has been below {_LOW:.0%} of normal since {when}, and is at {first.percent}%: "
                f"that is no holiday. {_judged(first.percent)}"
            )
        elif first.accounts:
            words = (
                f"Nothing has come from the source {first.name} since {when}, for any of the {first.accounts} accounts "
                "that use it: its producer may be broken. Engagement alerts of accounts that live on it wait."
            )
        elif first.name:
            words = (
                f"{first.what} {on}: its producer may be broken. Engagement alerts of accounts that live on it wait."
            )
        else:
            words = f"{first.what} {on}: producers may be broken. Engagement alerts wait."
        if len(new) > 1:
            words += f" The same of {', '.join(each.name for each in new[1:])}."
        quiet = any(not (each.declined or each.accounts) and each.percent < 100 * _CRITICAL_BELOW for each in new)
        return Finding(
            Severity.CRITICAL if quiet else Severity.WARNING,
            first.since,
            words,
            tuple(each.reason() for each in self._found.values()),
            {"percent_of_normal": first.percent},
            alert.finding.step + 1 if alert is not None and alert.is_open else 0,
        )

    def _clock(self, at: int) -> str:
        minutes = (at - self._calendar.start_of(self._calendar.day_of(at))) // 60_000
        return f"{minutes // 60:02}:{minutes % 60:02}"

    def wake(self, now: int) -> None:
        """Wake what was snoozed until now."""
        alert = self.alert
        if alert is not None and alert.state is AlertState.SNOOZED:
            until = alert.snoozed_until
            if until is not None and until <= now:
                self.change(lifecycle.wake(alert, until, None, alert.standing))

    def change(self, alert: Alert) -> None:
        """The alert is this now."""
        self.said.append(alert)
        self.alert = alert.kept()

    def admits(self, command: int) -> bool:
        """Whether a command has not been seen; it has been from now on."""
        if command in self._commands:
            return False
        self._commands = [*self._commands[1 - _COMMANDS :], command]
        return True

    def pack(self) -> list[Any]:
        """As plain data. What is `said` is to be taken before."""
        return [
            self.alert and self.alert.encode(),
            [
                [*key, each.name, each.percent, each.since, each.by_hour, each.accounts]
                for key, each in self._found.items()
            ],
            [[key, course.pack()] for key, course in self._courses.items()],
            self._commands,
            list(self._back.items()),
        ]

    def unpack(self, packed: list[Any]) -> None:
        """Go on from what `pack` gave."""
        alert, found, courses, self._commands, back = packed
        self._back = dict(back)
        self.alert = alert and Alert.decode(alert)
        self._found = {
            (key, declined): _Found(name, percent, since, declined, *more)
            for key, declined, name, percent, since, *more in found
        }
        self._courses = {key: _Course.unpack(course) for key, course in courses}
