"""The engine's way through older history: what the workers' state would be, had they been there."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import blake2b

from alerting.catch_up import whole
from alerting.notification import CatchUp
from alerting.routing import Route
from schemas.alerts import Transition, transition_headers
from schemas.codec import encode
from schemas.events import InputTopic
from streams.backtest.home import counted
from streams.backtest.reading import TOPICS, event_of
from streams.backtest.repeats import Repeats
from streams.detection.homes import Homes
from streams.produce.ordering import Item
from streams.runtime.channels import routes_of
from streams.runtime.engagement import FLEET, PROGRESS
from streams.runtime.ingest import home_of
from streams.runtime.past import ROW as PAST
from streams.runtime.past import Past
from streams.runtime.settings import Settings
from streams.runtime.topics import ENGAGEMENT, changelog
from streams.runtime.writer import Record


@dataclass(slots=True)
class _Home:
    """What a home partition has to say."""

    past: Past
    said: list[Record] = field(default_factory=list)


class Learnt:
    """Goes through a history and holds what is to be written. `until` (ms) is where it ends; `topics` are those whose
    events are known before that time, as they are in the files."""

    def __init__(self, settings: Settings, until: int, topics: frozenset[InputTopic]) -> None:
        self.until = until
        self.excluded = Counter[str]()
        """Usage events that do not count, by setting."""
        self.repeats = Repeats()
        self.known = {topic.value: until for topic in sorted(topics)}
        self._settings = settings
        self._log = changelog(settings, ENGAGEMENT)
        routes = routes_of(settings) or (Route(),)  # the worker may have others than who runs this
        count = settings.partitions
        self._homes = [_Home(Past(routes, None)) for _ in range(count)]
        self._engine = Homes(
            settings.detection(),
            count,
            lambda account: home_of(account, count),
            self._take,
            out_of_order=settings.out_of_order,
            user_key=settings.user_key,
        )

    def go_through(self, blocks: Iterable[list[Item]], progress: Callable[[int, int], None]) -> None:
        """All events, in order of time. `progress` is told how many were taken, and the time (ms)."""
        taken = 0
        rule = self._settings.usage_rule() or None
        for block in blocks:
            kept = counted(block, rule, self.excluded)
            self.repeats.take(kept)
            for item in kept:
                self._engine.take(event_of(item), TOPICS[item[1]])
            taken += len(block)
            progress(taken, block[-1][0])
        self._engine.end(self.until)

    @property
    def accounts(self) -> list[int]:
        """How many accounts each home partition has."""
        return [len(self._engine.rows(number)) for number in range(len(self._homes))]

    @property
    def transitions(self) -> int:
        """How many there are, of all home partitions."""
        return sum(len(each.said) for each in self._homes)

    @property
    def digest(self) -> str:
        """The same for the same history under the same settings: 32 hex digits."""
        digest = blake2b(repr(self.known).encode(), digest_size=16)
        for number in range(len(self._homes)):
            for account, value in sorted(self._engine.rows(number).items()):
                digest.update(account.encode() + b"\0" + value)
        return digest.hexdigest()

    def records(self, number: int, *, shuffle: int, fleet: int) -> list[Record]:
        """All that a home partition has to write: its transitions, then its state, which goes on at these offsets of
        the shuffle and of the fleet's log."""
        engine, home = self._engine, self._homes[number]
        rows = [(account.encode(), value) for account, value in engine.rows(number).items()]
        rows.append((FLEET, engine.fleet(number, fleet)))
        if home.past.counts:
            rows.append((PAST, home.past.counts.encode()))
        rows.append((PROGRESS, engine.progress(number, shuffle, self.known).encode()))
        return [*home.said, *(Record(self._log, number, key, value) for key, value in rows)]

    def message(self, at: int) -> CatchUp | None:
        """What the workers will tell of it, if nothing more happens; None: there is nothing to tell."""
        parts = [self._part(number, at) for number, each in enumerate(self._homes) if each.past.counts]
        return whole(parts) if parts else None

    def _part(self, number: int, at: int) -> CatchUp:
        past, counts = self._homes[number].past, self._homes[number].past.counts
        rows = ((account.encode(), value) for account, value in self._engine.rows(number).items())
        home, timezone = self._engine.home(number), self._settings.timezone
        part = past.message(
            rows, home.account, home.odds, partition=number, place="bootstrap", at=at, timezone=timezone
        )
        assert part is not None
        past.counts = counts  # it is the worker that tells it
        return part

    def _take(self, number: int, transition: Transition, before: bytes | None) -> None:
        home = self._homes[number]
        home.past.note(transition, before)
        headers = transition_headers(transition, past=True)
        topic, key = self._settings.topic("alerts"), transition.account_id.encode()
        home.said.append(Record(topic, number, key, encode(transition), headers))
