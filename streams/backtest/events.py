"""Which events there are, how regular they are, and which, and whose, are perhaps no usage. Pure.

A company's stream of events has more in it than what people do: heartbeats, the server's own doing, scripts. They hide
an account that goes slack, as they come whether or not anybody is there. What they are can only be suggested: the
settings `include_events`, `exclude_events` and `exclude_users` say it.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from statistics import median
from typing import Final, Self

from schemas.shuffle import known_hash64
from streams.backtest.rhythm import Rhythm
from streams.detection.usage_rule import UsageRule

NAMES: Final = 1_000
"""Names of events that are told apart; what else comes goes together as `OTHERS`."""
OTHERS: Final = "(others)"
USERS: Final = 10_000
"""Users, and accounts, that are counted for each event; beyond that there are "more than" so many."""
FOLLOWED: Final = 30
"""Users of each event whose times are looked at; accounts, where no user is named. They are those whose ids hash to the
least, so that they are the same ones in whichever parts a history is looked at."""
BUSIEST: Final = 500
"""Users of all events, the busiest, of whom something is known; up to twice as many in between."""
OWN: Final = 16
"""Names of events that are told apart for each of these users, the most frequent ones, up to twice as many in between;
what else they do goes together as `OTHERS`."""
_ALIKE: Final = 0.05
_GAPS: Final = 30
_REGULAR: Final = 0.7
_MOST: Final = 0.6
_NOBODY: Final = 0.95
_NO_NIGHT: Final = 0.2
"""Share of the events in the quietest eight hours, from which on nobody seems to sleep."""
_SLACK_MS: Final = 2_000


@dataclass(slots=True)
class _Pace:
    """One user's such events; one account's, where no user is named. Times in milliseconds."""

    last: int
    gap: int = -1
    """The time between the last two; -1: there are no two."""
    gaps: int = 0
    alike: int = 0
    rhythm: Rhythm = field(default_factory=Rhythm)

    def add(self, at: int) -> None:
        """One more event."""
        gap = at - self.last
        if gap > _SLACK_MS:  # what comes together is one thing
            if self.gap >= 0:
                self.gaps += 1
                self.alike += abs(gap - self.gap) <= _ALIKE * self.gap
            self.last, self.gap = at, gap
        self.rhythm.add(at)

    @property
    def is_a_programs(self) -> bool:
        """Whether this one user's come at regular times, or around the clock."""
        night = self.rhythm.night
        regular = self.gaps >= _GAPS and self.alike >= _REGULAR * self.gaps
        return regular or (night is not None and night >= _NO_NIGHT)

    def join(self, other: Self) -> None:
        """The same user's in other accounts."""
        self.gaps += other.gaps
        self.alike += other.alike
        self.rhythm.join(other.rhythm)


@dataclass(slots=True)
class _Seen:
    """One event's name."""

    count: int = 0
    nameless: int = 0
    users: set[int] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)
    paces: dict[int, _Pace] = field(default_factory=dict)
    """By the hash of the id."""
    highest: int = -1
    """The highest of these, once there are enough."""

    def follow(self, who: int, at: int) -> None:
        """One more event of a user, or an account."""
        pace = self.paces.get(who)
        if pace is not None:
            pace.add(at)
        elif len(self.paces) < FOLLOWED or who < self.highest:
            self.paces[who] = pace = _Pace(at)
            pace.rhythm.add(at)
            self._drop_highest()

    def _drop_highest(self) -> None:
        while len(self.paces) > FOLLOWED:
            del self.paces[max(self.paces)]
        self.highest = max(self.paces) if len(self.paces) == FOLLOWED else -1

    def join(self, other: Self) -> None:
        """What was seen of other accounts."""
        self.count += other.count
        self.nameless += other.nameless
        self.users |= other.users
        self.accounts |= other.accounts
        for who, pace in other.paces.items():
            own = self.paces.get(who)
            if own is None:
                self.paces[who] = pace
            else:
                own.join(pace)
        self._drop_highest()

    @property
    def is_nobodys(self) -> bool:
        """Whether it hardly ever names a user."""
        return self.nameless >= _NOBODY * self.count

    @property
    def is_of_several(self) -> bool:
        """Whether it is a program's with more than one user: of one it may as well be the user who is none."""
        return sum(pace.is_a_programs for pace in self.paces.values()) > 1

    @property
    def regularity(self) -> float | None:
        gaps = sum(pace.gaps for pace in self.paces.values())
        return sum(pace.alike for pace in self.paces.values()) / gaps if gaps >= _GAPS else None

    @property
    def night(self) -> float | None:
        return _typical(pace.rhythm.night for pace in self.paces.values())

    @property
    def weekend(self) -> float | None:
        return _typical(pace.rhythm.weekend for pace in self.paces.values())


class _User:
    """When a user does what, by the event's name."""

    __slots__ = ("count", "rhythms")

    def __init__(self) -> None:
        self.count = 0
        self.rhythms: dict[str, Rhythm] = {}

    def add(self, name: str, at: int) -> None:
        """One more event; `at` in milliseconds."""
        self.count += 1
        rhythm = self.rhythms.get(name)
        if rhythm is None:
            rhythm = self._new(name)
        rhythm.add(at)

    def join(self, other: Self) -> None:
        """What the user did in other accounts."""
        self.count += other.count
        for name, rhythm in other.rhythms.items():
            self._new(name).join(rhythm)

    def _new(self, name: str) -> Rhythm:
        if len(self.rhythms) >= 2 * OWN and name not in self.rhythms:
            self._drop_rarest()
        return self.rhythms.setdefault(name, Rhythm())

    def _drop_rarest(self) -> None:
        """What comes often soon is often again: a heartbeat that began when all else was known stays."""
        others = self.rhythms.pop(OTHERS, Rhythm())
        ordered = sorted(self.rhythms.items(), key=lambda pair: -pair[1].count)
        for _, rhythm in ordered[OWN:]:
            others.join(rhythm)
        self.rhythms = dict([*ordered[:OWN], (OTHERS, others)])

    def without(self, names: Set[str]) -> Rhythm:
        """All that is not called so."""
        rest = Rhythm()
        for name, rhythm in self.rhythms.items():
            if name not in names:
                rest.join(rhythm)
        return rest


@dataclass(frozen=True, slots=True)
class EventShare:
    """What is known of one event. `users` and `accounts` count up to `USERS`."""

    name: str
    count: int
    share: float
    """Of all events."""
    users: int
    accounts: int
    without_user: float
    """Share of these events that name no user."""
    regularity: float | None
    """Share of the times between two such events of a user that are as long as the one before, within 5%: near 1 for a
    timer, near 0.05 for people. None for too few to tell."""
    night: float | None
    """Share in a user's quietest eight hours of the day (`Rhythm.night`), of the user in the middle."""
    weekend: float | None
    """The same of the quietest two days of the week."""
    excluded: str | None
    """The setting by which it does not count; None: it counts."""
    suggestion: str | None
    """Why it may be no usage, and what to do; None: nothing speaks for that."""


@dataclass(frozen=True, slots=True)
class UserShare:
    """A user who is perhaps a program, by what is not left out, nor suggested to be, anyway."""

    user: str
    count: int
    share: float
    """Of all events."""
    night: float
    weekend: float | None
    suggestion: str


class EventTally:
    """Counts usage events, which come in order of time, in bounded memory. What is excluded by the `rule` is counted,
    too, and shown as such."""

    def __init__(self, rule: UsageRule | None = None) -> None:
        self.total = 0
        self._rule = rule or UsageRule()
        self._seen: dict[str, _Seen] = {}
        self._users: dict[str, _User] = {}

    def add(self, name: str, account: str, user: str | None, at: int) -> None:
        """Count one event. `at` in milliseconds."""
        seen = self._seen.get(name)
        if seen is None:
            seen = self._new(name)
        self.total += 1
        seen.count += 1
        if user is None:
            seen.nameless += 1
        else:
            if len(seen.users) < USERS:
                seen.users.add(known_hash64(user))
            known = self._users.get(user)
            if known is None:
                known = self._new_user(user)
            known.add(name, at)
        if len(seen.accounts) < USERS:
            seen.accounts.add(account)
        seen.follow(known_hash64(account if user is None else user), at)

    def __iadd__(self, other: Self) -> Self:
        """Take over what was counted of other accounts. Which names and users are told apart depends on the parts where
        there are more than so many."""
        for name, seen in other._seen.items():
            own = self._seen.get(name)
            (self._new(name) if own is None else own).join(seen)
        for user, theirs in other._users.items():
            known = self._users.get(user)
            if known is None:
                known = self._new_user(user)
            known.join(theirs)
        self.total += other.total
        return self

    def _new(self, name: str) -> _Seen:
        if len(self._seen) >= NAMES:
            name = OTHERS
        return self._seen.setdefault(name, _Seen())

    def _new_user(self, user: str) -> _User:
        # Who is among the busiest of all soon comes again: the others may be forgotten, and begin anew.
        if len(self._users) >= 2 * BUSIEST:
            ordered = sorted(self._users.items(), key=lambda pair: -pair[1].count)
            self._users = dict(ordered[:BUSIEST])
        return self._users.setdefault(user, _User())

    def shares(self, most: int = 20) -> list[EventShare]:
        """The events that come most, the most frequent first, each with what it may be instead of usage."""
        ordered = sorted(self._seen.items(), key=lambda pair: (-pair[1].count, pair[0]))
        suspicious = [pair for pair in ordered[most:] if self._suggestion(*pair) is not None]
        return [self._share(name, seen) for name, seen in (*ordered[:most], *suspicious[:most])]

    def programs(self, most: int = 10) -> list[UserShare]:
        """Users who are perhaps programs, the busiest first; those who are excluded already are not among them. They
        are judged without the events that are left out, or of which it is said that they may be a program's, whoever
        the user is: whose client sends heartbeats is no program."""
        gone = {
            name
            for name, seen in self._seen.items()
            if self._left_out(name) or (seen.is_of_several and self._doubts(name, seen))
        }
        found = []
        for user, known in self._users.items():
            if self._rule.excludes_user(user):
                continue
            rhythm = known.without(gone)
            night, count = rhythm.night, rhythm.count
            if night is not None and night >= _NO_NIGHT:
                what = "events" if count == known.count else "other events"
                text = (
                    f"does as much at night as by day: {night:.0%} of {count:,} {what} {_QUIETEST}; if it is a "
                    "program, put it into exclude_users"
                )
                found.append(UserShare(user, count, count / self.total, night, rhythm.weekend, text))
        found.sort(key=lambda each: (-each.count, each.user))
        return found[:most]

    def _share(self, name: str, seen: _Seen) -> EventShare:
        by = self._rule.excludes(name, None)
        return EventShare(
            name=name,
            count=seen.count,
            share=seen.count / self.total,
            users=min(len(seen.users), USERS),
            accounts=min(len(seen.accounts), USERS),
            without_user=seen.nameless / seen.count,
            regularity=seen.regularity,
            night=seen.night,
            weekend=seen.weekend,
            excluded=None if by is None else by.value,
            suggestion=self._suggestion(name, seen),
        )

    def _left_out(self, name: str) -> bool:
        return self._rule.excludes(name, None) is not None

    def _suggestion(self, name: str, seen: _Seen) -> str | None:
        if name == OTHERS or self._left_out(name):
            return None
        said = self._doubts(name, seen)
        if not said:
            if seen.count >= _MOST * self.total and len(self._seen) > 1:
                return (
                    f"makes up {seen.count / self.total:.0%} of all events and hides the others; unless it is the work "
                    "itself, put it into exclude_events"
                )
            return None
        what = "a timer or the server" if seen.is_nobodys else "a timer or a heartbeat"
        return f"{' and '.join(said)}: perhaps {what}; if no person does it, put it into exclude_events"

    def _doubts(self, name: str, seen: _Seen) -> list[str]:
        """Why an event may be a program's."""
        if name == OTHERS:
            return []
        regularity, night = seen.regularity, seen.night
        said = []
        if regularity is not None and regularity >= _REGULAR:
            said.append(f"comes at regular times ({regularity:.0%} of the gaps are as long as the one before)")
        if night is not None and night >= _NO_NIGHT:
            said.append(f"comes around the clock ({night:.0%} {_QUIETEST})")
        if seen.is_nobodys and (said or self._names_users()):
            said.append(f"names no user ({seen.nameless / seen.count:.0%} of them)")
        return said

    def _names_users(self) -> bool:
        return any(each.nameless < 0.5 * each.count for each in self._seen.values())


_QUIETEST: Final = "in its quietest eight hours, where a person has next to nothing and a program a third"


def _typical(shares: Iterable[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return median(known) if known else None


def suggestions(shares: Iterable[EventShare], programs: Iterable[UserShare] = ()) -> Sequence[str]:
    """A sentence for each event and user that is perhaps no usage."""
    of_events = [f"{each.name!r} {each.suggestion}." for each in shares if each.suggestion is not None]
    return [*of_events, *(f"User {each.user!r} {each.suggestion}." for each in programs)]
