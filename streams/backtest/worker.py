"""What one process of a backtest does: it reads parts of the files and deals their rows out by home, and then judges
the accounts of one home. The whole backtest, where there is no other process."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from pathlib import Path

from schemas.shuffle import hash64
from streams.backtest.home import Course, HomeResult, run_home
from streams.backtest.job import Job
from streams.backtest.reading import Part, Reading, read_items
from streams.detection.home import Log
from streams.produce import InputError
from streams.produce.ordering import CHUNK, Blocks, Item, Run, merge_runs, write_run

_TELL_EVERY = 50_000
_at = itemgetter(0)


@dataclass(frozen=True, slots=True)
class Dealt:
    """A part that was read: its rows are in the reader's spool, in runs that are in order of time, each of them by
    home."""

    reading: Reading
    reader: int
    runs: list[list[Blocks]]


class Worker:
    """Process `number` of a job, and home `number` as well."""

    def __init__(self, job: Job, number: int) -> None:
        self._job = job
        self._number = number
        self._homes: dict[str, int] = {}

    def read(self, part: Part, progress: Callable[[int], None]) -> Dealt:
        """Read a part; `progress` is told the rows, some at a time. Raises InputError for a file that is none, and
        when there is no room to sort it."""
        reading = Reading()
        items = read_items(part, self._job.until, reading, self._job.ids)
        runs: list[list[Blocks]] = []
        try:
            with _spool(self._job, self._number).open("ab") as spool:
                while chunk := list(_counted(islice(items, CHUNK), progress)):
                    chunk.sort(key=_at)
                    runs.append([write_run(spool, own) for own in self._deal(chunk)])
        except OSError as error:
            raise InputError(f"sorting needs room for a temporary file: {error.strerror or error}") from None
        return Dealt(reading, self._number, runs)

    def _deal(self, chunk: list[Item]) -> list[list[Item]]:
        count, homes = self._job.homes, self._homes
        if count == 1:
            return [chunk]
        dealt: list[list[Item]] = [[] for _ in range(count)]
        for item in chunk:
            account = item[2]
            home = homes.get(account)
            if home is None:
                # Each account's string is kept once; any deal does, as the result does not depend on it.
                home = homes[sys.intern(account)] = hash64(account) % count
            dealt[home].append(item)
        return dealt

    def judge(
        self,
        course: Course,
        runs: Sequence[tuple[int, Blocks]],
        *,
        log: Log,
        wait: Callable[[], None],
        progress: Callable[[int, int], None],
    ) -> HomeResult:
        """Judge the accounts of its home: `runs` are those of all readers, in the files' order. See `run_home`."""
        self._homes.clear()
        return run_home(
            self._job,
            course,
            self._number,
            self.blocks(runs),
            log=log,
            wait=wait,
            alerts=self._job.folder / f"alerts-{self._number}",
            progress=progress,
        )

    def blocks(self, runs: Sequence[tuple[int, Blocks]]) -> Iterator[list[Item]]:
        """The items of these runs in order of time, some thousands at once."""
        with ExitStack() as stack:
            readers = {reader for reader, _ in runs}
            spools = {reader: stack.enter_context(_spool(self._job, reader).open("rb")) for reader in readers}
            yield from merge_runs([Run(spools[reader], blocks) for reader, blocks in runs])


def _spool(job: Job, reader: int) -> Path:
    return job.folder / f"rows-{reader}"


def _counted(items: Iterable[Item], progress: Callable[[int], None]) -> Iterator[Item]:
    number = 0
    for item in items:
        number += 1
        if number == _TELL_EVERY:
            progress(number)
            number = 0
        yield item
    progress(number)
