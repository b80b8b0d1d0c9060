"""A home with all the accounts that it may have."""

from __future__ import annotations

from schemas.events import InputTopic
from schemas.shuffle import ShuffleRecord, Usage, make_renaming
from schemas.usage import UsageEvent
from streams.detection.admission import Admission
from streams.detection.merge import Merge

ORIGIN = "product-usage/0"
NOON = 1_740_000_000_000 // 3_600_000 * 3_600_000


def said(offset: int, *accounts: str, **fields: int) -> ShuffleRecord:
    """A record with an event of each of the accounts."""
    events = tuple(
        Usage(offset + number, NOON, account, NOON, "login", 7, fields.get("quantity", 1), "web", 9)
        for number, account in enumerate(accounts)
    )
    return ShuffleRecord(InputTopic.USAGE, ORIGIN, offset + len(events) - 1, NOON, False, events)


def door(known: dict[str, int], most: int) -> tuple[Admission, Merge]:
    merge = Merge(frozenset({ORIGIN}))
    return Admission(known, merge, most), merge


def test_who_is_known_goes_on_and_who_is_new_is_turned_away() -> None:
    admission, merge = door({"a": 0, "b": 1}, 3)
    admission.receive(0, said(0, "a", "new", "b", "newer", "new"))
    assert [event.account for event in merge.held()] == ["a", "new", "b", "new"]
    (away,) = admission.take()
    assert (away.origin, away.offset, away.at) == (ORIGIN, 3, NOON)
    assert admission.take() == []


def test_what_is_turned_away_is_the_event_as_far_as_it_is_known_here() -> None:
    admission, _ = door({"a": 0}, 1)
    admission.receive(0, said(0, "new", quantity=3))
    (away,) = admission.take()
    assert away.body == UsageEvent(account_id="new", event="login", occurred_at=NOON, quantity=3, source="web")


def test_who_somebody_was_under_another_key_is_no_event_that_is_told() -> None:
    admission, merge = door({"a": 0}, 1)
    (event,) = said(0, "new").events
    assert isinstance(event, Usage)
    admission.receive(0, ShuffleRecord(InputTopic.USAGE, ORIGIN, 0, NOON, False, (make_renaming(event, 5), event)))
    assert len(merge) == 0
    assert len(admission.take()) == 1


def test_a_bound_that_was_lowered_takes_nobody_away() -> None:
    admission, merge = door({"a": 0, "b": 1, "c": 2}, 2)
    assert admission.used == 1.5
    admission.receive(0, said(0, "a", "d", "c"))
    assert [event.account for event in merge.held()] == ["a", "c"]


def test_as_events_are_applied_their_accounts_are_counted_once() -> None:
    known: dict[str, int] = {}
    admission, merge = door(known, 3)
    admission.receive(0, said(0, "a", "b", "b"))
    admission.receive(1, said(3, "c", "d"))
    known |= {"a": 0, "b": 1, "c": 2}
    admission.receive(2, said(5, "a", "b", "c", "d"))
    assert len(merge) == 7
    assert [each.offset for each in admission.take()] == [4, 8]


def test_an_account_that_waited_and_is_known_by_now_takes_one_place_and_not_two() -> None:
    known: dict[str, int] = {}
    admission, merge = door(known, 3)
    admission.receive(0, said(0, "a", "b", "a", "b"))
    known |= {"a": 0, "b": 1}
    admission.receive(1, said(4, "c", "d"))
    assert [event.account for event in merge.held()] == ["a", "b", "a", "b", "c"]
    assert [each.offset for each in admission.take()] == [5]
