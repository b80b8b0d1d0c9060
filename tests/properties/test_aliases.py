"""What an id stands for follows from what was stated and where, however it came to be known."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from schemas.alias_log import AliasRecord, Statement, decode_alias_record, encode_alias_record
from streams.detection.aliases import FOREVER, Aliases

IDS = ("a", "b", "c", "x", "y", "z")
PARTITIONS = ("accounts/0", "accounts/1", "accounts/2")
ENDS = 60


@dataclass(frozen=True, slots=True)
class World:
    """The statements of each partition."""

    stated: dict[str, list[Statement]]
    drawn: Random


@st.composite
def worlds(draw: st.DrawFn) -> World:
    random = Random(draw(st.integers(0, 2**32)))
    stated: dict[str, list[Statement]] = {name: [] for name in PARTITIONS[: draw(st.integers(1, 3))]}
    for _ in range(draw(st.integers(0, 14))):
        name = random.choice(list(stated))
        offset = len(stated[name]) * 2
        said = None if random.random() < 0.2 else tuple(sorted(random.sample(IDS, random.randrange(4))))
        account = random.choice(IDS[:4])
        aliases = None if said is None else tuple(each for each in said if each != account)
        place = random.randrange(ENDS)
        stated[name].append(Statement(offset, place, account, place - random.randrange(3), aliases))
    return World(stated, random)


def records_of(world: World, name: str) -> list[AliasRecord]:
    """A partition's statements, in records as they may be cut; some of them come again, as after a reset."""
    random, rest, records = world.drawn, list(world.stated[name]), []
    while rest:
        count = random.randrange(len(rest) + 1)
        some, rest = rest[:count], rest[count:]
        clock = min((each.place for each in rest), default=ENDS) - random.randrange(2)
        last = some[-1].offset + random.randrange(2) if some else -1
        records.append(AliasRecord(name, last, clock, False, tuple(some)))
        if random.random() < 0.3:
            records.append(AliasRecord(name, last, None, False, tuple(some)))
    return [*records, AliasRecord(name, 1_000, ENDS, True, ())]


def dealt(world: World) -> list[AliasRecord]:
    """The records of all partitions in one order."""
    waiting = [records_of(world, name) for name in world.stated]
    log = []
    while waiting := [each for each in waiting if each]:
        log.append(world.drawn.choice(waiting).pop(0))
    return log


def plainly(world: World, name: str, place: tuple[int, str, int]) -> str:
    """What an id stands for at a place: everything that was stated before, gone through from the beginning."""
    before = [((each.place, of, each.offset), each) for of, stated in world.stated.items() for each in stated]
    accounts: set[str] = set()
    lists: dict[str, tuple[int, tuple[str, ...]]] = {}
    claims: list[tuple[str, str]] = []  # account and alias, the last one is the newest
    for at, each in sorted(before, key=lambda pair: pair[0]):
        if at >= place:
            break
        accounts.add(each.account)
        known_at, known = lists.get(each.account, (-9, ()))
        if each.aliases is not None and each.aliases != known and each.updated_at >= known_at:
            lists[each.account] = (each.updated_at, each.aliases)
            claims = [claim for claim in claims if claim[0] != each.account or claim[1] in each.aliases]
            claims += [(each.account, alias) for alias in each.aliases if alias not in known and alias not in accounts]
        claims = [claim for claim in claims if claim[1] not in accounts]
    return next((account for account, alias in reversed(claims) if alias == name), name)


@given(worlds())
def test_it_follows_from_places_alone_and_never_changes_once_it_is_told(world: World) -> None:
    known = Aliases(frozenset(world.stated))
    queries = [(place, of, world.drawn.randrange(30)) for place in range(ENDS) for of in (*PARTITIONS, "usage/0")]
    told = 0
    for record in dealt(world):
        known.take(decode_alias_record(encode_alias_record(record)))
        for at in queries:
            if at[0] < known.horizon:
                for name in IDS:
                    assert known.account_of(name, *at) == plainly(world, name, at), (name, at)
                    told += 1
    assert known.horizon == ENDS
    assert told


@given(worlds())
def test_an_account_stands_for_itself_and_an_alias_for_an_account(world: World) -> None:
    known = Aliases(frozenset(world.stated))
    for record in dealt(world):
        known.take(record)
    accounts = {each.account for stated in world.stated.values() for each in stated}
    for name in IDS:
        account = known.account_of(name, ENDS, "usage/0", 0)
        assert account is not None
        assert known.account_of(account, ENDS, "usage/0", 0) == account
        assert account == name if name in accounts else account in {*accounts, name}


@given(worlds())
def test_live_it_counts_as_it_comes_once_every_partition_was_read_to_its_end(world: World) -> None:
    known = Aliases(frozenset(world.stated), live=True)
    ended: set[str] = set()
    for record in dealt(world):
        known.take(record)
        ended |= {record.origin} if record.caught_up else set()
        assert known.horizon == (FOREVER if ended == set(world.stated) else -1)
    for name in IDS:
        assert known.account_of(name, 0, "usage/0", 0) == known.account_of(name, ENDS, "usage/0", 0)


def test_live_nothing_is_told_of_the_past_while_accounts_are_read_again() -> None:
    """After a reset they are, and events from before an alias was named stand for its account all the same."""
    known = Aliases(frozenset({"accounts/0"}), live=True)
    known.take(AliasRecord("accounts/0", 0, 50, True, (Statement(0, 50, "a", 50, ("x",)),)))
    assert (known.horizon, known.account_of("x", 10, "usage/0", 0)) == (FOREVER, "a")
    known.take(AliasRecord("accounts/0", -1, None, False, ()))
    assert known.horizon == -1
    known.take(AliasRecord("accounts/0", 0, None, True, ()))
    assert (known.horizon, known.account_of("x", 10, "usage/0", 0)) == (FOREVER, "a")


def test_who_expects_no_partition_waits_for_none_and_who_expects_one_waits() -> None:
    assert Aliases().horizon == FOREVER
    known = Aliases(frozenset({"accounts/0", "accounts/1"}))
    assert known.horizon < 0
    known.take(AliasRecord("accounts/0", 5, 40, True, ()))
    assert known.horizon < 0
    known.take(AliasRecord("accounts/1", 5, 30, False, ()))
    assert known.horizon == 30


def test_a_statement_that_comes_when_its_place_is_past_holds_from_there_on() -> None:
    known = Aliases(frozenset({"accounts/0"}))
    known.take(AliasRecord("accounts/0", 0, 50, False, ()))
    late = Statement(0, 10, "a", 10, ("x",))
    known.take(AliasRecord("accounts/0@another topic", 0, 60, False, (late,)))
    assert known.account_of("x", 20, "usage/0", 0) == "x"
    assert known.account_of("x", 51, "usage/0", 0) == "a"


def test_a_list_that_is_the_same_again_is_no_newer_than_it_was() -> None:
    known = Aliases(frozenset({"accounts/0"}))
    stated = (Statement(0, 10, "a", 10, ("x",)), Statement(1, 30, "a", 30, ("x",)), Statement(2, 31, "a", 20, ()))
    known.take(AliasRecord("accounts/0", 2, 60, False, stated))
    assert known.account_of("x", 31, "accounts/0", 2) == "a"
    assert known.account_of("x", 31, "usage/0", 0) == "x"
