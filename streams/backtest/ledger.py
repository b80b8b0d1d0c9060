"""The transitions that the engine gave: written away at once, as they are large, with what the figures need kept."""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import orjson

from alerting.routing import Route, route
from schemas.alerts import AlertState, Change, Kind, Resolution, Severity, Transition
from schemas.codec import encode


class Told(NamedTuple):
    """One transition, without its words. Times in milliseconds."""

    account: str
    alert_id: str
    revision: int
    kind: Kind
    change: Change
    state: AlertState
    severity: Severity
    at: int
    since: int
    resolution: Resolution | None
    message: bool
    """Whether it is told to people, by the default route."""
    place: int
    """Where the ledger has it."""


class Ledger:
    """Takes transitions, each account's in their order. Use it as a context: it has a temporary file."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        """In the order of `take`."""
        self._spool = tempfile.TemporaryFile(prefix="slackwater-alerts-")  # noqa: SIM115 - closed by `__exit__`
        self._places: list[tuple[int, int]] = []
        self._end = 0
        self._routes = (Route(),)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.close()

    def take(self, transitions: Iterable[Transition]) -> None:
        """Write these down."""
        for each in transitions:
            raw = encode(each)
            self._spool.seek(self._end)
            self._spool.write(raw)
            self.told.append(
                Told(
                    each.account_id,
                    each.alert_id,
                    each.revision,
                    each.kind,
                    each.change,
                    each.state,
                    each.severity,
                    each.at,
                    each.since,
                    each.resolution,
                    bool(route(each, self._routes)),
                    len(self._places),
                )
            )
            self._places.append((self._end, len(raw)))
            self._end += len(raw)

    def raw(self, told: Told) -> bytes:
        """The whole transition, as it stands on the topic."""
        start, length = self._places[told.place]
        self._spool.seek(start)
        return self._spool.read(length)

    def whole(self, told: Told) -> dict[str, Any]:
        """The same, read."""
        value: dict[str, Any] = orjson.loads(self.raw(told))
        return value

    def in_order(self) -> Iterator[Told]:
        """By time, at the same time by account, each account's in their own order: a late fact may be told after what
        it came before."""
        newest: dict[str, int] = {}
        keyed = []
        for told in self.told:
            at = newest[told.account] = max(told.at, newest.get(told.account, 0))
            keyed.append((at, told.account, told.place, told))
        keyed.sort(key=lambda each: each[:3])
        return (told for *_, told in keyed)

    def write(self, path: Path) -> None:
        """All transitions as JSON lines, in order."""
        with path.open("wb") as lines:
            for told in self.in_order():
                lines.write(self.raw(told))
                lines.write(b"\n")
