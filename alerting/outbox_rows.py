"""What an outbox keeps between two lives: a row per waiting notification and a row per route, as a table stores them.

A key is `route/sequence` or, for the route itself, `route/`. A value is a line of JSON and, for a notification, its
bytes unchanged after it. First messages of threads have rows, too (`threads.py`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from schemas.errors import StateError, VersionError

VERSION = 1


@dataclass(frozen=True, slots=True)
class Row:
    """One notification that waits. `sequence` gives the order within the route; times are milliseconds.

    `not_before`: 0, or until when this message alone is set aside. `plain`: its blocks were refused, so that only its
    text is to be sent.
    """

    route: str
    sequence: int
    alert_id: str
    added_at: int
    notification: bytes
    first_tried_at: int | None = None
    attempts: int = 0
    not_before: int = 0
    plain: bool = False

    @property
    def key(self) -> str:
        """The row's key in the table."""
        return f"{self.route}/{self.sequence}"

    def encode(self) -> bytes:
        """The row's value in the table."""
        head = [
            VERSION,
            self.alert_id,
            self.added_at,
            self.first_tried_at,
            self.attempts,
            self.not_before,
            int(self.plain),
        ]
        return _line(head) + b"\n" + self.notification

    @classmethod
    def decode(cls, key: str, value: bytes) -> Self:
        """The inverse of `key` and `encode`. Raises `StateError` for what a newer version wrote, or for damage."""
        route, _, sequence = key.rpartition("/")
        line, _, notification = value.partition(b"\n")
        alert_id, added_at, first_tried_at, attempts, not_before, plain = values_of(key, line, 6)
        if not sequence.isdecimal():
            raise StateError(f"the outbox row {key!r} has no sequence number in its key")
        return cls(
            route, int(sequence), alert_id, added_at, notification, first_tried_at, attempts, not_before, bool(plain)
        )

    def tried(self, now: int) -> Self:
        """The row after one more attempt."""
        first = now if self.first_tried_at is None else self.first_tried_at
        return replace(self, attempts=self.attempts + 1, first_tried_at=first)

    def tried_for(self, now: int) -> int:
        """Milliseconds since the first attempt; 0 before it."""
        return 0 if self.first_tried_at is None else now - self.first_tried_at


@dataclass(frozen=True, slots=True)
class RouteState:
    """How a route does. `failing_since` and `broken_since` are None while it works."""

    full_at: int = 0
    """The token bucket."""
    not_before: int = 0
    """Nothing is sent before this moment."""
    failures: int = 0
    """In a row."""
    failing_since: int | None = None
    broken_since: int | None = None
    probes: int = 0
    """How many times in a row it was found broken."""
    last: str = ""
    """The last answer that was no delivery, in words."""

    def encode(self) -> bytes:
        """The state's value in the table."""
        head = [
            VERSION,
            self.full_at,
            self.not_before,
            self.failures,
            self.failing_since,
            self.broken_since,
            self.probes,
        ]
        return _line([*head, self.last])

    @classmethod
    def decode(cls, key: str, value: bytes) -> Self:
        """The inverse of `encode`. Raises `StateError` for what a newer version wrote, or for damage."""
        return cls(*values_of(key, value, 7))


def route_key(route: str) -> str:
    """The key of a route's own row."""
    return f"{route}/"


def _line(values: Sequence[object]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode()


def values_of(key: str, line: bytes, fields: int) -> list[Any]:
    """What stands in a stored line after its version. Raises `StateError` as the rows' `decode` do."""
    values: list[Any]
    try:
        version, *values = json.loads(line)
    except (ValueError, TypeError) as error:
        raise StateError(f"the outbox row {key!r} cannot be read") from error
    if version != VERSION:
        raise VersionError(f"the outbox row {key!r} is of version {version!r}: this worker reads version {VERSION}")
    if len(values) != fields:
        raise StateError(f"the outbox row {key!r} has {len(values)} fields, not {fields}")
    return values
