"""What there is before a bootstrap, and whether one may be made: pure but for `look`."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Final, Self

import orjson

from schemas.errors import StateError
from schemas.instants import format_instant
from streams.cli.reading import read_all
from streams.detection.merge import Progress
from streams.runtime import group, topics
from streams.runtime.engagement import BOOTSTRAP, PROGRESS, is_account
from streams.runtime.settings import Settings

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Begun:
    """A row that says that a home partition is to get its history, and holds up workers until it has: what goes on from
    there has to be the same when a bootstrap is interrupted and run again."""

    until: int
    shuffle: int
    fleet: int
    """Offsets at which the partition goes on."""
    digest: str
    """`Learnt.digest`."""

    def encode(self) -> bytes:
        """The row's value."""
        return orjson.dumps((VERSION, self.until, self.shuffle, self.fleet, self.digest))

    @classmethod
    def decode(cls, stored: bytes) -> Self:
        """The inverse. Raises `StateError` for what a newer version wrote."""
        version, *values = orjson.loads(stored)
        if version != VERSION:
            raise StateError(f"a bootstrap was begun by a newer version ({version}; this program knows {VERSION})")
        return cls(*values)


@dataclass(frozen=True, slots=True)
class Standing:
    """A home partition's state as it is stored."""

    accounts: int = 0
    progress: Progress | None = None
    begun: Begun | None = None

    @property
    def fresh(self) -> bool:
        """No worker has ever come to anything here; or none since a reset."""
        return self.accounts == 0 and (self.progress is None or self.progress.clock is None)

    def done(self, until: int) -> bool:
        """It has its history until that time (ms)."""
        return self.begun is None and self.progress is not None and until in self.progress.known.values()


@dataclass(frozen=True, slots=True)
class Found:
    """What there is."""

    members: tuple[str, ...]
    """Workers that are running."""
    standings: tuple[Standing, ...]
    """Of the home partitions."""

    @property
    def interrupted(self) -> bool:
        """A bootstrap was begun, and is not through."""
        return any(each.begun for each in self.standings)

    def refusal(self, until: int) -> str | None:
        """Why there can be no bootstrap; None: there can."""
        if self.members:
            return f"workers are running: {'; '.join(self.members)}. Stop them first"
        for began in {each.begun.until for each in self.standings if each.begun is not None} - {until}:
            return (
                f"a bootstrap until {format_instant(began)} was interrupted: run that one again, or slackwater reset, "
                "which forgets it"
            )
        for number, each in enumerate(self.standings):
            if each.begun is None and not each.fresh and not (self.interrupted and each.done(until)):
                clock = None if each.progress is None else each.progress.clock
                so_far = "" if clock is None else f", as of {format_instant(clock)}"
                return (
                    f"home partition {number} has state already ({each.accounts:,} accounts{so_far}): history comes "
                    "before the first start. slackwater reset forgets the state; the bootstrap can follow it"
                )
        return None


async def look(settings: Settings) -> Found:
    """Creates the application's own topics, where they are missing. Raises `BrokerError`, `StartError` for other topics
    that are missing or not as they have to be, and `StateError` for a state of a newer version."""
    await topics.refuse_wrong(settings)
    await topics.create(settings, roles=("output", "internal"))
    return Found(await group.members(settings), await standings(settings))


async def standings(settings: Settings) -> tuple[Standing, ...]:
    """The home partitions' states as they are stored. Raises as `look` does."""
    accounts: defaultdict[int, set[bytes]] = defaultdict(set)
    own: defaultdict[int, dict[bytes, bytes | None]] = defaultdict(dict)
    async for record in read_all(settings, topics.changelog(settings, topics.ENGAGEMENT)):
        if not is_account(record.key):
            own[record.partition][record.key] = record.value
        elif record.value is None:
            accounts[record.partition].discard(record.key)
        else:
            accounts[record.partition].add(record.key)
    found = []
    for number in range(settings.partitions):
        progress, begun = own[number].get(PROGRESS), own[number].get(BOOTSTRAP)
        found.append(
            Standing(
                len(accounts[number]),
                None if progress is None else Progress.decode(progress),
                None if begun is None else Begun.decode(begun),
            )
        )
    return tuple(found)
