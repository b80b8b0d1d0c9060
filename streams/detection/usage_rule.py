"""What counts as usage: which events, and whose. The user's to say, as nobody else knows which events a person does."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from streams.detection.names import Names, matching

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
    any text. Events that tell of leaving (`intent`) count whatever their name.

    >>> rule = UsageRule(exclude=["heartbeat", "api.*"], users=["bot-*"])
    >>> rule.excludes("api.sync", "u-1"), rule.excludes("report.viewed", "bot-7"), rule.excludes("report.viewed", None)
    (<Exclusion.EXCLUDE_EVENTS: 'exclude_events'>, <Exclusion.EXCLUDE_USERS: 'exclude_users'>, None)
    """

    def __init__(
        self,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        users: Iterable[str] = (),
        intent: Iterable[str] = (),
    ) -> None:
        self._names = (tuple(include), tuple(exclude), tuple(users), tuple(intent))
        include, exclude, users, intent = self._names
        self._include = matching(include)
        self._exclude = matching(exclude)
        self._users = Names(users) if self._names[2] else None
        self._intent = matching(intent)
        self._of_event: dict[str, Exclusion | None] = {}

    def __bool__(self) -> bool:
        """Whether anything can be excluded by it."""
        return any(self._names[:3])

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
        return self._users is not None and self._users.match(user)

    def _judge_event(self, event: str) -> Exclusion | None:
        found: Exclusion | None = None
        if self._intent is not None and self._intent.fullmatch(event):
            found = None
        elif self._exclude is not None and self._exclude.fullmatch(event):
            found = Exclusion.EXCLUDE_EVENTS
        elif self._include is not None and not self._include.fullmatch(event):
            found = Exclusion.INCLUDE_EVENTS
        if len(self._of_event) >= _REMEMBERED:
            self._of_event.clear()
        self._of_event[event] = found
        return found
