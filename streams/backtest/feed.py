"""The files in order of time, read and sorted in a process of their own while the engine works in this one.

The other process reads everything first (`read`), since any file may begin anywhere in time. Then it hands out all
items in order as often as asked (`blocks`), and adds up on the way what does not need the engine (`Findings`).
"""

import marshal
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Self

from streams.backtest.activity import Activity
from streams.backtest.events import EventShare, EventTally, UserShare
from streams.backtest.reading import USAGE, Reading, read_items
from streams.detection.calendar import Calendar
from streams.detection.usage_rule import UsageRule
from streams.produce import InputError, Source
from streams.produce.ordering import Item, Sorted

_TELL_EVERY = 50_000


@dataclass(frozen=True, slots=True)
class Findings:
    """What was added up on the way of all items."""

    activity: Activity
    events: list[EventShare]
    programs: list[UserShare]
    """Users who are perhaps none."""
    excluded: dict[str, int]
    """Usage events that do not count, by setting."""


class Feed:
    """Use it as a context: it has a process. `until` (ms) leaves out what is later; days are those of `timezone`. Usage
    that does not count by the `rule` is looked at (`Findings.events`) and not handed out."""

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        until: int | None = None,
        timezone: str = "UTC",
        rule: UsageRule | None = None,
    ) -> None:
        context = get_context("spawn")  # a fork would take along the threads that show the progress
        self._here, there = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(there, list(sources), until, timezone, rule or None), daemon=True
        )
        self._process.start()
        there.close()
        self._findings: Findings | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._here.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()

    def read(self, progress: Callable[[int], None] = lambda _rows: None) -> Reading:
        """Wait until all is read; `progress` is told the rows so far. Raises InputError for a file that cannot be
        read."""
        while True:
            kind, value = self._receive()
            if kind == "reading":
                progress(value)
            else:
                return Reading(**{**value, "rows": Counter(value["rows"])})

    def blocks(self) -> Iterator[list[Item]]:
        """All items in order of time, some thousands at once. See `reading.read_items`."""
        self._here.send_bytes(marshal.dumps(("pass", self._findings is None)))
        while True:
            kind, value = self._receive()
            if kind == "end":
                break
            yield value
        if value is not None:
            events = [EventShare(**each) for each in value["events"]]
            programs = [UserShare(**each) for each in value["programs"]]
            self._findings = Findings(Activity.unpack(value["activity"]), events, programs, value["excluded"])

    @property
    def findings(self) -> Findings:
        """What the first time through `blocks`, to its end, has brought. Raises ValueError before that."""
        if self._findings is None:
            raise ValueError("nothing is known before the blocks have been gone through")
        return self._findings

    def _receive(self) -> tuple[str, Any]:
        try:
            kind, value = marshal.loads(self._here.recv_bytes())  # noqa: S302 - written by our own process
        except (EOFError, OSError):
            self._process.join(5)
            raise InputError(f"the process that reads the files ended with status {self._process.exitcode}") from None
        if kind == "error":
            raise InputError(value)
        return kind, value


def _serve(
    connection: Connection, sources: list[Source], until: int | None, timezone: str, rule: UsageRule | None
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other one is told too, and closes the connection

    def say(kind: str, value: Any) -> None:
        connection.send_bytes(marshal.dumps((kind, value)))

    def counted(items: Iterator[Item]) -> Iterator[Item]:
        for number, item in enumerate(items, 1):
            if number % _TELL_EVERY == 0:
                say("reading", number)
            yield item

    reading = Reading()
    try:
        with Sorted(counted(read_items(sources, until, reading))) as ordered:
            say("read", {**asdict(reading), "rows": dict(reading.rows)})
            while True:
                _, looking = marshal.loads(connection.recv_bytes())  # noqa: S302 - written by our own process
                _pass(ordered, say, Calendar(timezone, 0) if looking else None, rule)
    except InputError as error:
        say("error", str(error))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # nobody wants more
    except OSError as error:
        say("error", f"sorting needs room for a temporary file: {error.strerror or error}")


def _pass(ordered: Sorted, say: Callable[[str, Any], None], calendar: Calendar | None, rule: UsageRule | None) -> None:
    activity, tally, excluded = Activity(), EventTally(rule), Counter[str]()
    for block in ordered.blocks():
        counted = block if rule is None else _counted(block, rule, excluded)
        if counted:
            say("block", counted)
        if calendar is not None:
            activity.fold(counted, calendar)
            for item in block:
                if item[1] == USAGE:
                    tally.add(item[3], item[2], item[4], item[0])
    found = {
        "activity": activity.pack(),
        "events": [asdict(each) for each in tally.shares()],
        "programs": [asdict(each) for each in tally.programs()],
        "excluded": dict(excluded),
    }
    say("end", found if calendar is not None else None)


def _counted(block: list[Item], rule: UsageRule, excluded: Counter[str]) -> list[Item]:
    """Those that count; the others are told to `excluded`."""
    kept = []
    for item in block:
        by = rule.excludes(item[3], item[4]) if item[1] == USAGE else None
        if by is None:
            kept.append(item)
        else:
            excluded[by.value] += 1
    return kept
