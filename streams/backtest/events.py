"""Which events there are, how regular they are, and which are perhaps no usage. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

NAMES: Final = 1_000
"""Names of events that are told apart; what else comes goes together as `OTHERS`."""
OTHERS: Final = "(others)"
USERS: Final = 10_000
"""Users, and accounts, that are counted for each event; beyond that there are "more than" so many."""
FOLLOWED: Final = 50
"""Accounts of each event, the first ones, whose times between events are looked at."""
_ALIKE: Final = 0.05
_GAPS: Final = 30
_REGULAR: Final = 0.7
_MOST: Final = 0.6
_NOBODY: Final = 0.95
_SLACK_MS: Final = 2_000


@dataclass(slots=True)
class _Seen:
    """One event's name."""

    count: int = 0
    nameless: int = 0
    users: set[int] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)
    last: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Account to the time of its last such event, and the gap before it (ms, -1: none yet)."""
    gaps: int = 0
    alike: int = 0


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
    """Share of the times between two such events of an account that are as long as the one before, within 5%: near 1
    for a timer, near 0.05 for people. None for too few to tell."""
    suggestion: str | None
    """Why it may be no usage; None: nothing speaks for that."""


class EventTally:
    """Counts usage events, which come in order of time."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self.total = 0

    def add(self, name: str, account: str, user: str | None, at: int) -> None:
        """Count one event. `at` in milliseconds."""
        seen = self._seen.get(name)
        if seen is None:
            seen = self._new(name)
        self.total += 1
        seen.count += 1
        if user is None:
            seen.nameless += 1
        elif len(seen.users) < USERS:
            seen.users.add(hash(user))
        if len(seen.accounts) < USERS:
            seen.accounts.add(account)
        before = seen.last.get(account)
        if before is not None:
            gap = at - before[0]
            if gap > _SLACK_MS:  # what comes together is one thing
                if before[1] >= 0:
                    seen.gaps += 1
                    seen.alike += abs(gap - before[1]) <= _ALIKE * before[1]
                seen.last[account] = (at, gap)
        elif len(seen.last) < FOLLOWED:
            seen.last[account] = (at, -1)

    def _new(self, name: str) -> _Seen:
        if len(self._seen) >= NAMES:
            name = OTHERS
        return self._seen.setdefault(name, _Seen())

    def shares(self, most: int = 20) -> list[EventShare]:
        """The events that come most, the most frequent first, each with what it may be instead of usage."""
        named = any(seen.nameless < 0.5 * seen.count for seen in self._seen.values())
        ordered = sorted(self._seen.items(), key=lambda pair: (-pair[1].count, pair[0]))
        suspicious = [pair for pair in ordered[most:] if self._suggestion(pair[1], named=named) is not None]
        return [self._share(name, seen, named=named) for name, seen in (*ordered[:most], *suspicious[:most])]

    def _share(self, name: str, seen: _Seen, *, named: bool) -> EventShare:
        return EventShare(
            name=name,
            count=seen.count,
            share=seen.count / self.total,
            users=len(seen.users),
            accounts=len(seen.accounts),
            without_user=seen.nameless / seen.count,
            regularity=_regularity(seen),
            suggestion=self._suggestion(seen, named=named),
        )

    def _suggestion(self, seen: _Seen, *, named: bool) -> str | None:
        regularity = _regularity(seen)
        regular = regularity is not None and regularity >= _REGULAR
        nobody = seen.nameless >= _NOBODY * seen.count
        if regular and nobody:
            return "comes at regular times and names no user: a timer's work rather than a person's; leave it out"
        if regular:
            return "comes at regular times: perhaps a timer or a heartbeat; leave it out if no person does it"
        if nobody and named:
            return "names no user although other events do: perhaps the server's own doing; leave it out if so"
        if seen.count >= _MOST * self.total and len(self._seen) > 1:
            return "makes up most of all events and hides the others: leave it out unless it is the work itself"
        return None


def _regularity(seen: _Seen) -> float | None:
    return seen.alike / seen.gaps if seen.gaps >= _GAPS else None


def suggestions(shares: Iterable[EventShare]) -> Sequence[str]:
    """A sentence for each event that is perhaps no usage."""
    return [f"{each.name!r} {each.suggestion}." for each in shares if each.suggestion is not None]
