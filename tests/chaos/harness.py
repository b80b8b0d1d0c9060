"""A run of a story: a broker of its own, the workers, the load on its way, the damage, the end, the checks."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from streams.broker import EmbeddedBroker, KafkaBroker
from streams.runtime import topics
from tests.chaos import checks
from tests.chaos.checks import Place
from tests.chaos.fleet import Fleet
from tests.chaos.load import SETTINGS, Load, Logical, make_load
from tests.chaos.removed import Removed, left_of
from tests.chaos.segments import zombies
from tests.chaos.sending import Sending
from tests.e2e.harness import Application, application, eventually
from tests.scenarios.pure import Outcome, run

PARTITIONS: Final = 4
_ACCOUNTS: Final = 250
_END_PATIENCE: Final = 180.0


@dataclass(frozen=True, slots=True)
class Story:
    """A fault. `tell` does the damage; everything before and after is the harness's."""

    tell: "Callable[[Chaos], Awaitable[None]]"
    limit: float = 300.0
    """Seconds that `tell` may take at full scale, on a slow machine."""
    settings: Mapping[str, str] = field(default_factory=dict)
    broker: Callable[[], KafkaBroker | EmbeddedBroker] = KafkaBroker
    repeats: bool = False
    """Events may be in the shuffle more than once; in what comes of them never."""
    check: "Callable[[Chaos], Awaitable[None]] | None" = None
    """What has to be true besides, in the end."""
    unavailable: Callable[[], str | None] = lambda: None
    """Why the story cannot be told on this machine; None when it can."""


class Chaos:
    """What a story has at hand."""

    def __init__(
        self, app: Application, broker: KafkaBroker | EmbeddedBroker, load: Load, seed: int, scale: float
    ) -> None:
        self.app = app
        self.broker = broker
        self.load = load
        self.random = Random(seed)
        self.scale = scale
        self.fleet: Fleet
        self.sending: Sending
        self.poison: set[Place] = set()
        """Input records that a story wrote and that nobody can read."""
        self.removed: list[Removed] = []
        """Input records that a story has removed."""
        self.resets = 0
        """Resets that a story has begun, whether or not they came to their end."""
        self.notes: list[str] = []
        """What is worth telling of the run."""

    @property
    def kafka(self) -> KafkaBroker:
        """The broker, in a story that needs a real one."""
        assert isinstance(self.broker, KafkaBroker)
        return self.broker

    def times(self, count: int) -> int:
        """So many times at full scale; fewer in a short run, and twice at least."""
        return max(2, round(count * self.scale))

    def seconds(self, duration: float) -> float:
        """So long at full scale."""
        return duration * self.scale

    async def part(self, number: int, of: int, *, seconds: float = 4.0) -> None:
        """Have the events come in up to part `number` (from 0) of `of`, over some seconds, and return at a random
        moment of these. The last tenth is left for when the damage is over."""
        self.sending.allow(0.9 * (number + 1) / of, seconds=seconds)
        await asyncio.sleep(self.random.uniform(0, seconds))

    async def parts(self, count: int, *, seconds: float = 4.0) -> AsyncIterator[int]:
        """So many parts at full scale (`times`), one after the other: there is time for some damage after each."""
        times = self.times(count)
        for number in range(times):
            await self.part(number, times, seconds=seconds)
            yield number


async def tell(story: Story, *, seed: int, scale: float, home: Path) -> Chaos:
    """Run a story to its end and check everything. What it leaves in `home` is the caller's to keep or remove."""
    home.mkdir(parents=True)
    load = make_load(seed, accounts=max(40, round(_ACCOUNTS * min(scale, 1.0))), partitions=PARTITIONS)
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(_kept(story.broker(), home))
        given = {"partitions": str(PARTITIONS), "lagging_flush": "1s", **SETTINGS, **story.settings}
        app = await application(broker, home, create=True, **given)
        pure = asyncio.create_task(asyncio.to_thread(_undisturbed, load.events, load.end_at, app))
        chaos = Chaos(app, broker, load, seed, scale)
        chaos.fleet = await stack.enter_async_context(Fleet(app.environment, home))
        chaos.sending = await stack.enter_async_context(Sending(load, app.settings, broker.address))
        async with asyncio.timeout(story.limit):
            await story.tell(chaos)
        await _finish(chaos)
        await chaos.fleet.stop_all()
        expected = await pure
        if chaos.removed:
            left = left_of(load, chaos.removed, await checks.in_shuffle(app))
            chaos.notes.append(f"{len(load.events) - len(left)} of {len(load.events)} events were lost")
            expected = await asyncio.to_thread(_undisturbed, left, load.end_at, app)
        count = await checks.everything(
            app,
            expected,
            load.end_at,
            poison=chaos.poison,
            repeats=story.repeats,
            removed=chaos.removed,
            resets=chaos.resets,
        )
        if story.check is not None:
            await story.check(chaos)
        if isinstance(broker, KafkaBroker):
            _no_zombies(chaos)
        assert count > len(load.events) / 200, f"{count} transitions of {len(load.events)} events: no test of anything"
        chaos.notes.insert(0, f"{len(load.steps)} records, {count} transitions")
        if chaos.fleet.ended:
            chaos.notes.append(f"{len(chaos.fleet.ended)} workers ended by themselves, and were started again")
        return chaos


async def _finish(chaos: Chaos) -> None:
    """All the rest is sent, and a worker is there to take it."""
    if not chaos.fleet.running:
        chaos.fleet.start("z")
    chaos.sending.allow(1.0, seconds=1.0)
    async with asyncio.timeout(_END_PATIENCE):
        await chaos.sending.done()

    async def through() -> bool:
        await asyncio.sleep(0.5)
        return await checks.finished(chaos.app.settings, chaos.load.end_at)

    try:
        await eventually(through, "all home partitions at the end", patience=_END_PATIENCE)
    except AssertionError as error:
        tails = "\n".join(f"-- {name}\n{chaos.fleet.tail(name)}" for name in chaos.fleet.running)
        raise AssertionError(f"{error}\n{tails}") from None


def _no_zombies(chaos: Chaos) -> None:
    """Nothing of what the application writes in transactions was written by one who had been fenced."""
    assert chaos.broker._home is not None
    logs, settings = chaos.broker._home / "logs", chaos.app.settings
    # The fleet topic is written outside of transactions: there a record may come late, or twice.
    written = {
        plan.name: plan.partitions
        for plan in topics.plan(settings)
        if plan.role != "input" and plan.name != settings.fleet_topic
    }
    parts = [part for name in written for part in logs.glob(f"{name}-*") if part.name[len(name) + 1 :].isdigit()]
    assert len(parts) >= sum(written.values())
    found = [each for part in parts for each in zombies(part)]
    assert not found, found[:10]


def _undisturbed(events: Iterable[Logical], end_at: int, app: Application) -> Outcome:
    told = ((topic, value) for _, topic, value in events)
    return run(told, until=end_at, config=app.settings.detection())


@asynccontextmanager
async def _kept(broker: KafkaBroker | EmbeddedBroker, home: Path) -> AsyncIterator[KafkaBroker | EmbeddedBroker]:
    """The broker; what it wrote to its log is in `home` afterwards."""
    async with broker:
        try:
            yield broker
        finally:
            assert broker._home is not None
            with suppress(OSError):
                shutil.copy(broker._home / "output.log", home / "broker.log")
