"""Messages about the past of which each home partition gives a part, until they are put together."""

from collections.abc import Iterable
from time import monotonic
from typing import Final

import orjson

from alerting.catch_up import whole
from alerting.notification import CatchUp
from schemas.errors import StateError

PARTS: Final = b"\0parts"
"""Key of the row with them. Behind a slash, those of another partition, which were handed over."""
TOGETHER_SECONDS: Final = 30.0
"""So long after the last part a message is put together that does not have one of every home partition: those that
have nothing to tell say nothing."""


class PartsOfPast:
    """Of all routes. `rows` are those of the table; `homes`: how many home partitions there are. Raises `StateError`
    where one is damaged."""

    def __init__(self, rows: Iterable[tuple[bytes, bytes]] = (), *, homes: int) -> None:
        own = {key: value for key, value in rows if key == PARTS or key.startswith(PARTS + b"/")}
        self._homes = homes
        self._parts: dict[str, dict[int, CatchUp]] = {}
        self._part_at = 0.0
        try:
            for value in own.values():
                for text in orjson.loads(value):
                    self.take(CatchUp.decode(text.encode()))
        except (ValueError, TypeError, AttributeError) as error:
            raise StateError(f"the rows of parts of the past are damaged: {type(error).__name__}") from error
        self._stored = own.pop(PARTS, None)
        self._foreign = list(own)

    def __bool__(self) -> bool:
        return bool(self._parts)

    def take(self, note: CatchUp) -> None:
        """Keep a part."""
        assert note.part is not None
        self._parts.setdefault(note.route, {})[note.part] = note
        self._part_at = monotonic()

    def put_together(self) -> list[CatchUp]:
        """The messages that have all their parts, which are kept no more."""
        late = monotonic() - self._part_at >= TOGETHER_SECONDS
        done = [each for each, own in self._parts.items() if late or len(own) >= self._homes]
        return [whole(self._parts.pop(each).values()) for each in done]

    def changed(self) -> list[tuple[bytes, bytes | None]]:
        """The rows that changed since the last call; None deletes."""
        rows: list[tuple[bytes, bytes | None]] = [(key, None) for key in self._foreign]
        self._foreign = []
        value = None
        if self._parts:
            value = orjson.dumps([note.encode().decode() for own in self._parts.values() for note in own.values()])
        if value != self._stored:
            self._stored = value
            rows.append((PARTS, value))
        return rows
