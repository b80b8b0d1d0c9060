"""Which partition of the notifications topic sends: one, for all routes.

Slack counts by webhook, and a webhook may carry several routes; which of them share one is a matter of settings, which
change, and which workers may see differently for a while. So no route's place depends on them: one task has every
route's order, the rate of every channel, and the waits that it asks for. Messages are few, and people read no faster.

Older versions gave each route a partition of its own. What these hold is handed over (`hand_over.py`).
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Final, Self

import orjson

from alerting.notification import AnyNote
from alerting.routing import DEFAULT
from schemas.errors import StateError, VersionError
from streams.runtime.ingest import home_of
from streams.runtime.resume import Loss, What
from streams.runtime.settings import Settings
from streams.runtime.task import StatefulTask
from streams.runtime.topics import DELIVERIES
from streams.runtime.writer import Record

POSITION: Final = b"\0position"
PLACING: Final = b"~/"
"""Key of the row that says who has handed over. The version before takes it for what is gathered of a route, and ends
by the version that stands in it, before it writes anything."""
VERSION: Final = 2
"""1: routes were placed one by one, and there was no such row."""


def sender_of(settings: Settings) -> int:
    """The partition that sends: where the default route has been all along."""
    return home_of(DEFAULT, settings.partitions)


def notification_record(note: AnyNote, settings: Settings) -> Record:
    """A note as a record for the partition that sends."""
    return Record(settings.notifications_topic, sender_of(settings), note.route.encode(), note.encode())


@dataclass(frozen=True, slots=True)
class Placing:
    """The partitions that have handed over what they held: of one of them itself, of the sender all."""

    done: frozenset[int] = field(default_factory=frozenset)

    @classmethod
    def whole(cls, settings: Settings) -> Self:
        """With all that there are."""
        return cls(frozenset(range(settings.partitions)))

    def after(self, partition: int) -> Self:
        """With this one as well."""
        return replace(self, done=self.done | {partition})

    def encode(self) -> bytes:
        """The row's value in the table.

        >>> Placing.decode(Placing(frozenset({2, 0})).encode())
        Placing(done=frozenset({0, 2}))
        """
        return orjson.dumps([VERSION, sorted(self.done)])

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        """The inverse; None: an older version wrote the state, or nobody. Raises `StateError`, and
        `VersionError`."""
        if value is None:
            return cls()
        try:
            version, *rest = orjson.loads(value)
        except (ValueError, TypeError) as error:
            raise StateError("the row of which partitions have handed over is damaged") from error
        if version != VERSION:
            raise VersionError(
                f"the row of which partitions have handed over is of version {version!r}: this worker reads {VERSION}"
            )
        return cls(frozenset(*rest))


class DeliveryTask(StatefulTask):
    """A partition of the notifications topic: its state says where it goes on."""

    stage: ClassVar[str] = "deliver"
    table_name: ClassVar[str] = DELIVERIES

    def place_by(self, stored: bytes | None, earliest: int) -> int:
        """Where to go on, by the row of the position. Raises `StateError`."""
        self.log = replace(self.log, first=earliest)
        try:
            text, _, mark = (stored or b"").decode().partition("@")
            position = int(text) if text else None
        except ValueError as error:
            raise StateError(f"the row of its position is damaged: {error}") from error
        if position is not None or not self.committed:
            return self.place(position, mark).position
        start = self.place(self.committed, "").position
        self.lost(Loss(What.FORGOTTEN, *self.tp, start, start))
        return start
