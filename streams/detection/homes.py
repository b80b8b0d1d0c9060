"""History through the home partitions of an application, all of them here: what its workers would have come to.

As in a replay, but an account is judged at its own home partition, which has a state of its own, and the homes agree on
the fleet's days over a log. So each of them ends up with the rows that its task would have.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from schemas.alerts import Transition
from schemas.events import InputEvent, InputTopic, moment
from streams.detection.config import DAY_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.fleet_log import FleetLog
from streams.detection.home import Home
from streams.detection.merge import Merge, Progress
from streams.detection.origin import Origin
from streams.detection.stall import FLEET_ID

_STORE_EVERY: Final = 20_000


class _Log:
    """See `Log`: what the homes offer, in one order."""

    def __init__(self) -> None:
        self.records: list[bytes] = []

    def since(self, offset: int) -> Iterable[tuple[int, bytes]]:
        return [(number, self.records[number]) for number in range(offset, len(self.records))]

    def post(self, record: bytes) -> None:
        self.records.append(record)


@dataclass(slots=True)
class _One:
    """A home partition with its rows."""

    home: Home
    rows: dict[str, bytes] = field(default_factory=dict)
    progress: Progress | None = None
    shuffled: int = 0


class Homes:
    """Takes events in order of time, up to `out_of_order` (ms) more or less, as if each topic had one partition.

    `home_of` gives an account's home partition, one of `partitions`. `said` is called with each transition, its home
    partition, and what was stored of its account before; those of an account in their order.
    """

    def __init__(
        self,
        config: DetectionConfig,
        partitions: int,
        home_of: Callable[[str], int],
        said: Callable[[int, Transition, bytes | None], None],
        *,
        out_of_order: int,
        user_key: bytes = b"",
    ) -> None:
        self._home_of = home_of
        self._said = said
        self._out_of_order = out_of_order
        self._user_key = user_key
        self._log = _Log()
        self._homes: list[_One] = []
        for number in range(partitions):
            rows: dict[str, bytes] = {}
            home = Home(
                Engine(config, FleetLog(config, partitions)),
                Merge(frozenset()),
                rows.get,
                log=self._log,
                partition=number,
                speaks=home_of(FLEET_ID) == number,
            )
            self._homes.append(_One(home, rows))
        self._origins: dict[InputTopic, Origin] = {}
        self._offsets: dict[InputTopic, int] = {}
        self._marked: int | None = None
        self._taken = self._stored_at = 0

    def take(self, event: InputEvent, topic: InputTopic) -> None:
        """Take the next event."""
        at = moment(event)
        if self._marked is None or at >= self._marked + DAY_MS:
            self._mark(at // DAY_MS * DAY_MS)
        origin = self._origins.get(topic) or self._begin(topic)
        offset = self._offsets[topic]
        self._offsets[topic] = offset + 1
        origin.take(offset, event, None)
        self._taken += 1

    def end(self, at: int) -> None:
        """Let the time go on until `at` (ms), beyond the last event: days are closed and deadlines honoured until then.
        Nothing can be taken after it."""
        self._mark(at)
        self._store()

    def rows(self, number: int) -> dict[str, bytes]:
        """The accounts of a home partition as they are to be stored, by id."""
        return self._homes[number].rows

    def home(self, number: int) -> Home:
        """A home partition."""
        return self._homes[number].home

    def fleet(self, number: int, position: int) -> bytes:
        """What a home partition knows of the fleet, to be stored: it reads the fleet's log on at `position`."""
        learnt = self._homes[number].home.learnt
        learnt.position = position
        return learnt.encode()

    def progress(self, number: int, shuffle: int, known: dict[str, int]) -> Progress:
        """How far a home partition has come, to be stored: it reads the shuffle on at this offset. `known`: see
        `Progress`."""
        come = self._homes[number].progress
        assert come is not None
        # No origin: those of the files are none of the application's. Pictures are left for the worker.
        return replace(come, low=shuffle, read=shuffle, origins={}, behind=True, known=known)

    def _begin(self, topic: InputTopic) -> Origin:
        origin = self._origins[topic] = Origin(
            topic,
            f"{topic.value}/0",
            homes=len(self._homes),
            home_of=self._home_of,
            out_of_order=self._out_of_order,
            future_tolerance=0,
            user_key=self._user_key,
            clock=self._marked,
        )
        self._offsets[topic] = 0
        return origin

    def _mark(self, at: int) -> None:
        """Every event before `at` has been taken, of all topics: apply them."""
        self._marked = at
        for topic, origin in self._origins.items():
            origin.clock = at if origin.clock is None else max(at, origin.clock)
            for one, records in zip(self._homes, origin.deal(self._offsets[topic] - 1, caught_up=False), strict=True):
                for record in records:
                    one.home.receive(one.shuffled, record)
                    one.shuffled += 1
        said = -1
        while said < len(self._log.records):  # until nobody has anything to say to the others
            said = len(self._log.records)
            for one in self._homes:
                for _ in one.home.step(idle=True):
                    pass
        if self._taken - self._stored_at >= _STORE_EVERY:
            self._store()

    def _store(self) -> None:
        self._stored_at = self._taken
        for number, one in enumerate(self._homes):
            output = one.home.take(pictures=0)
            for each in output.transitions:
                self._said(number, each, one.rows.get(each.account_id))
            one.rows.update(output.rows)
            one.progress = output.progress
