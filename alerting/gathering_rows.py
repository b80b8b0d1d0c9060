"""What gathering keeps between two lives: a row for each account that something is held or known of, and one a route.

A key is `~route/=account` or, for the route itself, `~route/`: the outbox's own keys begin with the route's name. A
value is a line of JSON that begins with a version and, for an account, the notifications that it holds, unchanged, a
line each.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Self

import orjson

from alerting.notification import Notification
from schemas.alerts import AlertState, Change, Kind, Resolution, Severity
from schemas.errors import StateError, VersionError

VERSION: Final = 2
_BEFORE: Final = 1
"""The version before, which is read as well: it does not know of what it told whether it named it."""
PREFIX: Final = "~"


@dataclass(frozen=True, slots=True)
class HeldAlert:
    """What waits to be told of one alert: its last change, which says all that those before it said."""

    note: bytes
    """The notification of it."""
    revision: int
    kind: Kind
    severity: Severity
    change: Change
    state: AlertState
    lost: bool
    """It ended as the account was lost."""
    priority: float
    """Money at risk."""
    new: bool
    """Nobody has heard of it: it opened since the last message."""

    @classmethod
    def of(cls, note: Notification, *, new: bool) -> Self:
        """From a notification."""
        each = note.transition
        lost = each.resolution is Resolution.LOST
        return cls(
            note.encode(), each.revision, each.kind, each.severity, each.change, each.state, lost, each.priority, new
        )

    @property
    def is_over(self) -> bool:
        """It has ended."""
        return self.state is AlertState.RESOLVED

    @property
    def firing(self) -> bool:
        """It asks for something."""
        return self.state is AlertState.FIRING


@dataclass(frozen=True, slots=True)
class ToldAlert:
    """An alert that people know of and that is not over."""

    revision: int
    severity: Severity
    told_at: int
    """When it was told as it is, in milliseconds."""
    note: bytes = b""
    """What was told, where nobody has acknowledged it and a reminder is to say it again."""
    counted: bool = False
    """It was told as one of a number, by a summary that does not name its account."""


@dataclass(slots=True)
class AccountRow:
    """One account on one route. Times in milliseconds."""

    due: int | None = None
    """When what is held has been gathered for long enough; None: nothing is held."""
    told_at: int | None = None
    """When the last message about the account went."""
    reminders: int = 0
    """Since somebody was told something new."""
    held: dict[str, HeldAlert] = field(default_factory=dict)
    told: dict[str, ToldAlert] = field(default_factory=dict)
    went: list[tuple[Kind, Severity]] = field(default_factory=list)
    """Alerts that opened and were resolved while they were held."""

    @property
    def severity(self) -> Severity:
        """Of the message that is held: that of its worst alert that asks for something."""
        firing = [each.severity for each in self.held.values() if each.firing]
        return max(firing, key=lambda severity: severity.rank, default=Severity.WATCH)

    @property
    def priority(self) -> float:
        """Money at risk, by the newest figures of each alert."""
        return max((each.priority for each in self.held.values()), default=0.0)

    @property
    def only_unnamed(self) -> bool:
        """All that is held are ends of what nobody was told of by name: a summary counted it, it is of the past, or was
        another route's. That an account is lost is more."""
        named = any(not each.counted for each in self.told.values())
        return bool(self.held) and not named and all(each.is_over and not each.lost for each in self.held.values())

    @property
    def unanswered(self) -> bool:
        """A critical alert was told, and nobody has acknowledged it."""
        return any(each.note for each in self.told.values())

    def encode(self) -> bytes:
        """The row's value in the table."""
        held = [
            [id_, h.revision, h.kind, h.severity, h.change, h.state, h.lost, h.priority, h.new]
            for id_, h in self.held.items()
        ]
        told = [[id_, t.revision, t.severity, t.told_at, t.counted, bool(t.note)] for id_, t in self.told.items()]
        head = orjson.dumps([VERSION, self.due, self.told_at, self.reminders, held, told, self.went])
        notes = [each.note for each in self.held.values()] + [each.note for each in self.told.values() if each.note]
        return b"\n".join([head, *notes])

    @classmethod
    def decode(cls, key: str, value: bytes) -> Self:
        """The inverse of `encode`. Raises `StateError` for what a newer version wrote, or for damage."""
        line, *notes = value.split(b"\n")
        due, told_at, reminders, held, told, went = _values(key, line, 6)
        following = iter(notes)
        try:
            return cls(
                due,
                told_at,
                reminders,
                {id_: _held(next(following), *values) for id_, *values in held},
                {id_: _told(next(following) if has_note else b"", *values) for id_, *values, has_note in told},
                [(Kind(kind), Severity(severity)) for kind, severity in went],
            )
        except (ValueError, TypeError, StopIteration) as error:
            raise StateError(f"the row {key!r} of what is gathered cannot be read: {error}") from error


@dataclass(slots=True)
class RouteRow:
    """A route as a whole. Times in milliseconds."""

    delivered: list[int] = field(default_factory=list)
    """When its messages of the last hour arrived, where that is limited."""
    summary_at: int | None = None
    """When what is above the limit has been gathered for long enough."""
    digest_from: int | None = None
    """When the first of what the next digest tells came."""
    sequence: int = -1
    """That of the last message that was handed over: no other one has it, not even long after."""
    over_at: int | None = None
    """When the ends of what nobody was told of by name have been gathered for long enough."""

    def encode(self) -> bytes:
        """The row's value in the table."""
        return orjson.dumps([VERSION, self.delivered, self.summary_at, self.digest_from, self.sequence, self.over_at])

    @classmethod
    def decode(cls, key: str, value: bytes) -> Self:
        """The inverse of `encode`. Raises `StateError`."""
        return cls(*_values(key, value, 5, before=4))


def account_key(route: str, account_id: str) -> str:
    """The key of an account's row."""
    return f"{PREFIX}{route}/={account_id}"


def route_key(route: str) -> str:
    """The key of a route's own row."""
    return f"{PREFIX}{route}/"


def parts(key: str) -> tuple[str, str | None]:
    """A key's route and account; None: it is the route's own.

    >>> parts("~sales/=a/b"), parts("~sales/")
    (('sales', 'a/b'), ('sales', None))
    """
    route, _, account = key.removeprefix(PREFIX).partition("/")
    return route, account[1:] if account else None


def _held(note: bytes, revision: int, kind: str, severity: str, change: str, state: str, *rest: Any) -> HeldAlert:
    return HeldAlert(note, revision, Kind(kind), Severity(severity), Change(change), AlertState(state), *rest)


def _told(note: bytes, revision: int, severity: str, told_at: int, counted: bool = False) -> ToldAlert:
    return ToldAlert(revision, Severity(severity), told_at, note, counted)


def _values(key: str, value: bytes, fields: int, before: int | None = None) -> list[Any]:
    """A row's values but for its version. `before`: how many the version before had, if others than `fields`."""
    values: list[Any]
    try:
        version, *values = orjson.loads(value)
    except (ValueError, TypeError) as error:
        raise StateError(f"the row {key!r} of what is gathered cannot be read") from error
    if version not in (_BEFORE, VERSION):
        raise VersionError(f"the row {key!r} is of version {version!r}: this worker reads up to version {VERSION}")
    if version == _BEFORE and before is not None:
        fields = before
    if len(values) != fields:
        raise StateError(f"the row {key!r} has {len(values)} fields, not {fields}")
    return values
