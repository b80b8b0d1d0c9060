"""History through the engine without a broker, with the result that a worker would come to.

What `produce` writes and a worker on the events' clock reads is taken the short way: the same origins give each event
its place, the same merge puts them in order, the same home partition holds the accounts and honours what is due. Only
Kafka is left out, and with it batches, partitions and crashes, on which the result does not depend; and bounds on what
waits for its account.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from schemas.alerts import Transition
from schemas.alias_log import AliasRecord
from schemas.events import InputEvent, InputTopic, moment
from schemas.plain_usage import UsageFields
from schemas.shuffle import Fact, ShuffleRecord, Usage, parked_of
from streams.detection.aliases import Aliases
from streams.detection.config import DAY_MS
from streams.detection.engine import Engine
from streams.detection.fleet_log import offer
from streams.detection.home import Home, Log
from streams.detection.merge import Merge
from streams.detection.origin import Origin
from streams.detection.parking import Parked, Parking
from streams.detection.results import RefusedCommand
from streams.detection.state import Account

OUT_OF_ORDER_MS: Final = 600_000
_STORE_EVERY: Final = 100_000
"""Events at the latest; what has changed is encoded then, which is better not done too often."""


@dataclass(frozen=True, slots=True)
class Share:
    """One of several homes over which a history's accounts are dealt: see `Home`. All of them begin at the history's
    `first` moment (ms) and have all of its `topics`, each with its name, so that nobody waits for one with few events.
    Each id stands for itself.
    """

    log: Log
    partition: int
    wait: Callable[[], None]
    """Comes back when the log has more to read."""
    first: int
    topics: Mapping[InputTopic, str]


class Replay:
    """Takes events in order of time, up to `out_of_order` (ms) more or less, as if each topic had one partition.

    Like `produce` it marks the beginning of every day (UTC) on every topic: an event of the day before that comes after
    it is late. `transitions` grows as events are taken, an account's in their order; what the last days' events lead to
    is there after `end`. `share`: these are some of the accounts only. `closed` is called after each day that was
    closed. What comes under `park_ids` waits for `park_for` ms for an account that names them.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        out_of_order: int = OUT_OF_ORDER_MS,
        user_key: bytes = b"",
        share: Share | None = None,
        closed: Callable[[], None] = lambda: None,
        park_ids: tuple[str, ...] = (),
        park_for: int = 30 * DAY_MS,
    ) -> None:
        self.engine = engine
        self.transitions: list[Transition] = []
        self.refused: list[RefusedCommand] = []
        """Commands that could not be carried out."""
        self.unknown = 0
        """Events whose account was not known in time."""
        self._out_of_order = out_of_order
        self._user_key = user_key
        self._rows: dict[str, bytes] = {}
        self._closed = closed
        self._wait: Callable[[], None] | None = None
        merge = Merge(frozenset())
        if share is None:
            self._home = Home(engine, merge, self._rows.get)
        else:
            self._wait = share.wait
            partition = share.partition
            self._home = Home(engine, merge, self._rows.get, log=share.log, partition=partition, speaks=partition == 0)
        self._known = Aliases(have_to_be=park_ids) if share is None else None
        self._waits = bool(park_ids)
        self._park_for = park_for
        self._parkings: dict[tuple[InputTopic, str], Parking] = {}
        self._sent = 0
        self._origins: dict[str, Origin] = {}
        self._next_offset: dict[str, int] = {}
        self._shuffled = 0
        self._last_at: int | None = None
        self._marked: int | None = None
        self._stored_at = self._taken = 0
        self._ended = False
        if share is not None:
            for topic, name in share.topics.items():
                self._begin(topic, name)
            engine.begin(share.first)
            share.log.post(offer(share.partition, engine.habits.closed + 1, None))

    def take(self, topic: InputTopic, name: str, event: InputEvent) -> None:
        """Take the next event of the topic called `name`. At one time events go by the names of their topics.
        Raises ValueError after `end`."""
        self._go_on_to(moment(event))
        origin = self._origins.get(name) or self._begin(topic, name)
        origin.take(self._offset(name), event, None)

    def take_usage(self, name: str, fields: UsageFields) -> None:
        """`take` of a usage event."""
        self._go_on_to(fields[1])
        origin = self._origins.get(name) or self._begin(InputTopic.USAGE, name)
        origin.take_usage(self._offset(name), fields, None)

    def _go_on_to(self, at: int) -> None:
        if self._ended:
            raise ValueError("the replay has ended")
        if self._marked is None or at >= self._marked + DAY_MS:
            self._mark(at // DAY_MS * DAY_MS)
        if self._last_at is None or at > self._last_at:
            self._last_at = at

    def _offset(self, name: str) -> int:
        offset = self._next_offset[name]
        self._next_offset[name] = offset + 1
        self._taken += 1
        return offset

    def end(self, at: int | None = None) -> None:
        """Apply all that was taken and let the time go on until `at` (ms), at least beyond the last event: days are
        closed and deadlines honoured until then. Nothing can be taken after it."""
        if self._ended:
            return
        self._ended = True
        beyond = None if self._last_at is None else self._last_at + 1
        times = [each for each in (at, beyond) if each is not None]
        if times:
            self._mark(max(times))
            self._store()

    @property
    def clock(self) -> int | None:
        """The time (ms) up to which all is applied; None before the first day is over."""
        return self._home.merge.clock

    @property
    def accounts(self) -> dict[str, Account]:
        """The state of every account, by id. Raises ValueError before `end`."""
        return {account.id: account for account in self.each_account()}

    def each_account(self) -> Iterator[Account]:
        """The same, one at a time: all of them need not fit into memory. Raises ValueError before `end`."""
        if not self._ended:
            raise ValueError("a replay's accounts can be had when it has ended")
        for account_id, stored in self._rows.items():
            yield self.engine.account(account_id, stored)

    def account(self, account_id: str) -> Account:
        """The account as it stands on the way; a new one if there is none."""
        return self._home.account(account_id)

    def _begin(self, topic: InputTopic, name: str) -> Origin:
        origin = self._origins[name] = Origin(
            topic,
            f"{name}/0",
            homes=1,
            home_of=lambda _account: 0,
            out_of_order=self._out_of_order,
            future_tolerance=0,
            user_key=self._user_key,
            clock=self._marked,
            aliases=self._known if topic is InputTopic.ACCOUNTS else None,
        )
        self._next_offset[name] = 0
        return origin

    def _mark(self, at: int) -> None:
        """Every event before `at` has been taken, of all topics: apply them."""
        self._marked = at
        for name, origin in self._origins.items():
            self._learn(origin, self._next_offset[name] - 1, at)
        for name, origin in self._origins.items():
            origin.clock = at if origin.clock is None else max(at, origin.clock)
            for record in origin.deal(self._next_offset[name] - 1, caught_up=False)[0]:
                self._receive(self._resolved(record))
        self._send_on(at)
        self._step()
        if self._home.full or self._taken - self._stored_at >= _STORE_EVERY:
            self._store()

    def _learn(self, origin: Origin, last: int, at: int) -> None:
        """What the account updates of before `at` say of ids."""
        if origin.statements is not None and self._known is not None:
            self._known.expected |= {origin.name}
            self._known.take(AliasRecord(origin.name, last, at, False, origin.statements.take()))

    def _resolved(self, record: ShuffleRecord) -> ShuffleRecord:
        """The record with its events' accounts in place of their aliases."""
        known, origin = self._known, record.origin
        if known is None or not (known.histories or self._waits) or record.topic is InputTopic.ACCOUNTS:
            return record
        events: list[Usage | Fact] = []
        for each in record.events:
            offset, place = each.offset, each.effective_at
            account = known.account_of(each.account, place, origin, offset)
            if account is None and record.topic is not InputTopic.COMMANDS:
                self._parking(known, record).keep(Parked(offset, place, each.account, 0, each))
            else:
                events.append(each._replace(account=account or each.account))
        return replace(record, events=tuple(events))

    def _parking(self, known: Aliases, record: ShuffleRecord) -> Parking:
        parking = self._parkings.get((record.topic, record.origin))
        if parking is None:
            parking = Parking(known, record.origin, keep=self._park_for, most=0)
            self._parkings[record.topic, record.origin] = parking
        return parking

    def _send_on(self, at: int) -> None:
        """What has waited, and was named before `at`, to its accounts."""
        for (topic, origin), parking in self._parkings.items():
            over = parking.over(at)
            self.unknown += len(over.late)
            events: list[Usage | Fact] = []
            for place, account, parked in over.named:
                self._sent += 1
                events.append(parked.record._replace(offset=self._sent, effective_at=place, account=account))
            if events:
                self._receive(ShuffleRecord(topic, parked_of(origin), self._sent, None, False, tuple(events)))

    def _receive(self, record: ShuffleRecord) -> None:
        self._home.receive(self._shuffled, record)
        self._shuffled += 1

    def _step(self) -> None:
        habits = self.engine.habits
        seen = habits.closed
        while True:
            for _ in self._home.step(idle=True):
                if habits.closed != seen:
                    seen = habits.closed
                    self._closed()
            if self._home.waits_for is None or self._wait is None:
                return
            self._wait()

    def _store(self) -> None:
        self._stored_at = self._taken
        output = self._home.take(pictures=0)
        self._rows.update(output.rows)
        self.transitions += output.transitions
        self.refused += output.refused


def replay(
    events: Iterable[tuple[InputTopic, str, InputEvent]],
    engine: Engine,
    *,
    end: int | None = None,
    out_of_order: int = OUT_OF_ORDER_MS,
    user_key: bytes = b"",
    park_ids: tuple[str, ...] = (),
) -> Replay:
    """Run events, each with its topic and that topic's name, to `end`. See `Replay`."""
    run = Replay(engine, out_of_order=out_of_order, user_key=user_key, park_ids=park_ids)
    for topic, name, event in events:
        run.take(topic, name, event)
    run.end(end)
    return run
