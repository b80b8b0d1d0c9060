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
from alerting.gathering_rows import AccountRow, RouteRow, ToldAlert
from alerting.notification import AnyNote, Group, Notification, Summary
from alerting.outbox import Outbox
from alerting.quiet import HOUR, MINUTE, SECOND, Quiet
from alerting.routing import Route
from schemas.alerts import Change, Kind, Resolution, Severity
from schemas.errors import StateError
from tests.unit.alerting.samples import AT, catch_up, notice, notification, reminder, summary, transition_of
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
    office.run_until(AT + 32 * HOUR)
    times = [each.at for each in office.heard]
    assert all(times[first + 30] - times[first] >= HOUR for first in range(len(times) - 30))
    told = {alert_id for each in office.heard for alert_id, revision in each.covers.items() if revision == 2}
    assert len(told) == FLOOD
    over = [each for each in office.heard if isinstance(each.note, Summary) and each.note.why == "over"]
    assert [(each.at, len(each.covers)) for each in over] == [(AT + 28 * HOUR, FLOOD - 29 - 20)]
    assert list(office.stored.table) == ["~default/", "default/"]


def counted_office() -> VirtualOffice:
    """One summary was told, which names all but the five with the least at risk."""
    office = VirtualOffice([Route(quiet=Quiet(limit_per_hour=1))], is_well)
    office.log += [alert(number) for number in range(25)]
    office._turn()
    office.run_until(office.now + 10 * MINUTE)
    assert [len(each.accounts) for each in summaries(office)] == [20]
    office.run_until(office.now + 2 * HOUR)
    return office


def resolves(office: VirtualOffice, number: int, revision: int = 2, **fields: object) -> None:
    office.arrives(alert(number, change=Change.RESOLVED, revision=revision, **fields))


def last(office: VirtualOffice) -> AnyNote:
    return office.heard[-1].note


def test_who_was_named_hears_each_end_and_who_was_only_counted_hears_how_many_once_a_day() -> None:
    office = counted_office()
    first = office.now
    for number in (0, 1):
        resolves(office, number)
        office.run_until(office.now + HOUR)
    assert len(office.heard) == 1
    resolves(office, 24)
    office.run_until(office.now + HOUR)
    assert transition_of(last(office)).account_id == "acct-24"
    office.run_until(first + 24 * HOUR + MINUTE)
    assert len(office.heard) == 3
    note, at = last(office), office.heard[-1].at
    assert isinstance(note, Summary)
    assert (note.why, note.resolved, note.changed_accounts, at) == ("over", 2, 2, first + 24 * HOUR)
    second = office.now + 5 * HOUR
    office.run_until(second)
    resolves(office, 2)
    office.run_until(second + 48 * HOUR)
    assert [each.at for each in office.heard[3:]] == [second + 24 * HOUR]


def test_what_more_is_said_of_an_account_that_was_only_counted_names_it() -> None:
    office = counted_office()
    office.arrives(alert(0, change=Change.ESCALATED, severity=Severity.CRITICAL, revision=2))
    office.run_until(office.now + 2 * HOUR)
    assert transition_of(last(office)).account_id == "acct-0"
    resolves(office, 0, 3)
    office.run_until(office.now + 2 * HOUR)
    assert transition_of(last(office)).change is Change.RESOLVED
    resolves(office, 1, resolution=Resolution.LOST)
    office.run_until(office.now + 2 * HOUR)
    assert transition_of(last(office)).resolution is Resolution.LOST, "which is news whoever knew of what"
    resolves(office, 2)
    office.arrives(alert(2, alert_id="f" * 16, kind=Kind.PAYMENT_FAILED))
    office.run_until(office.now + 2 * HOUR)
    assert isinstance(last(office), Group)
    assert len(office.heard) == 5
    resolves(office, 3)
    office.run_until(office.now + HOUR)
    office.arrives(alert(3, alert_id="e" * 16, kind=Kind.PAYMENT_FAILED))
    office.run_until(office.now + 2 * HOUR)
    office.arrives(alert(4, alert_id="d" * 16, kind=Kind.PAYMENT_FAILED))
    office.run_until(office.now + 2 * HOUR)
    resolves(office, 4)
    office.run_until(office.now + 2 * HOUR)
    assert transition_of(last(office)).alert_id == f"{4:016x}", "as a message has named its account since"
    assert len(office.heard) == 8
    office.run_until(office.now + 48 * HOUR)
    assert len(office.heard) == 8


def test_of_the_past_the_ends_of_what_was_named_are_told_each_and_of_all_else_how_many() -> None:
    named = catch_up(1).accounts[0].model_copy(update={"account_id": "acct-0", "alerts": (("0" * 16, 2),)})
    office = VirtualOffice([Route(quiet=Quiet())], is_well)
    office.arrives(catch_up(1).model_copy(update={"accounts": (named,)}))
    for number in range(3):
        resolves(office, number, 3)
    office.run_until(AT + HOUR)
    assert [
        transition_of(each.note).account_id for each in office.heard[1:] if isinstance(each.note, Notification)
    ] == ["acct-0"]
    office.run_until(AT + 25 * HOUR)
    (over,) = summaries(office)
    assert (over.why, over.resolved) == ("over", 2)
    assert len(office.heard) == 3


def test_what_a_broken_route_passes_on_by_name_is_over_by_name() -> None:
    office = VirtualOffice([Route(quiet=Quiet())], is_well)
    summed = summary(1, route="emea", why="limit", over=())
    named = summed.accounts[0].model_copy(update={"account_id": "acct-0", "alerts": (("0" * 16, 1),)})
    office.arrives(summed.model_copy(update={"accounts": (named,)}).rerouted("default"))
    office.arrives(reminder(alert(1), route="emea").rerouted("default"))
    office.run_until(AT + HOUR)
    for number in range(2):
        resolves(office, number)
    office.run_until(AT + 2 * HOUR)
    assert [transition_of(each.note).account_id for each in office.heard[2:]] == ["acct-0", "acct-1"]
    assert list(office.stored.table) == ["~default/", "default/"]


def test_what_is_new_is_gathered_for_as_long_as_ever_however_long_an_end_has_waited() -> None:
    office = counted_office()
    office.routes = [Route(quiet=Quiet())]
    office._start()
    resolves(office, 0)
    office.run_until(office.now + HOUR)
    began = office.now
    office.arrives(alert(0, alert_id="e" * 16, kind=Kind.PAYMENT_FAILED))
    office.run_until(began + HOUR)
    assert [each.at - began for each in office.heard[1:]] == [30 * SECOND]
    assert len(office.heard[1].covers) == 2


def test_what_came_and_went_beside_the_end_of_what_was_only_counted_leaves_that_end_to_be_told() -> None:
    office = counted_office()
    first = office.now
    new: dict[str, Any] = {"alert_id": "00000000000000aa", "kind": Kind.PAYMENT_FAILED}
    office.arrives(alert(0, **new))
    resolves(office, 0)
    resolves(office, 0, **new)
    office.run_until(first + 48 * HOUR)
    assert [(each.why, each.resolved) for each in summaries(office)[1:]] == [("over", 1)]
    assert office.heard[-1].at == first + 24 * HOUR


@pytest.mark.parametrize("kill_in", range(1, 9))
def test_a_worker_that_dies_meanwhile_tells_how_many_are_over_all_the_same(kill_in: int) -> None:
    office = counted_office()
    resolves(office, 0)
    office.run_until(office.now + 20 * HOUR)
    office.kill_in = kill_in
    resolves(office, 1)
    office.run_until(office.now + 12 * HOUR)
    over = {each.sequence: each for each in office.heard if each.covers.keys() & {"0" * 16, f"{1:016x}"}}
    assert sum(isinstance(each.note, Summary) and each.note.why == "over" for each in over.values()) == 1
    assert len(office.heard) <= 2 + office.kills
    assert not any("=" in key and not key.startswith("~default/=acct-") for key in office.stored.table)


def test_a_route_that_is_closed_tells_how_many_are_over_when_it_opens_and_a_digest_takes_them_along() -> None:
    office = counted_office()
    resolves(office, 0)
    office.routes = [Route(quiet=Quiet(limit_per_hour=1, hours=(9 * 60, 10 * 60)))]
    office._start()
    office.run_until(office.now + 72 * HOUR)
    (over,) = office.heard[1:]
    assert over.at % (24 * HOUR) == 9 * HOUR
    office = counted_office()
    resolves(office, 0)
    office.routes = [Route(quiet=Quiet(digest_at=9 * 60))]
    office._start()
    office.arrives(alert(99))
    office.run_until(office.now + 72 * HOUR)
    (digest,) = summaries(office)[1:]
    assert (digest.why, digest.resolved, digest.new) == ("digest", 1, 1)


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
        ("~default/=acme", b"[3,1]", "'~default/=acme' is of version 3: this worker reads up to version 2"),
        ("~default/", b"[1,[],null,null,7,null]", "'~default/' has 5 fields, not 4"),
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


def test_rows_of_the_version_before_are_read_and_what_they_told_was_told_by_name() -> None:
    told = b'[1,null,1,0,[],[["a1",2,"warning",3,false],["b1",2,"critical",3,true]],[]]\nnote'
    account = AccountRow.decode("~default/=acme", told)
    assert account.told == {
        "a1": ToldAlert(2, Severity.WARNING, 3),
        "b1": ToldAlert(2, Severity.CRITICAL, 3, b"note"),
    }
    assert RouteRow.decode("~default/", b"[1,[5],6,7,8]") == RouteRow([5], 6, 7, 8)


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
