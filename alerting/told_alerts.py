"""Which open alerts a route has told of: so that who heard of an alert hears that it is over. Pure.

Whoever an alert's account belongs to by then, and whichever routes would take it: notify offers the end of each alert
to every route, and those that never heard of it keep quiet.
"""

from collections.abc import Iterable
from typing import Final

from alerting.notification import AnyNote, Notification
from schemas.alerts import Change

PREFIX: Final = b"\0told/"
"""Of the keys of its rows, one for each open alert of a route: `route/alert_id`."""
MOST: Final = 50_000
"""Alerts that are remembered. Beyond it the one that was told of first is forgotten; it takes years of alerts whose end
was never read."""


class ToldAlerts:
    """The alerts of the routes of one partition. `keys` are those of all of the partition's rows."""

    def __init__(self, keys: Iterable[bytes], most: int = MOST) -> None:
        self._known = dict.fromkeys(key for key in keys if key.startswith(PREFIX))
        self._stored = set(self._known)
        self._changed: dict[bytes, None] = {}
        self._most = most

    def takes(self, note: AnyNote) -> bool:
        """Whether the note is to be told; to be asked once for each note, in their order."""
        if not isinstance(note, Notification) or note.rerouted_from is not None:
            return True
        key = PREFIX + f"{note.route}/{note.transition.alert_id}".encode()
        known = key in self._known
        if note.follows and not known:
            return False
        if note.transition.change is Change.RESOLVED:
            if known:
                self._forget(key)
        elif not known:
            self._known[key] = self._changed[key] = None
            if len(self._known) > self._most:
                self._forget(next(iter(self._known)))
        return True

    def changed(self) -> list[tuple[bytes, bytes | None]]:
        """The rows that changed since the last call, with their new values; None deletes."""
        rows: list[tuple[bytes, bytes | None]] = []
        for key in self._changed:
            if key in self._known and key not in self._stored:
                self._stored.add(key)
                rows.append((key, b"1"))
            elif key not in self._known and key in self._stored:
                self._stored.remove(key)
                rows.append((key, None))
        self._changed.clear()
        return rows

    def _forget(self, key: bytes) -> None:
        del self._known[key]
        self._changed[key] = None
