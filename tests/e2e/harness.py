"""What tests of the whole path have in common: an application of their own on a broker, its worker as a process, its
topics as a stranger reads them, and waiting that ends.

    app = await application(kafka, tmp_path)         # topics created, names nobody else has
    async with app.worker() as worker:               # ready inside, gone afterwards
        await app.slackwater("produce", str(file), "--settle", "1")
        await app.applied_until(at, worker=worker)
    transitions = await app.transitions()            # committed ones only

A worker that was killed (`worker.process.kill()`) is started again by entering another `app.worker()`.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from aiokafka import ConsumerRecord

from schemas.alerts import Transition
from schemas.dead_letter import DeadLetter
from schemas.picture import AccountPicture
from streams.broker import Broker
from streams.broker.child import ChildProcess
from streams.broker.ready import free_port
from streams.cli.alerts import read_transitions
from streams.cli.demo.worker import Worker, inherited
from streams.cli.reading import committed, read_all
from streams.detection.merge import Progress
from streams.runtime import topics
from streams.runtime.engagement import PROGRESS
from streams.runtime.settings import Settings, load_settings

POLL = 0.1


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended. Its output is stdout and stderr together."""

    status: int
    output: str


@dataclass(frozen=True, slots=True)
class Application:
    """One application of slackwater: its settings, as an environment and as the code sees them."""

    environment: Mapping[str, str]
    settings: Settings
    home: Path

    def worker(self, environment: Mapping[str, str] | None = None, /, **settings: str) -> Worker:
        """A worker, not started: `async with app.worker() as worker`. `settings` are its own, and so is what of
        `environment` is no setting; all workers of a test write to one log."""
        # A port of its own for each: the one before may have been killed, and its port is not free at once.
        own = {f"SLACKWATER_{key.upper()}": value for key, value in settings.items()}
        given = {**self.environment, "SLACKWATER_WEB_PORT": str(free_port()), **own}
        return Worker({**given, **(environment or {})}, load_settings(given), self.log)

    @property
    def log(self) -> Path:
        """What the workers wrote."""
        return self.home / "worker.log"

    @asynccontextmanager
    async def command(self, *arguments: str) -> AsyncIterator[ChildProcess]:
        """`slackwater` with this application's settings as a process: running inside, gone afterwards."""
        output = self.home / f"{arguments[0]}-{uuid4().hex[:6]}.log"
        process = ChildProcess(
            [sys.executable, "-m", "streams", *arguments],
            output=output,
            environment={**inherited(), **self.environment},
        )
        try:
            yield process
        finally:
            process.kill()

    async def slackwater(self, *arguments: str, patience: float = 60.0, check: bool = True) -> Finished:
        """Run a command to its end. With `check` a status other than 0 is a failure of the test."""
        async with self.command(*arguments) as process:
            status = await process.wait(patience=patience)
            output = process.output_tail(200)
        if status is None:
            raise AssertionError(f"slackwater {arguments[0]} has not ended after {patience:g} s:\n{output}")
        assert not check or status == 0, f"slackwater {arguments[0]} ended with {status}:\n{output}"
        return Finished(status, output)

    async def transitions(self) -> list[Transition]:
        """Every committed transition; those of one account in their order."""
        return await read_transitions(self.settings)

    async def pictures(self) -> dict[str, AccountPicture]:
        """The last committed picture of every account."""
        last: dict[str, bytes] = {}
        async for record in read_all(self.settings, self.settings.topic("health")):
            last[record.key.decode()] = record.value
        return {account: AccountPicture.model_validate_json(value) for account, value in last.items()}

    async def dead_letters(self) -> list[DeadLetter]:
        """Every committed dead letter."""
        records = await self.records("dead_letters")
        return [DeadLetter.model_validate_json(record.value) for record in records]

    async def records(self, topic: str) -> list[ConsumerRecord]:
        """The committed records of a topic, by its name in the settings (`usage`, `health`, ...)."""
        return await self.records_of(self.settings.topic(topic))

    async def records_of(self, topic: str) -> list[ConsumerRecord]:
        """The same, by its full name."""
        return [record async for record in read_all(self.settings, topic)]

    async def ends(self, topic: str) -> dict[int, int]:
        """The end of each partition of a topic, by its full name."""
        async with committed(self.settings, topic) as consumer:
            found = await consumer.end_offsets(consumer.assignment())
        return {tp.partition: end for tp, end in found.items()}

    async def applied_until(self, at: int, *, worker: Worker | None = None, patience: float = 60.0) -> None:
        """Return when every home partition has committed that its clock has reached `at` (ms). Needs clock markers
        (or the wall clock) to get there. With `worker` its end is told at once instead of waited out."""
        clocks = dict.fromkeys(range(self.settings.partitions), -1)
        deadline = time.monotonic() + patience
        async with committed(self.settings, self._log) as consumer:
            while min(clocks.values()) < at:
                if worker is not None:
                    assert worker.process.exit_status is None, f"the worker ended:\n{worker.process.output_tail(30)}"
                if time.monotonic() > deadline:
                    raise AssertionError(await self._behind(at, clocks, worker))
                for records in (await consumer.getmany(timeout_ms=int(POLL * 1000))).values():
                    _note_clocks(records, clocks)

    async def _behind(self, at: int, clocks: Mapping[int, int], worker: Worker | None) -> str:
        """What there is to say of partitions that did not come to `at`: as they were read, as somebody else reads them,
        and what the worker says."""
        anew = dict.fromkeys(clocks, -1)
        _note_clocks([record async for record in read_all(self.settings, self._log)], anew)
        told = [f"{(at - min(clocks.values())) / 3_600_000:.1f} h behind: {clocks}", f"read anew: {anew}"]
        if worker is not None:
            samples = (await worker.metrics()).items()
            told += [f"{name} {value:g}" for name, value in samples if value and "_bucket" not in name]
            told.append(worker.process.output_tail(15))
        return "\n".join(told)

    async def pictured(self, worker: Worker) -> None:
        """Return when the worker has written the pictures that it left for later. Those of a stopped worker are its
        successor's to write."""

        async def written() -> bool:
            samples = await worker.metrics()
            return not any(value for name, value in samples.items() if name.startswith("slackwater_pictures_waiting{"))

        await eventually(written, "the pictures are written")

    async def clock(self) -> int:
        """The committed clock (ms) of the home partition that is furthest behind; -1 when one has none."""
        clocks = dict.fromkeys(range(self.settings.partitions), -1)
        _note_clocks([record async for record in read_all(self.settings, self._log)], clocks)
        return min(clocks.values())

    @property
    def _log(self) -> str:
        return topics.changelog(self.settings, topics.ENGAGEMENT)


def _note_clocks(records: Iterable[ConsumerRecord], clocks: dict[int, int]) -> None:
    for record in records:
        if record.key == PROGRESS and (clock := Progress.decode(record.value).clock) is not None:
            clocks[record.partition] = max(clocks[record.partition], clock)


async def application(broker: Broker, home: Path, *, create: bool = True, **settings: str) -> Application:
    """An application with names that no other has; with `create` its topics exist. `settings` are further ones by
    their names (`partitions="4"`; there are two); the clock is that of the events."""
    name = f"e2e-{uuid4().hex[:8]}"
    (home / "slackwater.toml").touch()  # none of the user's own is to be read
    given = {
        "config": str(home / "slackwater.toml"),
        "brokers": broker.address,
        "app_id": name,
        "topic_prefix": f"{name}.",
        "partitions": "2",
        "clock": "events",
        "web_port": str(free_port()),
        "state_dir": str(home / "state"),
        # A killed worker's partitions are free when its session is over.
        "session_timeout": "3s",
        "heartbeat_interval": "500ms",
        "rebalance_timeout": "6s",
        "lagging_flush": "2s",
        # Tests of gathering set these themselves.
        "limit_per_hour": "0",
        "group_wait": "0s",
        "group_interval": "0s",
        **settings,
    }
    environment = {f"SLACKWATER_{key.upper()}": value for key, value in given.items()}
    loaded = load_settings(environment)
    if create:
        await topics.create(loaded)
    return Application(environment, loaded, home)


async def eventually(check: Callable[[], Awaitable[bool]], what: str, *, patience: float = 60.0) -> None:
    """Return as soon as `check` says yes; fail with `what` (what was waited for) after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not await check():
        assert time.monotonic() < deadline, f"waited {patience:g} s in vain: {what}"
        await asyncio.sleep(POLL)
