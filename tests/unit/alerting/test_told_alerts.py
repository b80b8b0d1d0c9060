"""Who heard of an alert hears that it is over, and nobody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.notification import AnyNote, Notification
from alerting.told_alerts import PREFIX, ToldAlerts, ToldOf
from schemas.alerts import Change, Resolution
from schemas.errors import StateError
from tests.unit.alerting.samples import AT, catch_up, group, notice, notification, reminder, summary

ALERTS = ("0" * 16, "1" * 16)


def opened(alert_id: str = ALERTS[0], route: str = "emea", **fields: object) -> Notification:
    return notification(route, alert_id=alert_id, **fields)


def over(
    alert_id: str = ALERTS[0], route: str = "emea", *, follows: bool = True, revision: int = 2, at: int = AT
) -> Notification:
    end = {"change": Change.RESOLVED, "resolution": Resolution.RECOVERED, "revision": revision, "at": at}
    note = notification(route, alert_id=alert_id, **end)
    return note.model_copy(update={"follows": True}) if follows else note


def takes(told: ToldAlerts, note: AnyNote) -> bool:
    """Whether a note is told as it is."""
    news = told.take(note)
    assert news in (None, note)
    return news is not None


def stored(told: ToldAlerts, rows: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """The rows after what changed."""
    for key, value in told.changed():
        if value is None:
            del rows[key]
        else:
            rows[key] = value
    return rows


def still_open(rows: dict[bytes, bytes]) -> set[bytes]:
    """The keys of alerts that are not over."""
    return {key for key, value in rows.items() if ToldOf.decode(key, value).over_at is None}


def test_the_end_goes_where_the_opening_went_and_once() -> None:
    told = ToldAlerts([])
    assert takes(told, opened())
    assert not takes(told, over(route="apac"))
    assert not takes(told, over(ALERTS[1]))
    assert takes(told, over())
    assert not takes(told, over())


def test_whoever_never_heard_of_an_alert_does_not_hear_of_it_by_what_follows() -> None:
    told = ToldAlerts([])
    followed = opened(change=Change.ACKNOWLEDGED).model_copy(update={"follows": True})
    assert not takes(told, followed)
    assert not takes(told, over())
    assert takes(told, opened())
    assert takes(told, followed)


def test_whoever_takes_the_end_by_its_own_matchers_is_told_in_any_case() -> None:
    told = ToldAlerts([])
    assert takes(told, over(follows=False))
    assert takes(told, notice())


def test_of_a_summary_that_was_passed_on_the_ends_of_what_it_names_are_told_and_of_no_other() -> None:
    def names(alert_id: str, revision: int) -> AnyNote:
        accounts = tuple(each.model_copy(update={"alerts": ((alert_id, revision),)}) for each in summary(1).accounts)
        return summary(1, route="emea").model_copy(update={"accounts": accounts})

    told = ToldAlerts([])
    assert takes(told, names(ALERTS[1], 1))
    assert not takes(told, over(ALERTS[1])), "whose own summary it is knows each alert from when it was gathered"
    assert takes(told, names(ALERTS[0], 2).rerouted("default"))
    told = ToldAlerts(stored(told, {}).items())
    assert not takes(told, over(ALERTS[1], "default", revision=3))
    assert takes(told, over(route="default", revision=3))
    assert takes(told, names(ALERTS[0], 2).rerouted("default")), "a summary is told whatever is known"
    assert not takes(told, over(route="default", revision=3)), "and opens nothing again that is over"


def test_of_a_message_about_the_past_the_ends_of_what_it_names_are_told_to_whoever_read_it() -> None:
    named = catch_up(1).accounts[0].model_copy(update={"alerts": ((ALERTS[0], 2),)})
    told = ToldAlerts([])
    assert takes(told, catch_up(1).model_copy(update={"accounts": (named,)}))
    assert not takes(told, over(ALERTS[1], "default"))
    assert takes(told, over(route="default", revision=3))
    assert not takes(told, over(route="default", revision=3))


def test_the_next_owner_of_the_partition_knows_it_too() -> None:
    told = ToldAlerts([])
    takes(told, opened())
    takes(told, opened(ALERTS[1]))
    takes(told, over(ALERTS[1]))
    rows = stored(told, {})
    assert told.changed() == []
    heir = ToldAlerts([(b"\0position", b"7@"), *rows.items()])
    assert not takes(heir, over(ALERTS[1]))
    assert takes(heir, over())
    assert not takes(heir, over())
    assert still_open(stored(heir, rows)) == set()


def test_rows_of_an_earlier_version_are_read_and_others_are_refused() -> None:
    key = PREFIX + b"emea/" + ALERTS[0].encode()
    assert takes(ToldAlerts([(key, b"1")]), over())
    for damaged in (b"", b"2", b"[2,1,null]", b"[1,1]"):
        with pytest.raises(StateError, match="told/emea"):
            ToldAlerts([(key, damaged)])


def test_who_heard_of_an_alert_by_a_broken_route_hears_its_end_and_once() -> None:
    told = ToldAlerts([])
    assert takes(told, opened().rerouted("default"))
    assert takes(told, over(route="default"))
    assert not takes(told, over(route="default"))
    assert not takes(told, over().rerouted("default")), "the route is broken still, and passes the end on"
    assert takes(told, over(ALERTS[1]).rerouted("default")), "whose opening the route could tell"


def test_what_a_route_told_by_itself_it_does_not_tell_for_a_broken_one_again() -> None:
    told = ToldAlerts([])
    assert takes(told, opened(route="default"))
    assert not takes(told, opened().rerouted("default"))
    worse = opened(change=Change.ESCALATED, revision=2).rerouted("default")
    assert takes(told, worse)
    assert not takes(told, worse)


def test_of_a_message_about_an_account_a_broken_route_passes_on_what_is_news() -> None:
    told = ToldAlerts([])
    takes(told, opened(route="default"))
    both = group(opened(), opened(ALERTS[1]), route="emea").rerouted("default")
    news = told.take(both)
    assert news == both.model_copy(update={"alerts": both.alerts[1:]})
    assert told.take(both) is None
    assert takes(told, over(ALERTS[1], route="default"))


def test_a_reminder_that_is_passed_on_is_told_and_so_is_the_end() -> None:
    told = ToldAlerts([])
    for _ in range(2):
        assert takes(told, reminder(opened(), route="emea").rerouted("default"))
    assert takes(told, over(route="default"))


def test_of_a_reminder_that_is_passed_on_what_is_over_by_then_is_left_out_and_stays_over() -> None:
    told = ToldAlerts([])
    for alert in ALERTS:
        assert takes(told, opened(alert, route="default"))
    assert takes(told, over(ALERTS[0], route="default"))
    late = reminder(opened(ALERTS[0]), opened(ALERTS[1]), route="emea").rerouted("default")
    assert told.take(late) == reminder(opened(ALERTS[1]), route="emea").rerouted("default")
    assert takes(told, over(ALERTS[1], route="default"))
    assert told.take(late) is None
    assert not still_open(stored(told, {}))


def test_an_alert_that_opened_again_is_open() -> None:
    told = ToldAlerts([])
    takes(told, opened())
    takes(told, over())
    assert takes(told, opened(revision=3))
    assert takes(told, over(revision=4))


def test_it_does_not_grow_without_end() -> None:
    told = ToldAlerts([], most=2, most_over=2)
    for number in range(3):
        takes(told, opened(f"{number:016x}"))
    rows = stored(told, {})
    assert len(rows) == 2
    assert [takes(told, over(f"{number:016x}")) for number in range(3)] == [False, True, True]
    for number in range(5, 2, -1):
        takes(told, over(f"{number:016x}", follows=False, at=AT - number))
    rows = stored(told, rows)
    assert sorted(int(key[-16:], 16) for key in rows) == [3, 4]
    heir = ToldAlerts(rows.items(), most_over=2)
    takes(heir, over(f"{9:016x}", follows=False))
    assert sorted(int(key[-16:], 16) for key in stored(heir, rows)) == [3, 9], "the one that ended first is forgotten"


@given(st.lists(st.tuples(st.sampled_from("oar"), st.sampled_from(ALERTS), st.sampled_from(["emea", "apac"]))))
def test_the_rows_are_the_alerts_that_were_told_and_are_not_over(steps: list[tuple[str, str, str]]) -> None:
    told = ToldAlerts([])
    expected: set[tuple[str, str]] = set()
    for what, alert_id, route in steps:
        if what == "r":
            assert takes(told, over(alert_id, route)) == ((route, alert_id) in expected)
            expected.discard((route, alert_id))
        else:
            change = Change.OPENED if what == "o" else Change.ESCALATED
            assert takes(told, opened(alert_id, route, change=change))
            expected.add((route, alert_id))
    assert still_open(stored(told, {})) == {PREFIX + f"{route}/{alert_id}".encode() for route, alert_id in expected}
