"""What arrives to be told, until it goes into the outbox: gathered by account, held while a route is closed, put
together where it is too much. Pure: time comes in, rows come out.

The unit of a message is the account. One gathering holds the routes of one partition of the notifications topic, in
front of their outbox. Whoever drives both

1. takes in what arrives (`take_in`),
2. lets go what may go (`release`), whenever anything has changed and no later than at `wake_at`,
3. tells when a message has arrived (`delivered`),
4. stores what `changed` gives in the transaction in which the outbox's changes are stored, and at the start gives it
   back (`restore`).

What is held is handed over one message at a time, when the route has nothing else to send: so what waits for a route
that is slow or away goes on growing together, and what resolves meanwhile becomes a line, or nothing where nobody was
told. Once handed over, a message is the outbox's.
"""

from __future__ import annotations

from collections.abc import Iterable

from alerting.gathering_rows import PREFIX, parts
from alerting.hold import Hold
from alerting.notification import AnyNote, Group, Notification
from alerting.outbox import Outbox
from alerting.quiet import Quiet
from alerting.routing import TOLD_CHANGES, Route

_AT_ONCE = Quiet(group_wait=0, group_interval=0)
"""For what is left of a route that is configured no more."""


def is_gathered(key: str) -> bool:
    """Whether a row of the table is one of these, and not the outbox's."""
    return key.startswith(PREFIX)


class Gathering:
    """What some routes hold back. The module says how to drive it."""

    def __init__(self, routes: Iterable[Route], outbox: Outbox) -> None:
        self._routes = {route.name: route for route in routes}
        self._outbox = outbox
        self._holds: dict[str, Hold] = {}
        self._newest = -1
        self._stored: set[str] = set()

    @classmethod
    def restore(
        cls, rows: Iterable[tuple[str, bytes]], routes: Iterable[Route], outbox: Outbox, position: int
    ) -> Gathering:
        """A gathering from its rows, in any order, and the sequence from which on nothing was taken in. Raises
        `StateError` for rows that cannot be read."""
        gathering = cls(routes, outbox)
        gathering._newest = position - 1
        for key, value in sorted(rows):
            gathering._stored.add(key)
            route, account_id = parts(key)
            gathering._hold(route).restore(key, account_id, value)
        for hold in gathering._holds.values():
            hold.dirty &= {each for each in hold.dirty if each not in hold.accounts}
        return gathering

    def take_in(self, sequence: int, note: AnyNote, now: int) -> bool:
        """Take a note in. `sequence` grows: its offset in the notifications topic.

        False, and nothing done, for a sequence that is not above all those taken in before: it is read again.
        """
        if sequence <= self._newest:
            return False
        self._newest = sequence
        hold = self._hold(note.route)
        for each in note.alerts if isinstance(note, Group) else (note,):
            if not isinstance(each, Notification):
                hold.add(each, sequence, now)
                hold.note_named(each, now)
            elif hold.quiet.gathers or each.transition.account_id in hold.accounts:
                hold.take(each, now)
            elif each.transition.change in hold.changes:
                hold.add(each, sequence, now)
        return True

    def release(self, now: int) -> bool:
        """Hand over to the outbox what may go now. Whether anything is to be stored."""
        for hold in self._holds.values():
            hold.release(self._newest, now)
        return any(hold.dirty for hold in self._holds.values())

    def delivered(self, route: str, now: int) -> None:
        """One of a route's messages has arrived."""
        self._hold(route).delivered(now)

    def wake_at(self, now: int) -> int | None:
        """When to call `release` again if nothing is taken in, sent or answered before; None: not needed."""
        moments = [moment for hold in self._holds.values() if (moment := hold.wake_at(now)) is not None]
        return min(moments, default=None)

    def changed(self) -> list[tuple[str, bytes | None]]:
        """The table's keys that changed since the last call, and their new values; None deletes."""
        changed: list[tuple[str, bytes | None]] = []
        for hold in self._holds.values():
            for key, value in hold.changed():
                if value is None and key not in self._stored:
                    continue
                if value is None:
                    self._stored.remove(key)
                else:
                    self._stored.add(key)
                changed.append((key, value))
        return changed

    def held(self) -> dict[str, int]:
        """How many alerts each route holds back, of those that have been used here."""
        return {hold.name: hold.held for hold in self._holds.values()}

    def _hold(self, name: str) -> Hold:
        hold = self._holds.get(name)
        if hold is None:
            route = self._routes.get(name)
            quiet, changes = (route.quiet, route.changes) if route is not None else (_AT_ONCE, TOLD_CHANGES)
            hold = self._holds[name] = Hold(name, quiet, changes, self._outbox)
            self._holds = dict(sorted(self._holds.items()))
        return hold
