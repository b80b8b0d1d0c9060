"""Which transitions were taken in for whom: a group whose positions were lost reads all of the alerts topic again, and
nobody is to be told twice."""

from collections.abc import Iterable
from typing import Final

import orjson

from alerting.notification import AnyNote, Notification
from schemas.errors import StateError
from schemas.shuffle import place_of

TAKEN: Final = b"\0taken"
"""Key of the row: for each route and partition of the alerts topic, the last transition that was taken in. Behind a
slash, that of another partition, which was handed over."""


class TakenIn:
    """For all routes. `rows` are those of the table. Raises `StateError` where one is damaged."""

    def __init__(self, rows: Iterable[tuple[bytes, bytes]] = ()) -> None:
        own = {key: value for key, value in rows if key == TAKEN or key.startswith(TAKEN + b"/")}
        self._stored = own.pop(TAKEN, b"{}")
        self._last: dict[str, dict[str, int]] = {}
        try:
            for value in (self._stored, *own.values()):
                self._last |= orjson.loads(value)
        except (ValueError, TypeError) as error:
            raise StateError(f"the rows of what was taken in are damaged: {type(error).__name__}") from error
        self._foreign = list(own)

    def is_new(self, note: AnyNote) -> bool:
        """Whether a note's transition was not taken in before, for its route; remembers it."""
        if not isinstance(note, Notification) or note.source is None or note.rerouted_from is not None:
            return True
        partition, _, offset = note.source.partition("/")
        taken = self._last.setdefault(note.route, {})
        if int(offset) <= taken.get(partition, -1):
            return False
        if partition not in taken:  # the alerts topic may have been created anew
            for other in [each for each in taken if place_of(each) == place_of(partition)]:
                del taken[other]
        taken[partition] = int(offset)
        return True

    def changed(self) -> list[tuple[bytes, bytes | None]]:
        """The rows that changed since the last call; None deletes."""
        rows: list[tuple[bytes, bytes | None]] = [(key, None) for key in self._foreign]
        self._foreign = []
        if (value := orjson.dumps(self._last)) != self._stored:
            self._stored = value
            rows.append((TAKEN, value))
        return rows
