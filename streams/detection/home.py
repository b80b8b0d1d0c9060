"""One home partition: the accounts that live on it, the merge of their events, the due queue. Pure.

It is driven in the same way live, in a replay and in a test: `receive` what the shuffle brings, run `step` to its end,
`take` what has come of it, store that in one transaction.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import dropwhile, islice
from struct import error as StructError  # noqa: N812  # the module's own error, which is no ValueError
from typing import Final, Protocol

from schemas.alerts import Transition
from schemas.codec import encode
from schemas.errors import StateError, VersionError
from schemas.shuffle import ShuffleRecord, Usage
from streams.detection.admission import UNBOUNDED, Admission
from streams.detection.census import Census
from streams.detection.day_sums import DaySums
from streams.detection.due_queue import DueQueue
from streams.detection.engine import Engine
from streams.detection.fleet_commands import carry_out, is_for_fleet
from streams.detection.fleet_log import FleetLog, offer, quarter
from streams.detection.flow import SLOT_MS, pack, unpack
from streams.detection.merge import Event, Merge, Progress
from streams.detection.odds import Odds
from streams.detection.results import RefusedCommand, TurnedAway
from streams.detection.sequels import Sequels
from streams.detection.stall import FLEET_ID
from streams.detection.state import Account, head_of
from streams.detection.statements import is_claim
from streams.detection.tally import Tally

BREATH: Final = 100
"""Events or due accounts handled between two moments at which the caller may do something else."""
DECODED: Final = 22_000
"""Accounts kept decoded, besides those that have changed since the last `take`."""


_SETTLED_MS: Final = 120_000
"""A quarter of an hour is told so long after its end: events of it may still be on their way."""


class Log(Protocol):
    """The log of what homes offer to the fleet."""

    def since(self, offset: int) -> Iterable[tuple[int, bytes]]:
        """Its records at or after an offset, with theirs, as far as they are there."""
        ...

    def post(self, record: bytes) -> None:
        """Append a record, by and by."""
        ...


class OwnLog:
    """The log of a home that is the whole fleet."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._last = b""

    def since(self, offset: int) -> Iterable[tuple[int, bytes]]:
        """See `Log`. Only the last record is kept: each is read at once."""
        return [(offset, self._last)] if offset < self._end else ()

    def post(self, record: bytes) -> None:
        """See `Log`."""
        self._last = record
        self._end += 1


@dataclass(slots=True)
class Output:
    """What is to be stored and said, all of it or none. `rows` and `pictures` are made as they are read, since they may
    be many: both are to be read, once, before anything else is asked of the home."""

    progress: Progress
    rows: Iterator[tuple[str, bytes]]
    """Accounts whose state has changed, by id."""
    transitions: list[Transition]
    pictures: Iterator[tuple[str, bytes]]
    refused: list[RefusedCommand]
    turned_away: list[TurnedAway]
    fleet: bytes | None
    """What is known of the fleet, where that has changed."""


class Home:
    """The accounts of one home partition.

    `stored` reads an account's stored state by id. Those that there are `enter` before anything else. `log` is where it
    agrees with the others on the fleet's days, as home number `partition`; one of them `speaks` of the fleet itself.
    `most` bounds the number of its accounts.
    """

    def __init__(
        self,
        engine: Engine,
        merge: Merge,
        stored: Callable[[str], bytes | None] = lambda _account: None,
        *,
        decoded: int | None = None,
        log: Log | None = None,
        partition: int = 0,
        speaks: bool = True,
        most: int | None = None,
    ) -> None:
        self.merge = merge
        self._admission = Admission(engine.habits.rows, merge, UNBOUNDED if most is None else most)
        self.census = Census()
        self.clock = merge.clock
        """The time up to which all is applied and honoured."""
        self._engine = engine
        self._engine.habits.closed = merge.closed
        if merge.counted:
            names, flow, *more = merge.counted
            engine.habits.sources.unpack_names(names)
            engine.habits.flow.open = unpack(flow)
            engine.habits.sequels = Sequels.unpack(more[0] if more else None)
        self._taken = (merge.clock, merge.closed)
        self._log = OwnLog(engine.learnt.position) if log is None else log
        self._partition = partition
        self._speaks = speaks
        self._offered = -1
        self._stops_at = -1
        """Where the day is decided that is open here, as far as that is known."""
        self._told_slot = -1
        self._fleet_taken = (engine.learnt.position, engine.learnt.stall.alert)
        self.waits_for: int | None = None
        """The day that it could close, were the fleet's decided."""
        self._settled = False
        self._stored = stored
        self._most_decoded = DECODED if decoded is None else decoded
        self._decoded: dict[str, Account] = {}
        self._dirty: dict[str, Account] = {}
        self._due = DueQueue()
        self._transitions: list[Transition] = []
        self._refused: list[RefusedCommand] = []
        self._unpictured: dict[str, None] = {}

    def enter(self, stored_accounts: Iterable[tuple[str, bytes]]) -> None:
        """Take accounts' ids and stored states into the due queue and the census. Raises `StateError` for damage, and
        for a state of a newer version."""
        standings: Counter[bytes] = Counter()
        habits = self._engine.habits
        for account_id, value in stored_accounts:
            try:
                head = head_of(value)
                habits.unpack(account_id, head.habits)
            except VersionError as error:
                raise VersionError(f"the row of the account {account_id!r}: {error}") from error
            except (StateError, ValueError, TypeError, LookupError, StructError) as error:
                raise StateError(f"the row of the account {account_id!r}: it is damaged: {error}") from error
            standings[head.standing] += 1
            if self.merge.behind:
                self._unpictured[account_id] = None
            if head.due is not None:
                self._due.put(account_id, head.due)
        for standing, accounts in standings.items():
            self.census.add(standing.decode(), accounts)

    @property
    def urgent(self) -> bool:
        """There is something to say that people wait for."""
        return bool(self._transitions or self._refused)

    @property
    def learnt(self) -> FleetLog:
        """What it knows of the fleet."""
        return self._engine.learnt

    @property
    def odds(self) -> Odds:
        """How likely accounts are lost, as it is known by the newest closed day."""
        return self.learnt.lessons(self._engine.habits.closed).odds

    @property
    def tally(self) -> Tally:
        """What it has counted."""
        return self._engine.tally

    @property
    def changed(self) -> int:
        """Accounts that changed since the last `take`."""
        return len(self._dirty)

    @property
    def moved(self) -> bool:
        """The clock, the newest closed day or the place in the fleet's log is another one than at the last `take`."""
        return self._taken != (self.merge.clock, self._engine.habits.closed) or self._fleet_moved

    @property
    def _fleet_moved(self) -> bool:
        learnt = self._engine.learnt
        return self._fleet_taken != (learnt.position, learnt.stall.alert)

    def foreign(self) -> list[tuple[int, bytes]]:
        """Records of the fleet's log that are none of its own, and their offsets, since the last call."""
        learnt = self._engine.learnt
        found, learnt.foreign = learnt.foreign, []
        return found

    @property
    def full(self) -> bool:
        """More accounts have changed than are to be kept decoded: it is time for a `take`."""
        return len(self._dirty) > self._most_decoded

    @property
    def room_used(self) -> float:
        """The share of its room for accounts that is taken."""
        return self._admission.used

    @property
    def due_accounts(self) -> int:
        """Accounts in the due queue."""
        return len(self._due)

    def receive(self, offset: int, record: ShuffleRecord) -> None:
        """Hold back the events of a shuffle record until their turn."""
        self._admission.receive(offset, record)

    def step(self, *, idle: bool) -> Iterator[bool]:
        """Apply every event whose turn has come, honour what is due by then and close the days that end. Yields now and
        then, so that long work can be parted: True when the state is whole, so that `take` is allowed and the rest can
        be left for the next step; False in the middle. It is whole at the end, too."""
        if not self._settled:
            for _ in self._engine.catch_up():
                yield False
            self._settled = True
        self._answer()
        while True:
            if self.merge.clock is not None:  # some may be left over, by an owner who ended amid them
                yield from self._honour_until(self.merge.clock)
            yield from self._apply_due(idle=idle)
            if not self._day_ends():
                self._tell_quarter()
                return
            yield from self._agree()
            if self.waits_for is not None:
                return
            yield from self._close_day()

    def _apply_due(self, *, idle: bool) -> Iterator[bool]:
        """Everything whose turn comes before the next day closes."""
        work = 0
        merge, engine = self.merge, self._engine
        if engine.closes_at < 0:
            self._begin()
        merge.barrier = engine.closes_at if engine.closes_at >= 0 else None
        for events, clock in merge.due(idle=idle):
            by_account: dict[str, list[Event]] = {}
            for event in events:
                account_id = event[2]  # by index: this is done for every event
                if account_id in by_account:
                    by_account[account_id].append(event)
                else:
                    by_account[account_id] = [event]
            for account_id, own in by_account.items():
                self._apply(account_id, own)
                work += len(own)
                if work >= BREATH:
                    work = 0
                    yield False
            if clock is not None:
                yield from self._honour_until(clock)
            self.clock = clock
            yield True

    def _tell_quarter(self) -> None:
        """On the wall clock: what came in in the last quarter of an hour, where that says anything."""
        merge, learnt = self.merge, self._engine.learnt
        if merge.clock is None or not merge.up_to_date:
            return
        slot = (merge.clock - _SETTLED_MS) // SLOT_MS - 1
        if slot > self._told_slot:
            self._told_slot = slot
            if learnt.listens(slot):
                counts = self._engine.habits.flow.open.get(slot, {})
                self._log.post(quarter(self._partition, slot, counts))

    def _begin(self) -> None:
        """With the first event; or with what others have to say of a day that is over here."""
        engine, learnt = self._engine, self._engine.learnt
        if (first := self.merge.earliest) is not None:
            engine.begin(first)
            self._log.post(offer(self._partition, engine.habits.closed + 1, None))
            return
        self._read_ahead(learnt.decided)
        day, clock = learnt.waits_for, self.merge.clock
        if day is not None and clock is not None and engine.closed_before(day, clock):
            engine.habits.closed = day - 1

    def _answer(self) -> None:
        """Whoever has begun anew, after a reset that was left half done, say, waits for those who are ahead."""
        learnt, closed = self._engine.learnt, self._engine.habits.closed
        if closed >= 0:
            self._read_ahead(closed)
            if learnt.asked_again:
                learnt.asked_again = False
                self._log.post(offer(self._partition, closed + 1, None))

    def _agree(self) -> Iterator[bool]:
        """Come to know the fleet's day, as far as it is decided."""
        day = self._engine.habits.closed + 1
        if not self._read_log(day) and self._offered < day:
            self._offered = day
            sums = DaySums()
            for _ in self._engine.sum_up(sums):
                yield False
            self._log.post(offer(self._partition, day, sums))
        self.waits_for = None if self._read_log(day) else day

    def _read_ahead(self, closed: int) -> None:
        """Read on, but not to where the day is decided that is open here: what comes before its end is judged by what
        was known then. Who does that again, after a crash, finds there how it was decided; and so does who is slow, and
        was not waited for."""
        learnt = self._engine.learnt
        if learnt.decided <= closed:
            for offset, record in self._log.since(learnt.position):
                if offset == self._stops_at or learnt.decides(record):
                    self._stops_at = offset
                    break
                learnt.take(offset, record)
        self._tell_of_fleet()

    def _read_log(self, day: int) -> bool:
        """Read on, but not beyond the decision of the day, so that it is judged by what was known then. Gives whether
        it is decided."""
        learnt = self._engine.learnt
        if learnt.decided < day:
            for offset, record in self._log.since(learnt.position):
                learnt.take(offset, record)
                if learnt.decided >= day:
                    break
        self._tell_of_fleet()
        return learnt.decided >= day

    def _day_ends(self) -> bool:
        at = self._engine.closes_at
        return at >= 0 and self.merge.clock is not None and self.merge.clock >= at

    def _close_day(self) -> Iterator[bool]:
        engine = self._engine
        habits, day = engine.habits, engine.habits.closed + 1
        for row in habits.open.get(day, ()):
            self._unpictured[habits.ids[row]] = None
        for changed in engine.close_day(self._account):
            if changed is None:
                yield False
            else:
                account, transitions = changed
                self._transitions.extend(transitions)
                self._changed(account)
        for account_id in habits.left_behind():
            self._changed(self._account(account_id))
        yield True

    @property
    def unpictured(self) -> int:
        """Accounts whose pictures were left for later."""
        return len(self._unpictured)

    def take(self, *, pictures: int) -> Output:
        """What has come of the steps since the last call, with at most so many `pictures`. The others, and all before
        there is a clock, are left for later calls."""
        changed = self._dirty
        rows = self._rows(changed)
        self._unpictured.update(dict.fromkeys(changed))
        now = self.merge.clock
        shown = list(islice(self._unpictured, pictures if now is not None else 0))
        made = ((each, encode(self._engine.picture(self._account(each), now))) for each in shown if now is not None)
        for account_id in shown:
            del self._unpictured[account_id]
        habits = self._engine.habits
        progress = replace(
            self.merge.progress(),
            closed=habits.closed,
            behind=bool(self._unpictured),
            counted=[habits.sources.pack_names(), pack(habits.flow.open), habits.sequels.pack()],
        )
        learnt = self._engine.learnt
        fleet = learnt.encode() if self._fleet_moved else None
        self._fleet_taken = (learnt.position, learnt.stall.alert)
        output = Output(progress, rows, self._transitions, made, self._refused, self._admission.take(), fleet)
        self._dirty, self._transitions, self._refused = {}, [], []
        self._taken = (progress.clock, progress.closed)
        self._forget(besides=changed)
        return output

    def account(self, account_id: str) -> Account:
        """The account as it stands; a new one if there is none."""
        return self._account(account_id)

    def _forget(self, *, besides: dict[str, Account]) -> None:
        """Keep no more accounts decoded than are to be; but those of which what is stored is still the state before."""
        surplus = len(self._decoded) - self._most_decoded
        if surplus > 0:
            for account_id in list(islice((each for each in self._decoded if each not in besides), surplus)):
                del self._decoded[account_id]

    def _rows(self, changed: dict[str, Account]) -> Iterator[tuple[str, bytes]]:
        for account_id, account in changed.items():
            value = account.encode()
            self.census.change(self._stored(account_id), value)
            yield account_id, value

    def _account(self, account_id: str) -> Account:
        account = self._decoded.get(account_id)
        if account is None:
            account = self._dirty.get(account_id)
            if account is None:
                value = self._stored(account_id)
                account = self._engine.account(account_id, value)
            self._decoded[account_id] = account
        return account

    def _apply(self, account_id: str, events: list[Event]) -> None:
        if account_id == FLEET_ID and not (events := [each for each in events if not self._is_done_to_fleet(each)]):
            return
        if is_claim(events[0]) and not self._is_there(account_id):  # an alias that never was an account becomes none
            events = list(dropwhile(is_claim, events))
            if not events:
                return
        account = self._account(account_id)
        for result in self._engine.apply(account, events):
            if isinstance(result, Transition):
                self._transitions.append(result)
            else:
                self._refused.append(result)
        self._changed(account)

    def _is_there(self, account_id: str) -> bool:
        return account_id in self._dirty or self._stored(account_id) is not None

    def _is_done_to_fleet(self, event: Event) -> bool:
        """Carry out a command on the fleet's alert; False for any other event, which is that of an account."""
        engine, stall = self._engine, self._engine.learnt.stall
        if isinstance(event, Usage) or not is_for_fleet(event, stall, known=FLEET_ID in engine.habits.rows):
            return False
        refusal = carry_out(stall, event)
        engine.tally.commands += 1
        if refusal is not None:
            engine.tally.refused += 1
            self._refused.append(RefusedCommand(event, refusal))
        self._tell_of_fleet()
        return True

    def _tell_of_fleet(self) -> None:
        of_fleet = self._engine.of_fleet()
        if self._speaks:
            self._transitions += of_fleet

    def _honour_until(self, clock: int) -> Iterator[bool]:
        """Honour what is due by a time; if a day closes then, what is due before. The state is whole all along: many
        may be due together, and they need not all be held at once."""
        if clock == self._engine.closes_at:
            clock -= 1
        self._engine.learnt.stall.wake(clock)
        self._tell_of_fleet()
        for number, account_id in enumerate(self._due.until(clock), 1):
            self._honour(account_id, clock)
            if number % BREATH == 0:
                yield True

    def _honour(self, account_id: str, clock: int) -> None:
        account = self._account(account_id)
        self._transitions.extend(self._engine.honour(account, clock))
        self._changed(account)

    def _changed(self, account: Account) -> None:
        self._dirty[account.id] = account
        self._due.put(account.id, account.due)
