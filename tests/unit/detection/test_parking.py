"""Which records wait for their account, for how long, and where they go on."""

from __future__ import annotations

from random import Random
from time import process_time

from hypothesis import given
from hypothesis import strategies as st

from schemas.alias_log import AliasRecord, Statement
from streams.detection import parking
from streams.detection.aliases import Aliases
from streams.detection.parking import Parked, Parking

KEEP = 100


def aliases(*statements: Statement, clock: int = 1_000, live: bool = False) -> Aliases:
    """What the one accounts partition has said, up to a time."""
    known = Aliases(frozenset({"accounts/0"}), live=live, have_to_be=("cus_*",))
    known.take(AliasRecord("accounts/0", 99, clock, live, statements))
    return known


def names(place: int, account: str, *ids: str, offset: int = 0) -> Statement:
    return Statement(offset, place, account, place, ids)


def parked(offset: int, place: int, name: str = "cus_1", size: int = 1) -> Parked:
    return Parked(offset, place, name, size, offset)


def parking_of(known: Aliases, most: int = 1_000, *records: Parked) -> Parking:
    waiting = Parking(known, "billing/0", keep=KEEP, most=most)
    for each in records:
        waiting.keep(each)
    return waiting


def test_a_record_waits_until_the_clock_has_passed_the_update_that_names_its_id() -> None:
    waiting = parking_of(aliases(names(50, "a", "cus_1"), names(70, "b", "cus_1", offset=1)), 9, parked(0, 10))
    assert not waiting.over(49)
    over = waiting.over(60)
    assert [(place, account, each.offset) for place, account, each in over.named] == [(50, "a", 0)]
    assert len(waiting) == 0
    assert not waiting.over(90)  # it is told once


def test_an_update_of_its_own_makes_an_account_of_an_id() -> None:
    known = aliases(names(50, "cus_1"))
    assert known.account_of("cus_1", 49, "billing/0", 0) is None
    assert known.account_of("cus_1", 51, "billing/0", 0) == "cus_1"
    assert [each[:2] for each in parking_of(known, 9, parked(0, 10)).over(60).named] == [(50, "cus_1")]


def test_an_id_that_was_taken_back_waits_again() -> None:
    known = aliases(names(10, "a", "cus_1"), names(20, "a", offset=1), names(30, "b", "cus_1", offset=2))
    assert [known.account_of("cus_1", place, "billing/0", 0) for place in (5, 15, 25, 35)] == [None, "a", None, "b"]
    waiting = parking_of(known, 9, parked(0, 5), parked(1, 25))
    assert [(place, account) for place, account, _ in waiting.over(40).named] == [(10, "a"), (30, "b")]


def test_who_is_named_too_late_has_waited_in_vain() -> None:
    known = aliases(names(111, "a", "cus_1"), names(115, "b", "cus_2", offset=1))
    waiting = parking_of(known, 9, parked(0, 10), parked(1, 11), parked(2, 12, "cus_2"), parked(3, 15, "cus_3"))
    assert waiting.over(110) == parking.Over([], [])
    over = waiting.over(115)
    assert [(place, account, each.offset) for place, account, each in over.named] == [(111, "a", 1)]
    assert [each.offset for each in over.late] == [0, 2]
    assert [each.offset for each in waiting.over(116).late] == [3]


def test_on_the_wall_clock_whatever_is_named_goes_on_at_once() -> None:
    waiting = parking_of(aliases(names(5, "a", "cus_1"), live=True), 9, parked(0, 10))
    assert [each[:2] for each in waiting.over(10).named] == [(10, "a")]  # not before its own place


def test_an_id_that_need_not_be_an_alias_any_more_goes_on_as_itself() -> None:
    waiting = parking_of(aliases(), 9, parked(0, 10, "other"))
    assert [each[:2] for each in waiting.over(0).named] == [(10, "other")]


def test_no_id_takes_all_the_room() -> None:
    waiting = parking_of(aliases(), 20)
    assert [waiting.take(parked(number, 10), 10) for number in range(3)] == [True, True, False]
    assert waiting.take(parked(3, 10, "cus_2"), 10)


def test_room_is_counted_in_bytes_too() -> None:
    waiting = parking_of(aliases(), 1_000)
    assert waiting.take(parked(0, 10, size=parking.BYTES - 1), 10)
    assert not waiting.take(parked(1, 10, size=2), 10)
    assert waiting.take(parked(2, 10, size=1), 10)
    assert waiting.take(parked(3, 111, size=2), 111)  # by then the others have waited in vain
    assert [each.offset for each in waiting.over(111).late] == [0, 2]


@given(st.integers(0, 2**32), st.integers(1, 30))
def test_room_follows_from_places_and_not_from_how_often_it_is_looked(seed: int, most: int) -> None:
    random = Random(seed)
    stated = sorted(random.sample(range(200), 12))
    known = aliases(
        *(
            names(place, f"a{number}", f"cus_{random.randrange(9)}", offset=number)
            for number, place in enumerate(stated)
        )
    )
    places = sorted(random.choices(range(200), k=40))
    records = [parked(number, place, f"cus_{random.randrange(9)}") for number, place in enumerate(places)]
    outcomes = []
    for often in (0.0, 0.5):
        waiting, room, over = parking_of(known, most), [], parking.Over()
        for each in records:
            if known.account_of(each.name, each.place, "billing/0", each.offset) is None:
                room.append(waiting.take(each, each.place))
            if random.random() < often:
                more = waiting.over(random.randrange(each.place + 1))
                over.named += more.named
                over.late += more.late
        last = waiting.over(1_000)
        outcomes.append((room, [*over.named, *last.named], sorted([*over.late, *last.late])))
    assert outcomes[0] == outcomes[1]


@given(st.integers(0, 2**32), st.integers(1, 30), st.booleans())
def test_it_is_the_same_whether_a_statement_was_known_before_a_record_came_or_after(
    seed: int, most: int, live: bool
) -> None:
    random = Random(seed)
    stated = [
        names(place, f"a{number}", f"cus_{random.randrange(5)}", offset=number)
        for number, place in enumerate(sorted(random.sample(range(300), 20)))
    ]
    known = aliases(*stated)
    grows = Aliases(frozenset({"accounts/0"}), live=live, have_to_be=("cus_*",))
    waiting, others = parking_of(known, most), parking_of(grows, most)
    over, of_others = [], []
    for offset, place in enumerate(sorted(random.choices(range(200), k=40))):
        ahead = place + random.randrange(1, 50)
        said = tuple(each for each in stated if each.place < ahead)
        grows.take(AliasRecord("accounts/0", len(said) - 1, ahead, False, said))
        each = parked(offset, place, f"cus_{random.randrange(5)}")
        if known.account_of(each.name, place, "billing/0", offset) is None:
            assert waiting.take(each, place) == others.take(each, place)
        over += waiting.over(place).named
        of_others += others.over(place).named
    grows.take(AliasRecord("accounts/0", len(stated) - 1, 1_000, live, tuple(stated)))
    last = others.over(1_000)
    if live:  # whatever is named by then goes on, however late it was
        assert all(grows.named_after(each.name, 0, "billing/0", 0) is None for each in last.late)
    else:
        last_of_all = waiting.over(1_000)
        assert sorted(over + last_of_all.named) == sorted(of_others + last.named)
        assert sorted(last_of_all.late) == sorted(last.late)
    assert len(others) == 0


def test_who_finds_no_room_is_not_compared_with_all_who_wait() -> None:
    """A history of ids that nobody names would be read at a few records a second."""
    waiting = parking_of(aliases(), 5_000, *(parked(number, 10, f"cus_{number}") for number in range(5_000)))
    began = process_time()
    assert not any(waiting.take(parked(number, 20, f"cus_{number}"), 20) for number in range(5_000, 5_500))
    assert process_time() - began < 1.0, "of which it takes a thousandth"
