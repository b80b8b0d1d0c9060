"""Input partitions, their shuffle and a home partition, as a worker drives them, with every freedom that a worker has:
how much is read at a time, who reads when, what is worked when, and crashes of both stages at any moment."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from random import Random
from zlib import crc32

from schemas.alerts import Transition
from schemas.events import InputEvent
from schemas.shuffle import ShuffleRecord, decode_shuffle, encode_shuffle
from streams.detection.census import Census
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.fleet_log import FleetLog
from streams.detection.home import Home
from streams.detection.merge import Merge, Progress
from streams.detection.origin import Origin
from streams.detection.results import RefusedCommand
from tests.properties.input_logs import OUT_OF_ORDER_MS, Entry, Log, World

Told = dict[str, list[Transition]]
Refused = Counter[tuple[str, int, str]]


@dataclass(frozen=True, slots=True)
class Ways:
    """How a run may be disturbed: chances in a step of the schedule."""

    crash: float = 0.0
    """Of a home: its memory is gone."""
    repeat: float = 0.0
    """Of an ingest task: what it wrote last stays in the shuffle, and it begins again where it had committed."""
    idle: float = 0.5
    caught_up: float = 0.5
    """That an origin says it was read to its end, true or not."""
    record: int = 30
    """Records read at a time, at most."""
    most: int = 200_000
    """`Merge`'s."""
    live: bool = False
    """`Merge`'s."""
    accounts: int | None = None
    """That a home may have."""


@dataclass(slots=True)
class Ran:
    """What came of a run, as those see it who read committed records."""

    told: Told = field(default_factory=lambda: defaultdict(list))
    refused: Refused = field(default_factory=Counter)
    turned_away: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Origins and offsets of events for whose accounts there was no room."""
    log: list[bytes] = field(default_factory=list)
    """The shuffle that all of it came from."""
    rows: dict[str, bytes] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    progress: Progress | None = None
    fleet: bytes | None = None
    disordered: int = 0
    crashes: int = 0
    takes: int = 0


class Ingest:
    """An input partition as it is read, with the position and the clock that are committed."""

    def __init__(self, log: Log, homes: int = 1) -> None:
        self.log = log
        self.homes = homes
        self.position = 0
        self._clock: int | None = None
        self.restart()

    def restart(self) -> None:
        """Begin where it was committed."""
        log = self.log
        self.origin = Origin(
            log.topic,
            log.name,
            homes=self.homes,
            home_of=lambda account: crc32(account.encode()) % self.homes,
            out_of_order=OUT_OF_ORDER_MS,
            future_tolerance=0,
            clock=self._clock,
        )

    @property
    def done(self) -> bool:
        """Read to the end, and committed."""
        return self.position == len(self.log.entries)

    def read(self, count: int, *, caught_up: bool, most: int, committed: bool) -> list[list[ShuffleRecord]]:
        """Read on, and write, for each home. What is not committed is written all the same, and again later."""
        upto = min(self.position + count, len(self.log.entries))
        for offset in range(self.position, upto):
            take(self.origin, offset, self.log.entries[offset])
        records = self.origin.deal(upto - 1, caught_up=caught_up, most=most)
        if committed:
            self.position, self._clock = upto, self.origin.clock
        else:
            self.restart()
        return records


def take(origin: Origin, offset: int, entry: Entry) -> None:
    """Give an entry of a log to an origin."""
    refused = origin.mark(entry, None) if isinstance(entry, bytes) else origin.take(offset, entry, None)
    assert refused is None


class Offers:
    """The log of what homes offer to the fleet."""

    def __init__(self) -> None:
        self.records: list[bytes] = []

    def since(self, offset: int) -> list[tuple[int, bytes]]:
        return list(enumerate(self.records))[offset:]

    def post(self, record: bytes) -> None:
        self.records.append(record)


class Partition:
    """A home partition with what is stored of it: rows and progress, changed by `take` alone."""

    def __init__(
        self, world: World, config: DetectionConfig, ways: Ways, *, number: int = 0, offers: list[Offers] | None = None
    ) -> None:
        self.ran = Ran()
        self._number = number
        self._offers = offers if offers is not None else [Offers()]
        """One log, the same of all homes of a fleet; in a list of as many as there are homes."""
        self.log: list[bytes] = []
        self._names = frozenset(log.name for log in world.logs)
        self._config = config
        self._ways = ways
        self.restart()

    def restart(self) -> None:
        """Begin with what is stored."""
        raw = self.ran.progress.encode() if self.ran.progress else None
        progress = Progress.decode(raw) if raw is not None else None
        rows = self.ran.rows
        merge = Merge(self._names, progress, most=self._ways.most, live=self._ways.live)
        learnt = FleetLog(self._config, len(self._offers), self.ran.fleet)
        log = self._offers[self._number]
        self.home = Home(
            Engine(self._config, learnt),
            merge,
            rows.get,
            log=log,
            partition=self._number,
            speaks=self._number == 0,
            most=self._ways.accounts,
        )
        self.home.enter(rows.items())
        self.position = progress.low if progress else 0

    def receive(self, count: int) -> None:
        """Read on in the shuffle."""
        upto = min(self.position + count, len(self.log))
        for offset in range(self.position, upto):
            self.home.receive(offset, decode_shuffle(self.log[offset]))
        self.position = upto

    def step(self, *, idle: bool, stop_after: int | None = None, take_at: int | None = None) -> bool:
        """Work. False: the step was left in the middle, and this home is fit for a crash only. `take_at`: store what
        has come of it when the state is whole for that time."""
        whole = 0
        for count, is_whole in enumerate(self.home.step(idle=idle)):
            if is_whole and whole == take_at:
                self.take(pictures=1)
            whole += is_whole
            if count == stop_after:
                return False
        return True

    def take(self, *, pictures: int) -> None:
        """Store what has come of it."""
        output, ran = self.home.take(pictures=pictures), self.ran
        counted, census = Census(), self.home.census
        for transition in output.transitions:
            ran.told[transition.account_id].append(transition)
        ran.refused.update(refused(each) for each in output.refused)
        ran.turned_away.update((each.origin, each.offset) for each in output.turned_away)
        ran.pictures.update(output.pictures)  # before the rows are stored, as in a flush
        ran.rows.update(output.rows)
        for value in ran.rows.values():
            counted.enter(value)
        for name in ("accounts", "alerts", "mrr_active", "mrr_at_risk"):
            assert +getattr(census, name) == getattr(counted, name), f"{name} is not what the rows say"
        ran.progress = output.progress
        ran.fleet = output.fleet or ran.fleet
        ran.takes += 1

    def crash(self) -> None:
        """Everything that is not stored is gone."""
        self.ran.crashes += 1
        self.ran.disordered += self.home.merge.disordered
        self.restart()

    def finish(self) -> Ran:
        """Work off everything, and store it."""
        self.receive(len(self.log))
        assert self.step(idle=True)
        assert self.home.waits_for is None
        self.take(pictures=1_000_000)
        self.ran.disordered += self.home.merge.disordered
        self.ran.log = self.log
        return self.ran


def refused(each: RefusedCommand) -> tuple[str, int, str]:
    """Which command, and why."""
    return each.fact.origin, each.fact.offset, each.refusal.reason.value


def undisturbed(world: World, config: DetectionConfig, ways: Ways | None = None) -> Ran:
    """All of it at once, one origin after the other."""
    partition = Partition(world, config, ways or Ways())
    for log in world.logs:
        written = Ingest(log).read(len(log.entries), caught_up=True, most=2_000, committed=True)
        partition.log += map(encode_shuffle, written[0])
    return partition.finish()


def disturbed(world: World, config: DetectionConfig, ways: Ways, seed: int) -> Ran:
    """The same under a schedule drawn from a seed."""
    random = Random(seed)
    partition = Partition(world, config, ways)
    ingests = [Ingest(log) for log in world.logs]
    while reading := [each for each in ingests if not each.done]:
        ingest = random.choice(reading)
        written = ingest.read(
            random.randint(0, ways.record),
            caught_up=random.random() < ways.caught_up,
            most=random.choice([1, 3, 2_000]),
            committed=random.random() >= ways.repeat,
        )
        partition.log += map(encode_shuffle, written[0])
        if random.random() < 0.7:
            _work(partition, ways, random)
    for _ in range(6):
        _work(partition, ways, random)
    return partition.finish()


def shared(world: World, config: DetectionConfig, ways: Ways, seed: int, homes: int) -> list[Ran]:
    """The same, dealt out to several homes, which agree on the fleet's days."""
    random = Random(seed)
    offers = [Offers()] * homes
    partitions = [Partition(world, config, ways, number=number, offers=offers) for number in range(homes)]
    ingests = [Ingest(log, homes) for log in world.logs]
    while reading := [each for each in ingests if not each.done]:
        written = random.choice(reading).read(
            random.randint(0, ways.record), caught_up=False, most=2_000, committed=True
        )
        for partition, records in zip(partitions, written, strict=True):
            partition.log += map(encode_shuffle, records)
        if random.random() < 0.7:
            _work(random.choice(partitions), ways, random)
    calm = Ways()
    while any(each.position < len(each.log) or each.home.waits_for is not None for each in partitions):
        _work(random.choice(partitions), calm, random)
    for each in partitions:  # the last day of one may be the first that another hears of
        each.step(idle=True)
    return [each.finish() for each in partitions]


def _work(partition: Partition, ways: Ways, random: Random) -> None:
    """Receive, work, store; a crash anywhere in between. Only what is whole is stored."""
    partition.receive(random.choice([0, 1, 1, 2, 5, 50]))
    left = random.randint(0, 3) if random.random() < ways.crash / 2 else None
    within = random.randint(0, 3) if random.random() < 0.3 else None
    ended = partition.step(idle=random.random() < ways.idle, stop_after=left, take_at=within)
    if not ended:
        partition.crash()
        return
    if random.random() < 0.4:
        partition.take(pictures=random.choice([0, 1, 1_000]))
    if random.random() < ways.crash:
        partition.crash()


def events_of(world: World, account: str) -> list[InputEvent]:
    """Every event of an account, in no order."""
    return [
        entry
        for log in world.logs
        for entry in log.entries
        if not isinstance(entry, bytes) and entry.account_id == account
    ]
