"""What a home partition holds back comes out in the order of places, each event once, whatever happens in between."""

from __future__ import annotations

from random import Random
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import StateError
from schemas.events import InputTopic
from schemas.shuffle import ShuffleRecord, Usage
from streams.detection import merge as merge_module
from streams.detection.merge import Merge, Progress
from tests.examples import examples

NAMES = ("a/0", "a/1", "b/0")
Applied = list[tuple[int, str, int]]


def record(
    origin: str, places: list[int], *, first: int = 0, clock: int | None = None, caught_up: bool = False
) -> ShuffleRecord:
    """A record with an event at each place (in minutes), of offsets from `first` on; their account tells the origin."""
    events = tuple(
        Usage(first + number, place * 60_000, origin, place * 60_000, "click", None, 1, "product", None)
        for number, place in enumerate(places)
    )
    at = None if clock is None else clock * 60_000
    return ShuffleRecord(InputTopic.USAGE, origin, first + len(places) - 1, at, caught_up, events)


seeds = st.integers(0, 2**32)


@st.composite
def shuffles(draw: st.DrawFn) -> list[ShuffleRecord]:
    """Records of three origins as their ingest tasks deal them: clocks go on, places never lie before them. The last
    of each moves its clock beyond everything."""
    random = Random(draw(st.integers(0, 2**32)))
    states = {name: [0, 0] for name in NAMES}  # next offset, clock
    records = []
    for _ in range(draw(st.integers(0, 40))):
        name = random.choice(NAMES)
        first, clock = states[name]
        places = [clock + random.randrange(200) for _ in range(random.randrange(4))]
        clock += random.choice([0, 0, random.randrange(150)])
        places = [max(place, states[name][1]) for place in places]
        records.append(record(name, places, first=first, clock=clock, caught_up=random.random() < 0.5))
        states[name] = [first + len(places), clock]
    for name, (first, _) in states.items():
        records.append(record(name, [], first=first, clock=100_000))
    return records


@st.composite
def shuffles_of_topics_created_anew(draw: st.DrawFn) -> list[ShuffleRecord]:
    """As `shuffles`, but a topic may be deleted and created again, with offsets from 0 and times from anywhere; and an
    ingest task may repeat what it wrote since then."""
    random = Random(draw(st.integers(0, 2**32)))
    states = {name: [0, 0, 0] for name in NAMES}  # which topic, next offset, clock
    records: list[ShuffleRecord] = []
    for _ in range(draw(st.integers(0, 40))):
        name = random.choice(NAMES)
        if random.random() < 0.2:
            states[name] = [states[name][0] + 1, 0, random.randrange(400)]
        number, first, clock = states[name]
        origin = f"{name}@{number}"
        if random.random() < 0.2:
            own = [each for each in records if each.origin == origin]
            records += own[random.randrange(len(own)) :] if own else []
        places = [clock + random.randrange(200) for _ in range(random.randrange(4))]
        clock += random.choice([0, 0, random.randrange(150)])
        records.append(record(origin, places, first=first, clock=clock))
        states[name] = [number, first + len(places), clock]
    for name, (number, first, _) in states.items():
        records.append(record(f"{name}@{number}", [], first=first, clock=100_000))
    return records


def everything(records: list[ShuffleRecord]) -> Applied:
    return sorted(
        (event.effective_at // 60_000, each.origin, event.offset) for each in records for event in each.events
    )


class Reader:
    """A home partition that only notes what is applied; what was noted after the last progress is lost in a crash."""

    def __init__(self, records: list[ShuffleRecord], *, most: int = 200_000, names: tuple[str, ...] = NAMES) -> None:
        self.records = records
        self.applied: Applied = []
        self.stored: Progress | None = None
        self.disordered = 0
        self._kept = 0
        self._most, self._names = most, frozenset(names)
        self.crash()

    def crash(self) -> None:
        """Begin anew with the stored progress."""
        self.merge = Merge(self._names, self.stored, most=self._most)
        self.at = self.stored.low if self.stored else 0
        del self.applied[self._kept :]

    def receive(self) -> None:
        """One record, if there is one."""
        if self.at < len(self.records):
            self.merge.receive(self.at, self.records[self.at])
            self.at += 1

    def work(self, *, idle: bool, storing: Random | None = None) -> None:
        """Apply what has its turn; perhaps store between two slices."""
        clock = self.merge.clock
        for events, now in self.merge.due(idle=idle):
            assert now is not None
            assert clock is None or now >= clock
            assert all(event.effective_at < now for event in events)
            clock = now
            self.applied += [(event.effective_at // 60_000, event.account, event.offset) for event in events]
            if storing is not None and storing.random() < 0.3:
                self.store()
            if storing is not None and storing.random() < 0.2:  # what is left is done next time
                break

    def store(self) -> None:
        """Note the progress with what is applied."""
        self.stored = Progress.decode(self.merge.progress().encode())
        assert self.stored == self.merge.progress()
        assert self.stored.low <= self.stored.read
        self._kept = len(self.applied)

    def run(self, random: Random, *, crash: float) -> Applied:
        """All of it, under a schedule with a few crashes: with more it might never get on."""
        crashes = 8
        together, accounts = random.choice([2, 20_000]), random.choice([1, 2, 5_000])
        with patch.object(merge_module, "_TOGETHER", together), patch.object(merge_module, "_ACCOUNTS", accounts):
            return self._run(random, crash, crashes)

    def _run(self, random: Random, crash: float, crashes: int) -> Applied:
        while self.at < len(self.records) or len(self.merge):
            self.receive()
            self.work(idle=random.random() < 0.5 or self.at == len(self.records), storing=random)
            if random.random() < 0.5:
                self.store()
            self.disordered += self.merge.disordered
            self.merge.disordered = 0
            if crashes and random.random() < crash:
                crashes -= 1
                self.crash()
        return self.applied


@given(shuffles(), seeds, st.sampled_from([0.0, 0.3]))
def test_events_come_in_the_order_of_their_places_and_each_once(
    records: list[ShuffleRecord], seed: int, crash: float
) -> None:
    assert Reader(records).run(Random(seed), crash=crash) == everything(records)


@given(shuffles(), seeds, st.integers(0, 6), st.sampled_from([0.0, 0.3]))
@settings(max_examples=examples(1_000))
def test_with_too_much_waiting_they_come_out_of_turn_and_still_each_once(
    records: list[ShuffleRecord], seed: int, most: int, crash: float
) -> None:
    reader = Reader(records, most=most)
    applied = reader.run(Random(seed), crash=crash)
    assert sorted(applied) == everything(records)
    assert reader.disordered or applied == everything(records)


@given(shuffles(), seeds)
def test_repeated_records_add_nothing(records: list[ShuffleRecord], seed: int) -> None:
    random = Random(seed)
    repeated: list[ShuffleRecord] = []
    for number, each in enumerate(records):
        repeated.append(each)
        own = [before for before in records[: number + 1] if before.origin == each.origin]
        repeated += own[random.randrange(len(own)) :] if random.random() < 0.3 else []
    assert Reader(repeated).run(random, crash=0.2) == everything(records)


@given(shuffles_of_topics_created_anew(), seeds, st.sampled_from([0.0, 0.3]))
@settings(max_examples=examples(500))
def test_of_a_topic_that_was_created_anew_every_event_comes_once_and_so_do_those_of_the_one_before(
    records: list[ShuffleRecord], seed: int, crash: float
) -> None:
    reader = Reader(records)
    assert sorted(reader.run(Random(seed), crash=crash)) == sorted(set(everything(records)))
    reader.work(idle=True)
    reader.store()
    assert reader.stored is not None
    assert reader.merge.clock == 100_000 * 60_000, "no clock of a topic that is gone holds it"
    assert len(reader.stored.origins) == len(NAMES), "what is gone is forgotten once nothing of it can come again"


def test_a_topic_that_is_created_anew_is_told_once_with_how_far_the_one_before_was_read() -> None:
    reader = Reader([record("a@1", [10, 20], clock=60), record("a@2", [15], clock=70)], names=("a",))
    reader.receive()
    assert reader.merge.replaced == []
    reader.receive()
    assert reader.merge.replaced == [("a", 2)]
    reader.work(idle=True)
    reader.store()
    reader.crash()
    reader.at = 1
    reader.receive()
    assert reader.merge.replaced == []
    assert reader.applied == [(10, "a@1", 0), (15, "a@2", 0), (20, "a@1", 1)]


def test_what_an_older_version_stored_without_marks_goes_on_under_the_first_mark_that_comes() -> None:
    records = [record("a", [10], clock=60), record("a@1", [10, 70], clock=90)]
    reader = Reader(records, names=("a",))
    reader.receive()
    reader.work(idle=True)
    reader.store()
    assert reader.run(Random(1), crash=0.0) == [(10, "a", 0), (70, "a@1", 1)]
    assert reader.merge.replaced == []


def two_held() -> Reader:
    """An hour that has begun: of each origin one event, in a record of its own, and nothing applied."""
    reader = Reader([record("a", [10], clock=40), record("b", [20], clock=40)], names=("a", "b"))
    reader.receive()
    reader.receive()
    reader.work(idle=False)
    reader.store()
    assert reader.stored == Progress(0, 2, 0, {"a": (-1, 40 * 60_000), "b": (-1, 40 * 60_000)})
    return reader


def test_read_again_after_a_crash_nothing_is_applied_before_all_that_was_held_is_back() -> None:
    reader = two_held()
    reader.crash()
    reader.records = reader.records[::-1]  # whichever comes first, the clocks of both are known already
    reader.receive()
    reader.work(idle=True)
    assert reader.applied == []
    reader.receive()
    reader.work(idle=True)
    assert reader.applied == [(10, "a", 0), (20, "b", 0)]


def test_nothing_is_lost_in_a_second_crash_while_reading_again() -> None:
    reader = two_held()
    reader.crash()
    reader.receive()
    reader.work(idle=True)
    reader.store()
    reader.crash()
    assert reader.run(Random(1), crash=0.0) == [(10, "a", 0), (20, "b", 0)]


def test_an_origin_that_has_said_nothing_holds_all_others() -> None:
    reader = Reader([record("a", [10], clock=900)], names=("a", "b"))
    reader.receive()
    reader.work(idle=True)
    assert (reader.applied, reader.merge.clock, len(reader.merge)) == ([], None, 1)
    reader.records.append(record("b", [], clock=11))
    reader.receive()
    reader.work(idle=True)
    assert (reader.applied, reader.merge.clock, len(reader.merge)) == ([(10, "a", 0)], 11 * 60_000, 0)


def test_an_event_at_the_clock_itself_has_to_wait() -> None:
    reader = Reader([record("a", [10], clock=10)], names=("a",))
    reader.receive()
    reader.work(idle=True)
    assert reader.applied == []


def test_an_origin_that_is_gone_holds_nobody_and_its_last_events_count_once() -> None:
    records = [record("old", [1, 50], clock=20), record("old", [60], first=2, clock=55), record("new", [70], clock=90)]
    reader = Reader(records[:1], names=("old",))
    reader.receive()
    reader.work(idle=True)
    reader.store()
    assert reader.applied == [(1, "old", 0)]
    reader.records, reader._names = records, frozenset({"new"})
    reader.crash()
    assert reader.run(Random(1), crash=0.0) == [(1, "old", 0), (50, "old", 1), (60, "old", 2), (70, "new", 0)]


def test_a_partition_that_was_added_takes_part() -> None:
    reader = Reader([record("a", [10], clock=90), record("added", [5], clock=7)], names=("a",))
    reader.receive()
    reader.receive()
    reader.work(idle=True)
    assert (reader.applied, reader.merge.clock) == ([(5, "added", 0)], 7 * 60_000)


def test_live_events_are_applied_as_they_come_once_all_are_caught_up() -> None:
    merge = Merge(frozenset({"a", "b"}), live=True)
    merge.receive(0, record("a", [10], clock=0, caught_up=True))
    assert [each for events, _ in merge.due(idle=True) for each in events] == []
    merge.receive(1, record("b", [], clock=0, caught_up=True))
    assert [each for events, _ in merge.due(idle=False) for each in events] == []
    assert [each.effective_at for events, _ in merge.due(idle=True) for each in events] == [600_000]
    assert merge.progress().low == merge.progress().read == 2


def test_what_was_known_before_the_first_record_is_passed_over_for_good() -> None:
    known = Progress(5, 5, 60 * 60_000, {}, known={"usage": 60 * 60_000})
    merge = Merge(frozenset(NAMES), known)
    for offset, name in enumerate(NAMES, 5):
        merge.receive(offset, record(name, [10, 59, 60, 75], clock=80))
    assert [each.effective_at for events, _ in merge.due(idle=True) for each in events] == [3_600_000] * 3 + [
        4_500_000
    ] * 3
    assert merge.passed_over == 6
    again = Merge(frozenset(NAMES), Progress.decode(merge.progress().encode()))
    again.receive(8, record(NAMES[0], [20, 90], first=4, clock=100))
    assert (len(again), again.passed_over) == (1, 1)
    billing = ShuffleRecord(InputTopic.BILLING, "b/0", 4, None, False, record("b/0", [20], first=4).events)
    again.receive(9, billing)
    assert len(again) == 2, "of another topic nothing is known"


def test_progress_of_another_version_is_refused() -> None:
    progress = Progress(1, 2, None, {"a": (-1, None), "b": (7, 5)})
    assert Progress.decode(progress.encode()) == progress
    with pytest.raises(StateError, match="version 5"):
        Progress.decode(progress.encode().replace(b"[4,", b"[5,", 1))
    assert Progress.decode(b'[1,1,2,null,{"a":[-1,null],"b":[7,5]},false]') == progress, "what an older version wrote"


def test_a_slice_of_many_accounts_comes_in_parts_and_is_held_until_the_last() -> None:
    limit = merge_module._ACCOUNTS
    events = tuple(
        Usage(number, (number + 1) // 2, f"account-{number}", number, "click", None, 1, "product", None)
        for number in range(2 * limit + 2)
    )
    merge = Merge(frozenset(["a/0"]))
    merge.receive(7, ShuffleRecord(InputTopic.USAGE, "a/0", 2 * limit + 1, 3_600_000, False, events))
    parts = [(len(part), clock, merge.progress().low) for part, clock in merge.due(idle=False)]
    # Two events have one place: they are not parted.
    assert parts == [(limit + 1, limit // 2 + 1, 7), (limit, limit + 1, 7), (1, 3_600_000, 8)]


def test_live_nobody_is_caught_up_by_what_was_said_before_the_readers_began_anew() -> None:
    """After a stop of days an origin with little to read is at its end long before one with much has said a word."""
    stored = Progress(0, 0, 100 * 60_000, dict.fromkeys(NAMES, (0, 100 * 60000)))
    merge = Merge(frozenset(NAMES), stored, live=True, begun=len(NAMES))
    for offset, name in enumerate(NAMES):
        merge.receive(offset, record(name, [], first=1, clock=100, caught_up=True))
    assert not merge.caught_up
    for name, places in (("a/0", [5_000]), ("a/1", [])):
        merge.receive(merge.read, record(name, places, first=1, clock=9_000, caught_up=True))
    assert [events for events, _ in merge.due(idle=True) if events] == []
    merge.receive(merge.read, record("b/0", [4_000], first=1, clock=4_000))
    merge.receive(merge.read, record("b/0", [], first=2, clock=9_000, caught_up=True))
    given = [event.effective_at // 60_000 for events, _ in merge.due(idle=True) for event in events]
    assert given == [4_000, 5_000]
    assert merge.caught_up
