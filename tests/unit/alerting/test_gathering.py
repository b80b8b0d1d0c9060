"""Gathering at its edges: a flood, a broken route, rows that cannot be read, a route that is configured otherwise."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from alerting.delivery.answers import OK, Answer
from alerting.gathering import Gathering
from alerting.notification import AnyNote, Group, Notification, Summary
from alerting.outbox import Outbox
from alerting.quiet import HOUR, MINUTE, SECOND, Quiet
from alerting.routing import Route
from schemas.alerts import Change, Kind, Severity
from schemas.errors import StateError
from tests.unit.alerting.samples import AT, catch_up, notice, notification, transition_of
from tests.unit.alerting.virtual_office import Stored, VirtualOffice, is_well

LIMITED = Quiet(limit_per_hour=30)
FLOOD = 10_000


def alert(number: int, **fields: object) -> Notification:
    """An alert of an account of its own, one minor unit more at risk than the one before."""
    currency = ("EUR", "USD")[number % 2]
    made: dict[str, Any] = {"alert_id": f"{number:016x}", "account_id": f"acct-{number}", "mrr_minor": 10 * number}
    return notification(**(made | {"currency": currency, "priority": float(number)} | fields))


def summaries(office: VirtualOffice) -> list[Summary]:
    return [each.note for each in office.heard if isinstance(each.note, Summary)]


@pytest.mark.slow
def test_a_flood_of_ten_thousand_alerts_in_a_minute_is_thirty_messages_an_hour_and_forgets_nobody() -> None:
    office = VirtualOffice([Route(quiet=LIMITED)], is_well)
    for tenth in range(10):
        office.log += [alert(number) for number in range(FLOOD * tenth // 10, FLOOD * (tenth + 1) // 10)]
        office.run_until(AT + tenth * 6 * SECOND)
        office._turn()
    office.run_until(AT + HOUR)
    assert len(office.heard) == 30
    (summary,) = summaries(office)
    assert summary.new == FLOOD - 29
    assert summary.changed_accounts == summary.open_accounts == FLOOD - 29
    named = [each.account_id for each in summary.accounts]
    alone = {transition_of(each.note).account_id for each in office.heard if isinstance(each.note, Notification)}
    ordered = [f"acct-{number}" for number in reversed(range(FLOOD)) if f"acct-{number}" not in alone]
    assert named == ordered[:20], "the most valuable of all that are not told alone"
    assert sum(summary.at_risk_minor.values()) == sum(range(FLOOD)) - sum(int(name[5:]) for name in alone)
    assert set(summary.at_risk_minor) == {"EUR", "USD"}, "currencies are not added up"
    covered = {alert_id for each in office.heard for alert_id in each.covers}
    assert covered == {f"{number:016x}" for number in range(FLOOD)}
    # All of it resolves: those were told, and so is this.
    office.log += [alert(number, change=Change.RESOLVED, revision=2) for number in range(FLOOD)]
    office.run_until(AT + 4 * HOUR)
    office._turn()
    office.run_until(AT + 8 * HOUR)
    times = [each.at for each in office.heard]
    assert all(times[first + 30] - times[first] >= HOUR for first in range(len(times) - 30))
    told = {alert_id for each in office.heard for alert_id, revision in each.covers.items() if revision == 2}
    assert len(told) == FLOOD
    assert list(office.stored.table) == ["~default/", "default/"]


def test_what_a_flood_takes_of_time_and_memory() -> None:
    routes = [Route(quiet=Quiet(digest_at=0))]
    outbox = Outbox(routes, draw=lambda: 0.5)
    gathering = Gathering(routes, outbox)
    notes = [alert(number) for number in range(1_000)]
    tracemalloc.start()
    for number, each in enumerate(notes):
        gathering.take_in(number, each, AT)
    began = time.process_time()
    gathering.release(AT + 24 * HOUR)
    took, (_, most) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert outbox.pending("default") == 1
    print(f"an alert takes {most / len(notes) / 1024:.1f} KB, and {1e6 * took / len(notes):.0f} us, with memory traced")
    assert most < 10_000 * len(notes)
    assert took < 5.0, "ten times as long as it takes on a slow machine"


def test_what_a_broken_route_held_goes_by_the_default_one_which_gathers_it_again() -> None:
    gone = Answer(status=404, body_code="no_service")

    def slack(route: str, _note: AnyNote, _now: int) -> tuple[Answer, int]:
        return (gone if route == "sales" else OK), 100

    office = VirtualOffice([Route("default"), Route("sales")], slack)
    for number, kind in enumerate((Kind.USAGE_DROP, Kind.PAUSED)):
        office.arrives(notification("sales", kind=kind, alert_id=f"{number:016x}"))
    office.run_until(AT + MINUTE)
    assert not office.heard
    (moved,) = office.rerouted
    assert isinstance(moved, Group)
    office.arrives(moved)
    office.arrives(notification("default", kind=Kind.PAUSED, alert_id=f"{1:016x}"))  # it was told here, too
    office.run_until(AT + 10 * MINUTE)
    (heard,) = [each.note for each in office.heard]
    assert isinstance(heard, Group)
    assert [each.transition.kind for each in heard.alerts] == [Kind.PAUSED, Kind.USAGE_DROP]
    assert {each.rerouted_from for each in heard.alerts} == {"sales"}


def test_what_is_about_slackwater_or_the_past_waits_for_nothing() -> None:
    closed = Quiet(hours=(0, 1), group_wait=MINUTE)
    office = VirtualOffice([Route(quiet=closed)], is_well)
    office.arrives(notice())
    office.arrives(catch_up())
    office.run_until(AT + SECOND)
    assert [each.note for each in office.heard] == [notice(), catch_up()]


def test_a_note_that_was_taken_in_is_not_taken_in_again() -> None:
    routes = [Route()]
    gathering = Gathering(routes, Outbox(routes, draw=lambda: 0.5))
    assert gathering.take_in(7, alert(1), AT)
    assert not gathering.take_in(7, alert(2), AT)
    assert gathering.held() == {"default": 1}
    again = Gathering.restore(
        [(key, value or b"") for key, value in gathering.changed()], routes, Outbox(routes, draw=lambda: 0.5), 8
    )
    assert not again.take_in(7, alert(2), AT)
    assert again.take_in(8, alert(2), AT)
    assert again.held() == {"default": 2}


def test_a_restored_gathering_has_nothing_to_store_and_gives_the_same_rows() -> None:
    quiet = Quiet(reminder=HOUR, limit_per_hour=2)
    office = VirtualOffice([Route(quiet=quiet)], is_well)
    for number in range(5):
        office.arrives(alert(number, severity=Severity.CRITICAL))
    office.run_until(AT + 10 * MINUTE)
    office.arrives(alert(1, change=Change.RESOLVED, revision=2))
    rows = [(key, value) for key, value in office.stored.table.items() if key.startswith("~")]
    assert len(rows) == 6
    outbox = Outbox(office.routes, draw=lambda: 0.5)
    restored = Gathering.restore(rows, office.routes, outbox, 9)
    assert restored.changed() == []
    hold = restored._hold("default")
    assert {f"~default/={account}": row.encode() for account, row in hold.accounts.items()} | {
        "~default/": hold.route.encode()
    } == dict(rows)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("~default/=acme", b"[2,1]", "'~default/=acme' is of version 2: this worker reads version 1"),
        ("~default/=acme", b"[1,1]", "'~default/=acme' has 1 fields, not 6"),
        ("~default/", b"nonsense", "'~default/' of what is gathered cannot be read"),
        ("~default/=acme", b'[1,1,null,0,[["a",1,"x"]],[],[]]\n{}', "'~default/=acme' of what is gathered cannot"),
        ("~default/=acme", b'[1,1,null,0,[["a",1,"paused"]],[],[]]', "'~default/=acme' of what is gathered cannot"),
    ],
)
def test_a_row_that_cannot_be_read_stops_the_worker_before_it_sends_anything(key: str, value: bytes, says: str) -> None:
    routes = [Route()]
    with pytest.raises(StateError, match=says.replace("(", r"\(")):
        Gathering.restore([(key, value)], routes, Outbox(routes, draw=lambda: 0.5), 0)


@pytest.mark.parametrize("then", [Quiet(group_wait=0, group_interval=0), Quiet(), Quiet(digest_at=0), None])
def test_what_is_held_is_told_by_what_the_route_is_when_the_worker_comes_back(then: Quiet | None) -> None:
    office = VirtualOffice([Route(quiet=Quiet(digest_at=9 * 60, digest_days=frozenset([0])))], is_well)
    office.arrives(alert(1))
    office.arrives(alert(2))
    office.routes = [] if then is None else [Route(quiet=then)]
    office._start()
    office.run_until(AT + 24 * HOUR)
    if then is None:
        assert office.undelivered == 2
    else:
        covered = [alert_id for each in office.heard for alert_id in each.covers]
        assert sorted(covered) == [f"{1:016x}", f"{2:016x}"]
        assert len(office.heard) == (1 if then.digest_at is not None else 2)
    assert not [key for key in office.stored.table if key.startswith("~") and "=" in key and then is None]


def test_a_message_is_never_repeated_by_the_sequence_of_one_before_it() -> None:
    office = VirtualOffice([Route(quiet=Quiet(reminder=HOUR))], is_well)
    office.arrives(alert(1, severity=Severity.CRITICAL))
    for hour in range(1, 6):
        office.run_until(AT + hour * HOUR + MINUTE)
        office._start()
    sequences = [each.sequence for each in office.heard]
    assert len(sequences) == 6
    assert all(before < after for before, after in pairwise(sequences))


def test_an_alert_that_went_through_many_changes_while_it_was_held_takes_the_room_of_one() -> None:
    office = VirtualOffice([Route(quiet=Quiet(digest_at=9 * 60, digest_days=frozenset([0])))], is_well)
    office.arrives(alert(1))
    size = sum(map(len, office.stored.table.values()))
    for revision in range(2, 200):
        office.arrives(alert(1, change=Change.ESCALATED, revision=revision))
    assert sum(map(len, office.stored.table.values())) < size + 100
    assert office.gathering.held() == {"default": 1}


def test_an_empty_table_is_what_is_left_of_a_route_that_holds_nothing_and_knows_of_nothing() -> None:
    office = VirtualOffice([Route(quiet=replace(LIMITED, limit_per_hour=0))], is_well)
    office.arrives(alert(1))
    office.run_until(AT + MINUTE)
    office.arrives(alert(1, change=Change.RESOLVED, revision=2))
    office.run_until(AT + HOUR)
    assert set(office.stored.table) == {"~default/", "default/"}
    assert office.stored != Stored()
