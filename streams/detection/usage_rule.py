"""What counts as usage: which events, and whose. The user's to say, as nobody else knows which events a person does."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

_REMEMBERED: Final = 1 << 16
"""Names whose answer is remembered."""


class Exclusion(StrEnum):
    """The setting by which an event does not count."""

    INCLUDE_EVENTS = "include_events"
    """It is not among them."""
    EXCLUDE_EVENTS = "exclude_events"
    EXCLUDE_USERS = "exclude_users"


class UsageRule:
    """Names of events that count (`include`; none: all), and of events and users that do not. In a name `*` stands for
    any text.

    >>> rule = UsageRule(exclude=["heartbeat", "api.*"], users=["bot-*"])
    >>> rule.excludes("api.sync", "u-1"), rule.excludes("report.viewed", "bot-7"), rule.excludes("report.viewed", None)
    (<Exclusion.EXCLUDE_EVENTS: 'exclude_events'>, <Exclusion.EXCLUDE_USERS: 'exclude_users'>, None)
    """

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = (), users: Iterable[str] = ()) -> None:
        self._names = (tuple(include), tuple(exclude), tuple(users))
        include, exclude, users = self._names
        self._include = _matching(include)
        self._exclude = _matching(exclude)
        self._users = _matching(users)
        self._of_event: dict[str, Exclusion | None] = {}
        self._of_user: dict[str, bool] = {}

    def __bool__(self) -> bool:
        """Whether anything can be excluded by it."""
        return not (self._include is self._exclude is self._users is None)

    def __reduce__(self) -> tuple[object, ...]:
        # To be sent to another process also by the compiled core, whose objects have no __dict__.
        return UsageRule, self._names

    def excludes(self, event: str, user: str | None) -> Exclusion | None:
        """Why such an event does not count; None: it does. `user` is the id as it came, before any hash."""
        known = self._of_event
        found = known[event] if event in known else self._judge_event(event)
        if found is not None or user is None or self._users is None:
            return found
        return Exclusion.EXCLUDE_USERS if self.excludes_user(user) else None

    def excludes_user(self, user: str) -> bool:
        """Whether nothing that a user does counts."""
        users = self._of_user
        return users[user] if user in users else self._judge_user(user)

    def _judge_event(self, event: str) -> Exclusion | None:
        found: Exclusion | None = None
        if self._exclude is not None and self._exclude.fullmatch(event):
            found = Exclusion.EXCLUDE_EVENTS
        elif self._include is not None and not self._include.fullmatch(event):
            found = Exclusion.INCLUDE_EVENTS
        if len(self._of_event) >= _REMEMBERED:
            self._of_event.clear()
        self._of_event[event] = found
        return found

    def _judge_user(self, user: str) -> bool:
        found = self._users is not None and self._users.fullmatch(user) is not None
        if len(self._of_user) >= _REMEMBERED:
            self._of_user.clear()
        self._of_user[user] = found
        return found


def _matching(names: Iterable[str]) -> re.Pattern[str] | None:
    patterns = [".*".join(re.escape(part) for part in name.split("*")) for name in names]
    return re.compile("|".join(patterns), re.DOTALL) if patterns else None
