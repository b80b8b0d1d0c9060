"""The processes of a backtest: each reads parts of the files, then each judges one home's accounts.

This process hands out the parts, and while the homes judge it keeps the log in which they agree on the fleet's days: it
puts what they post into one order and passes it on to all of them, so that they come to what one home comes to. With
one process all of it is done here, and none is started.
"""

import pickle
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final, Self, TypeAlias

from schemas.errors import SlackwaterError
from streams.backtest.home import Course, HomeResult
from streams.backtest.job import Job
from streams.backtest.reading import Part, Reading
from streams.backtest.worker import Dealt, Worker
from streams.detection.home import OwnLog
from streams.produce import InputError, Source
from streams.produce.json_files import Named
from streams.produce.ordering import Blocks, Item

Rows: TypeAlias = Callable[[int], None]
"""Is told rows that were read since the last time."""
Days: TypeAlias = Callable[[int, int], None]
"""Is told events that were judged since the last time, and the time (ms)."""

_READ: Final = "read"
_JUDGE: Final = "judge"
_RECORD: Final = "record"
_ROWS: Final = "rows"
_DONE: Final = "done"
_ERROR: Final = "error"


class ProcessError(SlackwaterError):
    """A process of the backtest is gone, or broke. The text says how, and what can be done."""


class Crew:
    """Use it as a context, in the main thread: it has processes, as many as the job has homes."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._alone = Worker(job, 0) if job.homes == 1 else None
        self._processes: list[BaseProcess] = []
        self._ends: list[Connection] = []
        self._dealt: list[Dealt] = []
        if self._alone is None:
            # An interrupt is for this process, which ends the others: they inherit that they ignore it.
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)
            for number in range(job.homes):
                self._start(number)
            signal.signal(signal.SIGINT, before)

    def _start(self, number: int) -> None:
        context = get_context("spawn")  # a fork would take along the threads that show the progress
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there, self._job, number), daemon=True)
        process.start()
        there.close()
        self._processes.append(process)
        self._ends.append(here)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for end in self._ends:
            end.close()
        for process in self._processes:
            process.terminate()
            process.join()

    def read(self, parts: Sequence[Part], progress: Rows) -> Reading:
        """Read all parts. A file whose parts turn out not to be whole rows is read again as one. Raises InputError for
        a file that cannot be read, `ProcessError`."""
        self._dealt = self._read(parts, progress)
        torn = {part.source.path for part, dealt in zip(parts, self._dealt, strict=True) if dealt.reading.torn}
        if torn:
            whole = [Part(part.source) if part.source.path in torn else part for part in parts]
            return self.read([part for number, part in enumerate(whole) if part not in whole[:number]], progress)
        reading = Reading()
        for dealt in self._dealt:
            reading += dealt.reading
        _require_names(parts, self._dealt)
        return reading

    def _read(self, parts: Sequence[Part], progress: Rows) -> list[Dealt]:
        if self._alone is not None:
            return [self._alone.read(part, progress) for part in parts]
        waiting = deque(enumerate(parts))
        busy: dict[int, int] = {}
        found: dict[int, Dealt] = {}

        def give(number: int) -> None:
            if waiting:
                busy[number], part = waiting.popleft()
                self._send(number, (_READ, part))

        for number in range(len(self._ends)):
            give(number)
        while len(found) < len(parts):
            for number, kind, value in self._receive():
                if kind == _ROWS:
                    progress(value)
                else:
                    found[busy.pop(number)] = value
                    give(number)
        return [found[number] for number in range(len(parts))]

    def judge(self, course: Course, progress: Days) -> list[HomeResult]:
        """Judge what was read: the homes' results, in their order. Raises `ProcessError`."""
        runs = self._runs()
        if self._alone is not None:
            return [self._alone.judge(course, runs[0], log=OwnLog(0), wait=lambda: None, progress=progress)]
        for number, own in enumerate(runs):
            self._send(number, (_JUDGE, (course, own)))
        found: dict[int, HomeResult] = {}
        offset = 0
        while len(found) < len(self._ends):
            for number, kind, value in self._receive():
                if kind == _RECORD:
                    for other in range(len(self._ends)):
                        self._send(other, (_RECORD, (offset, value)))
                    offset += 1
                elif kind == _ROWS:
                    progress(*value)
                else:
                    with value.open("rb") as file:
                        found[number] = pickle.load(file)  # noqa: S301 - written by our own process
        return [found[number] for number in range(len(self._ends))]

    def blocks(self) -> Iterator[list[Item]]:
        """What was read, in order of time, some thousands at once; of a job with one home. Raises ValueError for one
        with several."""
        if self._alone is None:
            raise ValueError("the items of several homes are not in one order")
        return self._alone.blocks(self._runs()[0])

    def _runs(self) -> list[list[tuple[int, Blocks]]]:
        """By home: the reader and its run, in the order of the files."""
        runs: list[list[tuple[int, Blocks]]] = [[] for _ in range(self._job.homes)]
        for dealt in self._dealt:
            for run in dealt.runs:
                for home, blocks in enumerate(run):
                    if blocks:
                        runs[home].append((dealt.reader, blocks))
        return runs

    def _send(self, number: int, message: tuple[str, Any]) -> None:
        try:
            self._ends[number].send_bytes(pickle.dumps(message))
        except OSError:
            raise self._gone(number) from None

    def _receive(self) -> Iterable[tuple[int, str, Any]]:
        """What the processes say next, each once. Raises what one of them raised."""
        for end in wait(self._ends):
            assert isinstance(end, Connection)
            number = self._ends.index(end)
            try:
                kind, value = pickle.loads(end.recv_bytes())  # noqa: S301 - written by our own process
            except (EOFError, OSError):
                raise self._gone(number) from None
            if kind == _ERROR:
                raise value
            yield number, kind, value

    def _gone(self, number: int) -> ProcessError:
        process = self._processes[number]
        process.join(5)
        status = process.exitcode
        if status is not None and status < 0:
            how = f"was ended by {signal.Signals(-status).name}"
            if -status == signal.SIGKILL:
                how += ": perhaps there was not enough memory; --jobs 1 takes least"
        else:
            how = f"ended with status {status}"
        return ProcessError(f"process {number + 1} of {len(self._processes)} {how}. Nothing was written.")


def _require_names(parts: Sequence[Part], found: Sequence[Dealt]) -> None:
    """Raises InputError for a file none of whose parts has a column that was named."""
    named: dict[Source, Named] = {}
    for part, dealt in zip(parts, found, strict=True):
        own = named.setdefault(part.source, Named())
        own += dealt.reading.named
    for source, own in named.items():
        own.require(source.path, source.columns)


class _SharedLog:
    """The log as one home sees it, at its end of the connection to who keeps it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._records: deque[tuple[int, bytes]] = deque()

    def since(self, offset: int) -> Iterable[tuple[int, bytes]]:
        """See `Log`. What lies before the offset is forgotten."""
        while self._connection.poll():
            self._take()
        while self._records and self._records[0][0] < offset:
            self._records.popleft()
        return list(self._records)

    def post(self, record: bytes) -> None:
        """See `Log`."""
        _say(self._connection, _RECORD, record)

    def wait(self) -> None:
        """Until there is one record more."""
        self._take()

    def _take(self) -> None:
        _, record = _hear(self._connection)
        self._records.append(record)


def _say(connection: Connection, kind: str, value: Any) -> None:
    connection.send_bytes(pickle.dumps((kind, value)))


def _hear(connection: Connection) -> tuple[str, Any]:
    message: tuple[str, Any] = pickle.loads(connection.recv_bytes())  # noqa: S301 - written by our own process
    return message


def _serve(connection: Connection, job: Job, number: int) -> None:
    """The work of one process, until nobody wants more of it."""
    worker, log = Worker(job, number), _SharedLog(connection)
    try:
        while True:
            kind, value = _hear(connection)
            if kind == _READ:
                _say(connection, _DONE, worker.read(value, lambda rows: _say(connection, _ROWS, rows)))
            elif kind == _JUDGE:
                course, runs = value
                found = worker.judge(
                    course, runs, log=log, wait=log.wait, progress=lambda *told: _say(connection, _ROWS, told)
                )
                # By a file: whoever sends much while the first process sends to it would wait for ever.
                result = job.folder / f"result-{number}"
                with result.open("wb") as file:
                    pickle.dump(found, file)
                _say(connection, _DONE, result)
    except InputError as error:
        _say(connection, _ERROR, error)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except Exception as error:  # noqa: BLE001 - told in the first process, which ends the others
        text = f"process {number + 1} of {job.homes} broke: {type(error).__name__}: {error}. Nothing was written."
        _say(connection, _ERROR, ProcessError(text))
