"""Which alerts a route has told of: so that who heard of an alert hears that it is over, and hears of it once. Pure.

Whoever an alert's account belongs to by then, and whichever routes would take it: notify offers the end of each alert
to every route, and those that never heard of it keep quiet. The default route hears of alerts from routes that are
broken as well, and so of their ends, wherever else these go. What it has told, or heard the end of, it does not tell
again when a broken route passes it on.

Of a summary that was passed on, and of a message about the past, it is known which alerts it names; of who was only
counted nobody has heard by name. One thing is not known here: that an alert ended before its opening was passed on, by
a route that failed for a while before it was found broken. Its end goes to the route itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import orjson

from alerting.naming import named_in
from alerting.notification import AnyNote, CatchUp, Group, Notification, Reminder, Summary
from alerting.outbox_rows import VERSION, values_of
from alerting.threads import alerts_of
from schemas.alerts import AlertState, Transition

PREFIX: Final = b"\0told/"
"""Of the keys of its rows, one for each alert of a route: `route/alert_id`."""
MOST: Final = 200_000
"""Open alerts that are remembered. Beyond it the one that was told of first is forgotten; it takes years of alerts
whose end was never read."""
MOST_OVER: Final = 4_000
"""Alerts that are over and remembered: their ends may still be passed on by a route that was closed when it broke."""
_UNNUMBERED: Final = b"1"
"""What was written before there were revisions: the alert is open."""


@dataclass(frozen=True, slots=True)
class ToldOf:
    """An alert that a route told of, up to a revision. `over_at`: when it ended (ms, event time); None: it is open."""

    revision: int
    over_at: int | None = None

    def encode(self) -> bytes:
        """The row's value in the table."""
        return orjson.dumps([VERSION, self.revision, self.over_at])

    @classmethod
    def decode(cls, key: bytes, value: bytes) -> Self:
        """The inverse of `encode`. Raises `StateError` for what a newer version wrote, or for damage."""
        return cls(0) if value == _UNNUMBERED else cls(*values_of(key.decode(), value, 2))


class ToldAlerts:
    """The alerts of all routes. `rows` are all of the table's; raises `StateError` for those of told alerts that cannot
    be read."""

    def __init__(self, rows: Iterable[tuple[bytes, bytes]], most: int = MOST, most_over: int = MOST_OVER) -> None:
        own = {key: ToldOf.decode(key, value) for key, value in rows if key.startswith(PREFIX)}
        self._open = {key: each for key, each in own.items() if each.over_at is None}
        over = [(each.over_at, key) for key, each in own.items() if each.over_at is not None]
        self._over = {key: own[key] for _, key in sorted(over)}
        self._stored = set(own)
        self._changed: dict[bytes, None] = {}
        self._most = most
        self._most_over = most_over

    def take(self, note: AnyNote) -> AnyNote | None:
        """What of a note is to be told; None: nothing. To be asked once for each note, in their order."""
        if isinstance(note, CatchUp) or (isinstance(note, Summary) and note.rerouted_from is not None):
            self._note_named(note)
        alerts = [each for each in alerts_of(note) if self._is_news(note, each)]
        if not alerts:
            return None if alerts_of(note) else note
        for each in alerts:
            self._note(note.route, each.transition)
        if isinstance(note, Reminder):
            return note.model_copy(update={"unanswered": tuple(alerts)})
        return note.model_copy(update={"alerts": tuple(alerts)}) if isinstance(note, Group) else note

    def changed(self) -> list[tuple[bytes, bytes | None]]:
        """The rows that changed since the last call, with their new values; None deletes."""
        rows: list[tuple[bytes, bytes | None]] = []
        for key in self._changed:
            if (each := self._open.get(key) or self._over.get(key)) is not None:
                self._stored.add(key)
                rows.append((key, each.encode()))
            elif key in self._stored:
                self._stored.remove(key)
                rows.append((key, None))
        self._changed.clear()
        return rows

    def _is_news(self, note: AnyNote, each: Notification) -> bool:
        key = _key(note.route, each.transition.alert_id)
        if note.rerouted_from is None:
            return each.follows is None or key in self._open
        known = self._open.get(key) or self._over.get(key)
        if known is None or each.transition.revision > known.revision:
            return True
        # A reminder says again what was told, as long as it is not over.
        return isinstance(note, Reminder) and known.over_at is None

    def _note_named(self, note: CatchUp | Summary) -> None:
        """Remember the alerts of the accounts that a note names, but those whose end was told meanwhile."""
        for each in named_in(note):
            key = _key(note.route, each.alert_id)
            known = self._open.get(key) or self._over.get(key)
            if known is None or known.revision < each.revision:
                self._keep(key, ToldOf(each.revision))

    def _note(self, route: str, each: Transition) -> None:
        key = _key(route, each.alert_id)
        before = self._open.get(key) or self._over.get(key)
        revision = max(each.revision, before.revision if before is not None else 0)
        self._keep(key, ToldOf(revision, each.at if each.state is AlertState.RESOLVED else None))

    def _keep(self, key: bytes, told: ToldOf) -> None:
        self._open.pop(key, None)
        self._over.pop(key, None)
        (self._open if told.over_at is None else self._over)[key] = told
        self._changed[key] = None
        for kept, most in ((self._open, self._most), (self._over, self._most_over)):
            if len(kept) > most:
                oldest = next(iter(kept))
                del kept[oldest]
                self._changed[oldest] = None


def _key(route: str, alert_id: str) -> bytes:
    return PREFIX + f"{route}/{alert_id}".encode()
