"""The people who carry the product inside an account: whom to watch for, and how they come.

The clock is the account's: it counts the days on which anybody who is known by an id was there. So a holiday of all, or
a producer that is broken, is nobody's silence.
"""

from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable
from math import log
from struct import Struct
from typing import Any, Final, NamedTuple

_FOLLOWED: Final = 5
_TRIAL: Final = 10
"""So many of the account's days everybody is given to show how often they come; on fewer nobody shows a habit."""
_LONG: Final = 120
"""Of more days of the account a person's count is halved: habits change."""
MISSED_FOR: Final = 60
"""After so many of the account's days nobody is a champion any more who is not named."""
_LEAST_EXPECTED: Final = 5.0
"""So many of the days on which a champion is missed the person would have come on."""
_RARE: Final = 9.2
"""Nats: a silence that one in 10,000 comes to by chance."""
_OFTEN: Final = 0.5
_BY_FAR: Final = 2.0
_EVERY_DAY: Final = 0.95
_LONGEST: Final = 255
_BITS: Final = 0xFFFFFFFF
_ROW: Final = Struct("<IBBBBHH")


class Follow(NamedTuple):
    """What is known of a person. `days` here are the account's, counted from the first; a `day` is a day number."""

    start: int
    """Days of the account before the first on which the person came."""
    active: int
    """On how many of them the person came."""
    last: int
    """The last such day of the account."""
    last_day: int
    span: int
    """Days of the calendar from the first to the last, both included; 255 for more."""
    early: int
    """On how many the person came first within three hours of midnight."""
    left_day: int
    """When it was reported that the person left; 0: it was not. Below 0: it was, and the person has come since."""

    @property
    def rate(self) -> float:
        """On what share of the account's days the person came, up to the last time."""
        return self.active / (self.last - self.start)

    def rate_before(self, day: int) -> float:
        """At least on what share of the account's days up to this one the person came; 0 for who came too late to
        tell."""
        if day - self.start < _TRIAL:
            return 0.0
        return max(0, self.active - max(0, self.last - day)) / (day - self.start)

    @property
    def is_program(self) -> bool:
        """It comes on all days of the week, and with the day's first hours: nobody does that but a program."""
        every_day = self.active >= _EVERY_DAY * self.span
        return self.active >= _TRIAL and every_day and self.early >= _EVERY_DAY * self.active

    def evidence(self, missed: int) -> float:
        """Minus the log of the probability that somebody who comes like this stays away on so many of the account's
        days: gamma-Poisson, in nats."""
        return (0.5 + self.active) * log(1.0 + missed / (0.5 + self.last - self.start))


class Gone(NamedTuple):
    """A champion who is there no more."""

    user: int
    follow: Follow
    missed: int
    """Days of the account since the last on which the person came."""
    reported: bool


class Champions:
    """At most 5 people of an account are followed: those that its record names (the first 5), then those who come
    most often, as far as they were given a try."""

    __slots__ = ("day", "days", "followed", "named", "named_at")

    def __init__(self) -> None:
        self.day = -1
        """The newest day of the account."""
        self.days = 0
        """How many there were."""
        self.followed: dict[int, Follow] = {}
        """By 32 bits of the `hash64` of the user id."""
        self.named: tuple[int, ...] = ()
        """The same of those whom the account's record names."""
        self.named_at = -1
        """When others were named last, in ms."""

    def visit(self, user: int, day: int, *, early: bool) -> bool:
        """Somebody was there on an open day, for the first time on it. Returns whether that may change what is to be
        said: another day of the account has begun, or somebody came back."""
        begun = day > self.day
        if begun:
            self.day = day
            self.days += 1
        user = known_as(user)
        known = self.followed.get(user)
        if known is None:
            if len(self.followed) >= _FOLLOWED and not self._make_room(named=user in self.named):
                return begun
            known = Follow(self.days - 1, 0, self.days - 1, day, 1, 0, 0)
        start, active, last, last_day, span, times_early, left_day = known
        if day > last_day:
            last_day, span = day, min(span + day - last_day, _LONGEST)
        if self.days - start > _LONG:
            start, active, times_early = self.days - _LONG // 2, min(active, _LONG - 2) // 2, times_early // 2
            span //= 2
        back = self.days - last > 1 or left_day > 0
        if 0 < left_day < day:
            left_day = -left_day  # and is not reported again by a record that goes on saying so
        if self.days > last:  # on a day before, it was counted when that was the newest
            active, times_early = active + 1, times_early + early
        self.followed[user] = Follow(start, active, self.days, last_day, span, times_early, left_day)
        return begun or back

    def _make_room(self, *, named: bool) -> bool:
        """Forget whoever comes least often, of those who had their try; for somebody who is named, of all."""
        worst, least = -1, 2.0 if named else _OFTEN
        for user, each in self.followed.items():
            seen = self.days - each.start
            share = each.active / max(seen, 1)
            missed = each.rate >= _OFTEN and self.missed(each) <= MISSED_FOR + 1  # and that is to be told first
            if user not in self.named and (named or (seen >= _TRIAL and not missed)) and share < least:
                worst, least = user, share
        if worst < 0:
            return False
        del self.followed[worst]
        return True

    def name(self, users: tuple[int, ...], at: int) -> None:
        """The account's record names these, the first 5 of whom are followed."""
        named = tuple([known_as(user) for user in users[:_FOLLOWED]])
        if named != self.named:
            self.named, self.named_at = named, at

    def rename(self, before: int, now: int) -> None:
        """A user is known under another number from now on. One who is followed under both, as some were told of with
        the key of before, is one who came on all of these days."""
        before, now = known_as(before), known_as(now)
        if (known := self.followed.get(before)) is not None:
            if (also := self.followed.pop(now, None)) is not None:
                self.followed[before] = _together(*sorted((known, also)))
            self.followed = {(now if user == before else user): each for user, each in self.followed.items()}
        self.named = tuple([now if user == before else user for user in self.named])

    def begun_anew(self) -> "Champions | None":
        """Who is named, and nothing of who came: of an account that is back."""
        anew = Champions()
        anew.named, anew.named_at = self.named, self.named_at
        return anew if self.named else None

    def leave(self, users: Iterable[int], day: int) -> None:
        """These are reported to have left, as of a day."""
        left = {known_as(user) for user in users}
        for user in self.named:
            if user in left and user not in self.followed:  # nothing was seen of them
                if len(self.followed) >= _FOLLOWED:
                    self._make_room(named=True)
                self.followed[user] = Follow(self.days - 1, 0, self.days, day, 1, 0, day)
        for user, each in self.followed.items():
            if user in left and each.last_day <= day and each.left_day == 0:
                self.followed[user] = each._replace(left_day=day)
            elif user not in left and each.left_day < 0:
                self.followed[user] = each._replace(left_day=0)

    def missed(self, each: Follow) -> int:
        """On how many of the account's days the person was missing, today left aside."""
        return max(0, self.days - 1 - each.last)

    def champions(self) -> list[tuple[int, Follow]]:
        """Those who are named; else whoever comes, or came until lately, most often by far."""
        if self.named:
            return [(user, self.followed[user]) for user in self.named if user in self.followed]
        people = [
            (user, each)
            for user, each in self.followed.items()
            if each.active >= _TRIAL and not each.is_program and self.missed(each) <= MISSED_FOR
        ]
        if not people:
            return []
        best, champion = max(people, key=_by_rate)
        others = [
            each.rate_before(champion.last)
            for user, each in self.followed.items()
            if user != best and not each.is_program
        ]
        by_far = bool(others) and champion.rate >= max(_OFTEN, _BY_FAR * max(others))
        return [(best, champion)] if by_far else []

    def gone(self, days: int) -> list[Gone]:
        """The champions who are reported to have left, or who stay away on half of so many of the account's days, or
        more, though that is not explained by how they come."""
        found: list[Gone] = []
        for user, each in self.champions():
            missed = self.missed(each)
            silent = (
                each.active >= _TRIAL
                and 2 * missed >= days
                and missed * each.rate >= _LEAST_EXPECTED
                and each.evidence(missed) >= _RARE
                and not each.is_program
            )
            if silent or each.left_day > 0:
                found.append(Gone(user, each, missed, each.left_day > 0))
        return found

    def encode(self) -> list[Any]:
        """JSON values, the people packed; behind them who left, and who is named."""
        rows = b"".join(
            _ROW.pack(
                user, each.last - each.start, each.active, each.span, each.early, self.days - each.last, each.last_day
            )
            for user, each in self.followed.items()
        )
        left = [[user, each.left_day] for user, each in self.followed.items() if each.left_day]
        values: list[Any] = [self.day, self.days, b2a_base64(rows, newline=False).decode()]
        return [*values, left, self.named_at, *self.named] if left or self.named_at >= 0 else values

    @classmethod
    def decode(cls, values: list[Any]) -> "Champions":
        """The inverse of `encode`."""
        champions = cls()
        champions.day, champions.days, rows, *more = values
        left: list[list[int]] = more[0] if more else []
        left_days = {each[0]: each[1] for each in left}
        for user, seen, active, span, early, ago, last_day in _ROW.iter_unpack(a2b_base64(rows)):
            last = champions.days - ago
            left_day = left_days.get(user, 0)
            champions.followed[user] = Follow(last - seen, active, last, last_day, span, early, left_day)
        if more:
            champions.named_at, champions.named = more[1], tuple(more[2:])
        return champions


def known_as(user: int) -> int:
    """What a user is known as here: 32 bits of the `hash64` of the id."""
    return user & _BITS


def _together(longer: Follow, other: Follow) -> Follow:
    """What is known of a person in two parts, of which the first begins first."""
    start, last, last_day = longer.start, max(longer.last, other.last), max(longer.last_day, other.last_day)
    span = min(last_day - min(longer.last_day - longer.span, other.last_day - other.span), _LONGEST)
    active = min(longer.active + other.active, last - start)
    early = min(longer.early + other.early, active)
    if last - start > _LONG:  # as in `visit`
        start, active, early, span = last - _LONG // 2, min(active, _LONG - 2) // 2, early // 2, span // 2
    left_day = max(longer.left_day, other.left_day, key=abs)
    return Follow(start, active, last, last_day, span, early, -left_day if 0 < left_day < last_day else left_day)


def _by_rate(person: tuple[int, Follow]) -> tuple[float, int, int]:
    user, each = person
    return each.rate, each.active, user
