"""Which account an id stands for, at each place of the merged order.

An account is whatever has ever had an update of its own on the accounts topic, from that update's place on; such an id
is no alias, whoever says so. Any other id is an alias of the account that claimed it last and has not taken it back. So
no alias leads to another one, and none leads back. An id of a kind that has to be an alias stands for nothing as long
as it is neither: its events wait.

What was stated with places before `horizon` is all known, and what an id stands for there never changes. Statements are
taken in the order of one log; everybody who reads that has the same answers, whenever and however often it is asked. On
the wall clock places decide nothing: an id stands for what it stands for now, and for nothing that could be told while
the accounts are still read.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

from schemas.alias_log import AliasRecord, Statement
from schemas.shuffle import hash64, place_of
from streams.detection.names import Names

FOREVER: Final = 1 << 62
"""Later than any place."""
Place = tuple[int, str, int]
"""In the merged order: time, input partition, offset."""


@dataclass(slots=True)
class _Origin:
    """How far an accounts partition has come."""

    name: str
    clock: int | None = None
    caught_up: bool = False


@dataclass(slots=True)
class _List:
    """The aliases of an account, as it changed them last."""

    updated_at: int
    aliases: tuple[str, ...]


class Aliases:
    """`expected` are the partitions of the accounts topic: one that has said nothing holds the horizon. With `live`,
    what is stated counts as it comes, once all of them have been read to their ends, and none of them is `unread`: that
    it was at its end may have been said long ago. `have_to_be` are names, with * for any text, of ids that have to be
    aliases."""

    def __init__(
        self, expected: frozenset[str] = frozenset(), *, live: bool = False, have_to_be: tuple[str, ...] = ()
    ) -> None:
        self._expected = expected
        self._unread: frozenset[str] = frozenset()
        self.histories: dict[str, list[tuple[Place, str | None]]] = {}
        """Of each id that ever was an alias, or has to be one, the places from which on it stood for an account, which
        may be itself; None: for none but itself."""
        self.changes = 0
        """How often any of them has changed."""
        self._live = live
        self._have_to_be = Names(have_to_be) if have_to_be else None
        self._passed = -1
        self._there: dict[str, _Origin] = {}
        self._floors: dict[str, int] = {}
        self._waiting: list[tuple[Place, int, Statement]] = []
        self._number = 0  # of the statement, in the log
        self._wait: Counter[str] = Counter()  # how many of an account
        self._accounts: set[int] = set()  # hashes of their ids
        self._lists: dict[str, _List] = {}
        self._claims: dict[str, list[str]] = {}

    @property
    def expected(self) -> frozenset[str]:
        """The partitions that are waited for."""
        return self._expected

    @expected.setter
    def expected(self, partitions: frozenset[str]) -> None:
        self._expected = partitions
        self._go_on()

    @property
    def unread(self) -> frozenset[str]:
        """Those of which there is more than was read, as far as whoever goes by all this knows."""
        return self._unread

    @unread.setter
    def unread(self, partitions: frozenset[str]) -> None:
        self._unread = partitions
        self._go_on()

    @property
    def horizon(self) -> int:
        """Every statement with a place before it is known; `FOREVER` where nothing is waited for. Live, there is no
        place in between: what an event from before an update stands for is told by that update."""
        if self._open:
            return FOREVER
        return -1 if self._live else self._passed

    @property
    def live(self) -> bool:
        """What an id stands for is what it stands for now."""
        return self._live and self._open

    @property
    def count(self) -> int:
        """Ids that are aliases now."""
        return len(self._claims)

    def account_of(self, name: str, place: int, partition: str, offset: int) -> str | None:
        """What an id stands for at a place before the horizon: an account, or itself; None: it has to be an alias, and
        is none there. Live, it is what it stands for now: an event that comes late is its account's of today."""
        history = self.histories.get(name)
        if history is not None:
            at = (FOREVER, "", 0) if self.live else (place, partition, offset)
            for since, account in reversed(history):
                if since < at:
                    if account is not None:
                        return account
                    break
        return None if self.has_to_be_alias(name) else name

    def has_to_be_alias(self, name: str) -> bool:
        """Whether an id is of a kind that is no account by itself."""
        return self._have_to_be is not None and self._have_to_be.match(name)

    def named_after(self, name: str, place: int, partition: str, offset: int) -> tuple[int, str] | None:
        """The next place, in ms, at which an id that stood for nothing at a place stands for an account, and that
        account. Live, what it stands for now. None: it is not known yet."""
        history = self.histories.get(name, ())
        if self.live:
            history = history[-1:]
        at = (-1, "", 0) if self.live else (place, partition, offset)
        return next(((since[0], account) for since, account in history if account is not None and since > at), None)

    def take(self, record: AliasRecord) -> None:
        """The next record of the log."""
        origin, partition = record.origin, place_of(record.origin)
        floor = self._floors.get(origin, -1)
        for each in record.statements:
            if each.offset > floor:  # else it is a repetition
                place = (max(each.place, self._passed), partition, each.offset)
                heappush(self._waiting, (place, self._number, each))
                self._number += 1
                self._wait[each.account] += 1
        self._floors[origin] = max(floor, record.last)
        there = self._there.get(partition)
        if there is None or there.name != origin:  # its topic was created anew: the one before holds nobody
            there = self._there[partition] = _Origin(origin)
        there.caught_up = record.caught_up
        if record.clock is not None and (there.clock is None or record.clock > there.clock):
            there.clock = record.clock
        self._go_on()

    def read_to(self, origin: str) -> int:
        """The highest offset of an origin that the log has told of; -1 before the first."""
        return self._floors.get(origin, -1)

    def is_known(self, account: str, aliases: tuple[str, ...] | None) -> bool:
        """Whether a statement says nothing new. It is asked by the partition that said what is known of the account,
        and has said nothing since."""
        if account in self._wait or hash64(account) not in self._accounts:
            return False
        known = self._lists.get(account)
        return aliases is None or aliases == (known.aliases if known is not None else ())

    @property
    def _open(self) -> bool:
        if not self._live:
            return not self._expected
        there = self._there
        return all(name in there and there[name].caught_up and name not in self._unread for name in self._expected)

    def _go_on(self) -> None:
        clocks = [self._there[name].clock for name in self._expected if name in self._there]
        known = [clock for clock in clocks if clock is not None]
        if known and len(known) == len(self._expected):
            self._passed = max(self._passed, min(known))
        until = FOREVER if self._open else self._passed
        while self._waiting and self._waiting[0][0][0] < until:
            place, _, statement = heappop(self._waiting)
            self._wait[statement.account] -= 1
            if not self._wait[statement.account]:
                del self._wait[statement.account]
            self._state(place, statement)

    def _state(self, place: Place, statement: Statement) -> None:
        account = statement.account
        if account in self._claims:  # it is one itself by now
            del self._claims[account]
            self._stands_for(account, place, account)
        elif self.has_to_be_alias(account) and hash64(account) not in self._accounts:
            self._stands_for(account, place, account)
        self._accounts.add(hash64(account))
        if statement.aliases is None:
            return
        known = self._lists.get(account)
        before = known.aliases if known is not None else ()
        # A list that is the same again is no news, and no newer than it was.
        if before == statement.aliases or (known is not None and statement.updated_at < known.updated_at):
            return
        self._lists[account] = _List(statement.updated_at, statement.aliases)
        for alias in before:
            if alias not in statement.aliases:
                self._change(place, alias, lambda claims: claims.remove(account))
        for alias in statement.aliases:
            if alias not in before:
                self._change(place, alias, lambda claims: claims.append(account))

    def _change(self, place: Place, alias: str, change: Callable[[list[str]], None]) -> None:
        """Change who claims an alias. The last one has it."""
        if hash64(alias) in self._accounts:
            return
        claims = self._claims.setdefault(alias, [])
        before = claims[-1] if claims else None
        change(claims)
        now = claims[-1] if claims else None
        if now != before:
            self._stands_for(alias, place, now)
        if not claims:
            del self._claims[alias]

    def _stands_for(self, name: str, place: Place, account: str | None) -> None:
        self.histories.setdefault(name, []).append((place, account))
        self.changes += 1
