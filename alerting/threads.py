"""Which messages belong to one thread, and where each thread's first message stands."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from alerting.message import Receipt
from alerting.notification import AnyNote, Group, Notification, Reminder
from alerting.outbox_rows import VERSION, values_of
from schemas.alerts import AlertState

DAY_MS: Final = 86_400_000
KEPT_MS: Final = 90 * DAY_MS
"""So long after the last news of it a thread is forgotten that is not over ..."""
OVER_MS: Final = 30 * DAY_MS
"""... and so long one that is, as no alert of its account is open: longer than one may open again."""
MOST: Final = 10_000
"""Threads of a route; beyond it those are forgotten before their time whose time comes first."""
_INFIX: Final = "/thread/"


@dataclass(frozen=True, slots=True)
class Thread:
    """What a message belongs to. `key`: the same for all of a thread. `over`: no more news is expected."""

    key: str
    over: bool


def alerts_of(note: AnyNote) -> tuple[Notification, ...]:
    """What a note tells of an account's alerts; empty: it is about something else."""
    match note:
        case Notification():
            return (note,)
        case Group():
            return note.alerts
        case Reminder():
            return note.unanswered
        case _:
            return ()


def others_open(alerts: Iterable[Notification]) -> bool:
    """Whether the account has open alerts besides these."""
    transitions = [each.transition for each in alerts]
    last = max(transitions, key=lambda each: (each.at, each.revision))
    return bool({each.kind for each in last.also_open} - {each.kind for each in transitions})


def thread_of(note: AnyNote) -> Thread | None:
    """The thread of a note, which is that of its account; None: it stands alone."""
    alerts = alerts_of(note)
    if not alerts:
        return None
    resolved = all(each.transition.state is AlertState.RESOLVED for each in alerts)
    return Thread(alerts[0].transition.account_id, resolved and not others_open(alerts))


@dataclass(frozen=True, slots=True)
class First:
    """Where a thread's first message stands, and until when (ms) that is kept: a row of the outbox's table."""

    receipt: Receipt
    until: int

    def encode(self) -> bytes:
        """The row's value in the table."""
        return json.dumps([VERSION, self.receipt.channel, self.receipt.ts, self.until], separators=(",", ":")).encode()

    @classmethod
    def decode(cls, key: str, value: bytes) -> Self:
        """The inverse of `encode`. Raises `StateError` for what a newer version wrote, or for damage."""
        channel, ts, until = values_of(key, value, 3)
        return cls(Receipt(channel, ts), until)


def is_first(key: str) -> bool:
    """Whether a row of the outbox's table is that of a first message."""
    return _INFIX in key


def route_of(key: str) -> str:
    """The route of such a row."""
    return key.partition(_INFIX)[0]


class Threads:
    """The threads of one route."""

    def __init__(self, route: str) -> None:
        self._prefix = route + _INFIX
        self._firsts: dict[str, First] = {}

    def restore(self, key: str, value: bytes) -> None:
        """Put a stored row back. Raises `StateError`."""
        self._firsts[key.removeprefix(self._prefix)] = First.decode(key, value)

    def first(self, note: AnyNote) -> Receipt | None:
        """Where the first message of a note's thread stands; None: there is none, or none is known any more."""
        thread = thread_of(note)
        known = self._firsts.get(thread.key) if thread is not None else None
        return known.receipt if known is not None else None

    def keep(self, note: AnyNote, receipt: Receipt, now: int) -> dict[str, First | None]:
        """Remember where a note's message was posted or changed, and forget what is too old or too much. Gives the rows
        that changed; None deletes."""
        thread = thread_of(note)
        if thread is None:
            return {}
        first = First(receipt, now + (OVER_MS if thread.over else KEPT_MS))
        self._firsts[thread.key] = first
        rows = self._forget([key for key, each in self._firsts.items() if each.until <= now])
        if len(self._firsts) > MOST:
            rows |= self._forget([min(self._firsts, key=lambda key: self._firsts[key].until)])
        return rows | {self._prefix + thread.key: first}

    def forget(self) -> dict[str, First | None]:
        """Forget all: the route is no more."""
        return self._forget(list(self._firsts))

    def _forget(self, keys: list[str]) -> dict[str, First | None]:
        for key in keys:
            del self._firsts[key]
        return {self._prefix + key: None for key in keys}
