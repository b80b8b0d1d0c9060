"""An account's history in a few lines: what happened, newest last."""

from typing import Any, NamedTuple

from schemas.alerts import Kind
from schemas.picture import TimelineEntry


class Entry(NamedTuple):
    """One line, in the shape it is stored in; see `schemas.picture.TimelineEntry`."""

    at: int
    code: str
    text: str
    kind: Kind | None = None
    alert_id: str | None = None
    by: str | None = None


class Timeline:
    """The last entries, in the order in which they became known."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, entry: Entry, limit: int) -> None:
        """Add a line; the oldest goes when there are more than `limit`."""
        self.entries.append(entry)
        if len(self.entries) > limit:
            del self.entries[: len(self.entries) - limit]

    def shown(self) -> tuple[TimelineEntry, ...]:
        """For the account's picture."""
        return tuple(TimelineEntry(**entry._asdict()) for entry in self.entries)

    def encode(self) -> list[Any]:
        """Short lists: what is absent at the end is left out."""
        lines: list[Any] = []
        for entry in self.entries:
            line: list[Any] = list(entry)
            while line[-1] is None:
                line.pop()
            lines.append(line)
        return lines

    @classmethod
    def decode(cls, lines: list[Any]) -> "Timeline":
        """The inverse of `encode`."""
        timeline = cls()
        for at, code, text, *rest in lines:
            kind, alert_id, by = rest + [None] * (3 - len(rest))
            timeline.entries.append(Entry(at, code, text, Kind(kind) if kind is not None else None, alert_id, by))
        return timeline
