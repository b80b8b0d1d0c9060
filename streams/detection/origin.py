"""One input partition as it is read: its clock, and each event's place in the merged order.

An origin's clock says that no later record of it will take a place before that time. It follows the newest time read,
less the allowed out-of-orderness, and the markers that a replaying producer writes; it is moved record by record, so
that an event's place depends on the records alone and not on how they were batched.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from schemas.accounts import AccountUpdate
from schemas.errors import Reason, Rejected
from schemas.events import InputEvent, InputTopic, identity, moment
from schemas.instants import format_instant, parse_instant
from schemas.plain_usage import UsageFields, fields_of
from schemas.pseudonyms import pseudonymous
from schemas.shuffle import Fact, ShuffleRecord, Usage, hash64, known_hash64, make_renaming, make_usage, place_of
from schemas.usage import UsageEvent
from streams.detection.aliases import FOREVER, Aliases
from streams.detection.config import DAY_MS
from streams.detection.statements import Statements
from streams.detection.usage_rule import Exclusion, UsageRule

_HOMES: Final = 1 << 17
"""Accounts whose home is remembered."""
MARKER_HEADER: Final = "slackwater-clock"
"""Header of a marker: its RFC 3339 time says that every event before it has been written."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """It cannot be told yet whose an event is: `name` has to be an alias, and is none at its `place`."""

    name: str
    place: int


class Origin:
    """Takes the records of one input partition in offset order and deals them out by home partition.

    `home_of` gives an account's home partition, one of `homes`; `user_key` keys the hash of user ids, and
    `previous_user_key` did before: then homes are told what a user was known as, once a day, account and user;
    `future_tolerance` bounds an event's time against its own record's timestamp, in ms. Usage that does not count by
    the `rule` goes nowhere, but moves the clock. With `aliases` ids stand for accounts: whoever takes an event sees to
    it that its `place_at` lies before their horizon; and an account update is told to every id that it names as an
    alias, as an update of that account with its only alias. An event of an id that stands for no account yet moves the
    clock and goes nowhere; commands do not wait.
    """

    def __init__(  # noqa: PLR0913 - what places events, and what passes over them
        self,
        topic: InputTopic,
        name: str,
        *,
        homes: int,
        home_of: Callable[[str], int],
        out_of_order: int,
        future_tolerance: int,
        user_key: bytes = b"",
        previous_user_key: bytes | None = None,
        clock: int | None = None,
        rule: UsageRule | None = None,
        aliases: Aliases | None = None,
    ) -> None:
        self.topic = topic
        self.name = name
        self.clock = clock
        self.statements = Statements(aliases, name) if aliases is not None and topic is InputTopic.ACCOUNTS else None
        """What it has to say of aliases, of the accounts topic."""
        self._aliases = aliases if aliases is not None else Aliases()
        self._histories = self._aliases.histories
        self._partition = place_of(name)
        self.excluded: Counter[Exclusion] = Counter()
        """Usage events that do not count; for who tells of them."""
        self.aliased = 0
        """Events whose id stood for another account; for who tells of them."""
        self._rule = rule or None
        self._home_of = home_of
        self._out_of_order = out_of_order
        self._future_tolerance = future_tolerance
        self._user_key = user_key
        self._previous_user_key = previous_user_key
        self._renamed: dict[tuple[str, int], int] = {}
        self._dealt: list[list[Usage | Fact]] = [[] for _ in range(homes)]
        self._homes: dict[str, int] = {}

    def beside(self, name: str) -> "Origin":
        """One that deals out to the same homes by the same rules, of events whose account is known."""
        return Origin(
            self.topic,
            name,
            homes=len(self._dealt),
            home_of=self._home_of,
            out_of_order=self._out_of_order,
            future_tolerance=self._future_tolerance,
            user_key=self._user_key,
            previous_user_key=self._previous_user_key,
        )

    def mark(self, text: bytes, timestamp: int | None) -> Rejected | None:
        """Take a marker's header. One of the future is refused, like an event, and moves no clock."""
        try:
            at = parse_instant(text.decode())
        except ValueError as error:
            return Rejected(Reason.INVALID_FIELD, MARKER_HEADER, str(error) or "is no time")
        if refusal := self._from_the_future(at, timestamp, MARKER_HEADER):
            return refusal
        if self.clock is None or at > self.clock:
            self.clock = at
        return None

    def take(self, offset: int, event: InputEvent, timestamp: int | None) -> Rejected | Unknown | None:
        """Put an event in its place, or say why not. `timestamp` is the record's own, in ms."""
        if isinstance(event, UsageEvent):
            return self.take_usage(offset, fields_of(event), timestamp)
        at = moment(event)
        place = self._place(at, timestamp)
        if place is None:
            return self._from_the_future(at, timestamp, _TIME_FIELDS[self.topic])
        account, name = event.account_id, identity(event)
        event_id = None if name is None else hash64(name)
        if isinstance(event, AccountUpdate):
            self._claim(offset, place, event)
        else:
            known = self._account_of(account, place, offset)
            if known is None and self.topic is not InputTopic.COMMANDS:
                return Unknown(account, place)
            account = known or account
        body = pseudonymous(event, self._user_key, self._previous_user_key)
        fact = Fact(offset, place, account, at, body, event_id, self.name)
        self._dealt[self._find_home(account)].append(fact)
        return None

    def _claim(self, offset: int, place: int, update: AccountUpdate) -> None:
        """Tell the ids that an update names as aliases; each may have been an account until now."""
        if self.statements is None:
            return
        account, at = update.account_id, update.updated_at
        for alias in self.statements.add(offset, place, update):
            claim = AccountUpdate(account_id=account, updated_at=at, aliases=(alias,))
            self._dealt[self._find_home(alias)].append(Fact(offset, place, alias, at, claim, None, self.name))

    def take_usage(self, offset: int, fields: UsageFields, timestamp: int | None) -> Rejected | Unknown | None:
        """`take` of a usage event."""
        account, at, event, user, quantity, source, event_id = fields
        place = self._place(at, timestamp)
        if place is None:
            return self._from_the_future(at, timestamp, _TIME_FIELDS[self.topic])
        if self._rule is not None and (by := self._rule.excludes(event, user)) is not None:
            self.excluded[by] += 1
            return None
        key = self._user_key
        user_hash = None if user is None else known_hash64(user, key) if key else hash64(user)
        id_hash = None if event_id is None else hash64(event_id)
        home = None if self._histories and account in self._histories else self._homes.get(account)
        if home is None:
            known = self._account_of(account, place, offset)
            if known is None:
                return Unknown(account, place)
            account, home = known, self._find_home(known)
        usage = make_usage((offset, place, account, at, event, user_hash, quantity, source, id_hash))
        if user is not None and self._previous_user_key is not None:
            self._rename(home, usage, user)
        self._dealt[home].append(usage)
        return None

    def _rename(self, home: int, usage: Usage, user: str) -> None:
        """Tell what a user was known as. Again each day: another worker may still have the old key only."""
        assert self._previous_user_key is not None
        assert usage.user is not None
        who, day = (usage.account, usage.user), usage.at // DAY_MS
        if self._renamed.get(who) == day:
            return
        if len(self._renamed) >= _HOMES:
            self._renamed.clear()
        self._renamed[who] = day
        self._dealt[home].append(make_renaming(usage, known_hash64(user, self._previous_user_key)))

    def _account_of(self, name: str, place: int, offset: int) -> str | None:
        account = self._aliases.account_of(name, place, self._partition, offset)
        self.aliased += account is not None and account != name
        return account

    def _find_home(self, account: str) -> int:
        home = self._homes.get(account)
        if home is None:
            if len(self._homes) >= _HOMES:
                self._homes.clear()
            home = self._homes[account] = self._home_of(account)
        return home

    def place_at(self, at: int, timestamp: int | None) -> int | None:
        """The place that an event of a time would have; None for one of the future, which is refused."""
        if timestamp is not None and at > timestamp + self._future_tolerance:
            return None
        return at if self.clock is None or at > self.clock else self.clock

    def _place(self, at: int, timestamp: int | None) -> int | None:
        """An event's place, which moves the clock; None for an event of the future."""
        if timestamp is not None and at > timestamp + self._future_tolerance:
            return None
        clock, passed = self.clock, at - self._out_of_order
        if clock is None or passed > clock:
            self.clock = passed
        return at if clock is None or at > clock else clock

    def deal(
        self, last: int, *, caught_up: bool, clock: int | None = None, until: int = FOREVER, most: int = 2_000
    ) -> list[list[ShuffleRecord]]:
        """For each home partition the records that hold what was taken since the last call, `most` events in each.

        `last` is the last offset read. A home without events gets one record too: it needs to know the clock.
        Of several only the last says `caught_up`: nobody is to take the first of a history for all of it. `clock`, if
        given, is announced in place of the origin's own: the wall clock, of an origin that is caught up. No later time
        than `until` is announced: something may still come with a place there.
        """
        dealt, self._dealt = self._dealt, [[] for _ in self._dealt]
        if clock is not None and (self.clock is None or clock > self.clock):
            self.clock = clock  # what comes later and says it was earlier has its place here
        announced = self.announced(until)
        return [
            [
                ShuffleRecord(
                    self.topic,
                    self.name,
                    last if end >= len(events) else events[end - 1].offset,
                    announced if end >= len(events) else None,
                    caught_up and end >= len(events),
                    tuple(events[begin:end]),
                )
                for begin, end in _parts(events, most)
            ]
            for events in dealt
        ]

    def announced(self, until: int) -> int | None:
        """The clock as it may be told, where something can still come with a place at `until`."""
        return None if self.clock is None or until < 0 else min(self.clock, until)

    def _from_the_future(self, at: int, timestamp: int | None, field: str) -> Rejected | None:
        if timestamp is None or at <= timestamp + self._future_tolerance:
            return None
        return Rejected(
            Reason.TIME_IN_FUTURE,
            field,
            f"is later than its record's own timestamp or the time it was read ({format_instant(timestamp)}) "
            f"by more than {self._future_tolerance // 1000} s",
        )


def _parts(events: list[Usage | Fact], most: int) -> Iterator[tuple[int, int]]:
    """Where to part them. What came of one record stays together: of two records with one offset the second is taken
    for a repetition."""
    begin = 0
    while True:
        end = begin + most
        while end < len(events) and events[end].offset == events[end - 1].offset:
            end += 1
        yield begin, end
        begin = end
        if begin >= len(events):
            return


_TIME_FIELDS: Final = {
    InputTopic.USAGE: "occurred_at",
    InputTopic.BILLING: "occurred_at",
    InputTopic.ACCOUNTS: "updated_at",
    InputTopic.FEEDBACK: "occurred_at",
    InputTopic.COMMANDS: "at",
}
