"""The transitions that the engine gave: written away at once, as they are large, with what the figures need kept."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, NamedTuple

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
    place: tuple[Path, int, int]
    """Where it is written: the file, where it begins there, and its length."""


class Ledger:
    """Takes transitions, each account's in their order, and writes them into a file, which is left there."""

    def __init__(self, path: Path) -> None:
        self.told: list[Told] = []
        """In the order of `take`."""
        self._path = path
        self._spool = path.open("wb")
        self._end = 0
        self._routes = (Route(),)

    def take(self, transitions: Iterable[Transition]) -> None:
        """Write these down."""
        for each in transitions:
            raw = encode(each)
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
                    (self._path, self._end, len(raw)),
                )
            )
            self._end += len(raw)

    def close(self) -> None:
        """All is in the file."""
        self._spool.close()


def read_whole(told: Told) -> Mapping[str, Any]:
    """The transition with its words and numbers, as it stands on the topic."""
    path, start, length = told.place
    with path.open("rb") as spool:
        spool.seek(start)
        whole: Mapping[str, Any] = orjson.loads(spool.read(length))
        return whole


def in_order(told: Iterable[Told]) -> list[Told]:
    """By time, at the same time by account, each account's in their own order: a late fact may be told after what it
    came before."""
    newest: dict[str, int] = {}
    keyed = []
    for number, each in enumerate(told):
        at = newest[each.account] = max(each.at, newest.get(each.account, 0))
        keyed.append((at, each.account, number, each))
    keyed.sort(key=itemgetter(0, 1, 2))
    return [each for *_, each in keyed]


def write_alerts(path: Path, told: Iterable[Told]) -> None:
    """The whole transitions, as they stand on the topic, as JSON lines in this order."""
    with ExitStack() as stack, path.open("wb") as lines:
        spools: dict[Path, IO[bytes]] = {}
        for each in told:
            name, start, length = each.place
            spool = spools.get(name)
            if spool is None:
                spool = spools[name] = stack.enter_context(name.open("rb"))
            spool.seek(start)
            lines.write(spool.read(length))
            lines.write(b"\n")
