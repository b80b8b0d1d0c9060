"""Who was seen, and when."""

from __future__ import annotations

from streams.detection.people import People


def test_the_last_day_counts_whatever_the_order() -> None:
    people = People()
    for user, day in ((1, 20_000), (2, 20_010), (1, 19_990), (3, 19_970)):
        people.saw(user, day, 256)
    assert people.last_seen == {1: 20_000, 2: 20_010, 3: 19_970}
    assert people.active_since(20_000) == 2


def test_those_not_seen_for_longest_are_forgotten_first() -> None:
    people = People()
    for user in range(300):
        people.saw(user, 20_000 + user, 64)
    assert len(people.last_seen) <= 64
    assert set(people.last_seen) >= set(range(260, 300))


def test_one_that_is_as_old_as_the_others_may_come_back() -> None:
    people = People()
    for user in range(65):
        people.saw(user, 20_000, 64)
    assert 64 not in people.last_seen
    people.saw(64, 20_000, 64)
    assert 64 in people.last_seen


def test_stored_and_read_back_they_are_the_same() -> None:
    people = People()
    for user in range(40):
        people.saw(user << 57, 20_000 + user % 7, 32)
    read = People.decode(people.encode())
    assert list(read.last_seen.items()) == list(people.last_seen.items())
