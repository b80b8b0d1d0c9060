"""Where first messages stand is kept with the outbox, for a while and not without bound."""

from random import Random
from typing import Any

import pytest

from alerting import threads
from alerting.delivery.answers import OK, Answer
from alerting.letter import letter_of
from alerting.message import Receipt
from alerting.notification import AnyNote
from alerting.outbox import Outbox
from alerting.routing import Route
from alerting.threads import KEPT_MS, MOST, OVER_MS, First, Threads, thread_of
from schemas.alerts import Change, Kind, OpenAlert, Severity
from schemas.errors import StateError
from tests.unit.alerting.samples import AT, catch_up, group, notice, notification, reminder, summary

ROUTES = [Route(channel="bot")]
RECEIPT = Receipt("C0000000001", "1700000000.000001")


def posted(ts: str = RECEIPT.ts) -> Answer:
    return Answer(OK.status, OK.body_code, receipt=Receipt(RECEIPT.channel, ts))


def outbox_of(table: dict[str, bytes], routes: list[Route] = ROUTES) -> Outbox:
    return Outbox.restore(list(table.items()), routes, draw=Random(1).random)


def store(outbox: Outbox, table: dict[str, bytes]) -> None:
    for key, value in outbox.changed().rows:
        if value is None:
            del table[key]
        else:
            table[key] = value


def delivered(outbox: Outbox, sequence: int, answer: Answer, now: int = AT, **fields: Any) -> Receipt | None:
    """Have a message delivered, and tell what was known of its thread before."""
    outbox.add(sequence, notification(**fields), now)
    row = outbox.next(now)
    assert row is not None
    before = outbox.earlier(row).first
    outbox.answered(row, answer, now)
    return before


def test_the_first_message_is_stored_with_the_deletion_of_its_row_and_known_to_the_next_owner() -> None:
    table: dict[str, bytes] = {}
    outbox = outbox_of(table)
    assert delivered(outbox, 0, posted()) is None
    changed = dict(outbox.changed().rows)
    assert set(changed) == {"default/", "default/thread/acme"}
    table = {key: value for key, value in changed.items() if value is not None}
    second = outbox_of(table)
    assert delivered(second, 1, posted(), change=Change.ESCALATED) == RECEIPT
    assert delivered(second, 2, posted("2.0"), AT + 5_000, change=Change.ESCALATED) == RECEIPT
    assert delivered(second, 3, posted("2.0"), AT + 9_000, account_id="ff") is None
    assert delivered(second, 4, posted("3.0"), AT + 9_500, change=Change.RESOLVED) == Receipt(RECEIPT.channel, "2.0")


def test_what_was_restored_or_tried_before_may_have_arrived_already() -> None:
    table: dict[str, bytes] = {}
    outbox = outbox_of(table)
    outbox.add(0, notification(), AT)
    row = outbox.next(AT)
    assert row is not None
    assert not outbox.earlier(row).doubtful
    outbox.answered(row, Answer(503), AT)
    again = outbox.next(AT + 60_000)
    assert again is not None
    assert outbox.earlier(again).doubtful
    outbox.answered(again, Answer(503), AT + 60_000)
    outbox.add(1, notification(account_id="ff"), AT)
    store(outbox, table)
    second = outbox_of(table)
    second.add(2, notification(account_id="ee"), AT)
    now, doubtful = AT + 86_000_000, {}
    while (row := second.next(now)) is not None:
        doubtful[row.sequence] = second.earlier(row).doubtful
        second.answered(row, posted(), now)
        now += 2_000
    assert doubtful == {0: True, 1: True, 2: False}


def test_a_thread_is_forgotten_some_time_after_its_alert_is_over_and_much_later_where_nothing_more_is_heard() -> None:
    known = Threads("default")
    known.keep(notification(account_id="aa"), RECEIPT, AT)
    known.keep(notification(account_id="bb", change=Change.RESOLVED), RECEIPT, AT)
    of = {name: notification(account_id=name) for name in ("aa", "bb", "cc")}
    forgotten = known.keep(of["cc"], RECEIPT, AT + OVER_MS)
    assert forgotten["default/thread/bb"] is None
    assert (known.first(of["aa"]), known.first(of["bb"])) == (RECEIPT, None)
    assert known.keep(of["cc"], RECEIPT, AT + KEPT_MS)["default/thread/aa"] is None


def test_there_are_never_more_threads_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "MOST", 3)
    known = Threads("default")
    for number in range(4):
        rows = known.keep(notification(account_id=f"{number}/x"), RECEIPT, AT + number)
    assert rows["default/thread/0/x"] is None
    assert len([key for key in range(4) if known.first(notification(account_id=f"{key}/x"))]) == 3
    assert MOST >= 1_000


def test_a_route_that_is_no_more_forgets_its_threads() -> None:
    table: dict[str, bytes] = {}
    outbox = outbox_of(table)
    delivered(outbox, 0, posted())
    store(outbox, table)
    other = outbox_of(table, [Route("sales")])
    store(other, table)
    assert not any(threads.is_first(key) for key in table)


def test_what_belongs_to_no_thread_has_none() -> None:
    known = Threads("default")
    assert known.keep(notice(), RECEIPT, AT) == {}
    assert known.first(notice()) is None


@pytest.mark.parametrize("note", [notification(), group(), reminder(), notice(), catch_up(), summary()])
def test_what_has_a_letter_has_a_thread(note: AnyNote) -> None:
    assert (letter_of(note) is None) == (thread_of(note) is None)


def test_a_thread_is_over_when_no_alert_of_its_account_is_open() -> None:
    opened, resolved = notification(), notification(change=Change.RESOLVED, revision=2)
    other = notification(kind=Kind.PAYMENT_FAILED, alert_id="1" * 16, change=Change.RESOLVED)
    left = OpenAlert(kind=Kind.PAUSED, severity=Severity.WARNING)
    of_group = OpenAlert(kind=Kind.PAYMENT_FAILED, severity=Severity.WARNING)
    over: dict[str, AnyNote] = {
        "opened": opened,
        "resolved": resolved,
        "resolved, another open": notification(change=Change.RESOLVED, also_open=(left,)),
        "all of a group resolved": group(resolved, other),
        "all of a group, which the last did not know": group(resolved, notification(also_open=(of_group,))),
        "one of a group open": group(opened, other),
        "reminded": reminder(),
    }
    found = {name: thread_of(note) for name, note in over.items()}
    assert {name for name, thread in found.items() if thread and thread.over} == {"resolved", "all of a group resolved"}
    assert {thread.key for thread in found.values() if thread} == {"acme"}


def test_a_row_is_read_as_it_was_written() -> None:
    first = First(RECEIPT, AT)
    assert First.decode("default/thread/x", first.encode()) == first


@pytest.mark.parametrize("value", [b"", b"{}", b"[1]", b'[2,"C1","1.0",5]', b"\xff", b"7"])
def test_a_row_that_cannot_be_read_stops_the_start(value: bytes) -> None:
    with pytest.raises(StateError, match="default/thread/x"):
        outbox_of({"default/thread/x": value})
