"""Who heard of an alert hears that it is over, and nobody else."""

from hypothesis import given
from hypothesis import strategies as st

from alerting.notification import Notification
from alerting.told_alerts import PREFIX, ToldAlerts
from schemas.alerts import Change, Resolution
from tests.unit.alerting.samples import notice, notification

ALERTS = ("0" * 16, "1" * 16)


def opened(alert_id: str = ALERTS[0], route: str = "emea", **fields: object) -> Notification:
    return notification(route, alert_id=alert_id, **fields)


def over(alert_id: str = ALERTS[0], route: str = "emea", *, follows: bool = True) -> Notification:
    note = notification(route, alert_id=alert_id, change=Change.RESOLVED, resolution=Resolution.RECOVERED)
    return note.model_copy(update={"follows": True}) if follows else note


def stored(told: ToldAlerts, rows: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """The rows after what changed."""
    for key, value in told.changed():
        if value is None:
            del rows[key]
        else:
            rows[key] = value
    return rows


def test_the_end_goes_where_the_opening_went_and_once() -> None:
    told = ToldAlerts(())
    assert told.takes(opened())
    assert not told.takes(over(route="apac"))
    assert not told.takes(over(ALERTS[1]))
    assert told.takes(over())
    assert not told.takes(over())


def test_whoever_never_heard_of_an_alert_does_not_hear_of_it_by_what_follows() -> None:
    told = ToldAlerts(())
    followed = opened(change=Change.ACKNOWLEDGED).model_copy(update={"follows": True})
    assert not told.takes(followed)
    assert not told.takes(over())
    assert told.takes(opened())
    assert told.takes(followed)


def test_whoever_takes_the_end_by_its_own_matchers_is_told_in_any_case() -> None:
    told = ToldAlerts(())
    assert told.takes(over(follows=False))
    assert told.takes(notice())


def test_the_next_owner_of_the_partition_knows_it_too() -> None:
    told = ToldAlerts(())
    told.takes(opened())
    told.takes(opened(ALERTS[1]))
    told.takes(over(ALERTS[1]))
    rows = stored(told, {})
    assert list(rows) == [PREFIX + b"emea/" + ALERTS[0].encode()]
    assert told.changed() == []
    heir = ToldAlerts([b"\0position", *rows])
    assert not heir.takes(over(ALERTS[1]))
    assert heir.takes(over())
    assert stored(heir, rows) == {}


def test_what_a_broken_route_passes_on_is_taken_and_not_noted() -> None:
    told = ToldAlerts(())
    assert told.takes(opened().rerouted("default"))
    assert told.takes(over().rerouted("default"))
    assert told.changed() == []


def test_it_does_not_grow_without_end() -> None:
    told = ToldAlerts((), most=2)
    for number in range(3):
        told.takes(opened(f"{number:016x}"))
    rows = stored(told, {})
    assert len(rows) == 2
    assert [told.takes(over(f"{number:016x}")) for number in range(3)] == [False, True, True]


@given(st.lists(st.tuples(st.sampled_from("oar"), st.sampled_from(ALERTS), st.sampled_from(["emea", "apac"]))))
def test_the_rows_are_the_alerts_that_were_told_and_are_not_over(steps: list[tuple[str, str, str]]) -> None:
    told = ToldAlerts(())
    expected: set[tuple[str, str]] = set()
    for what, alert_id, route in steps:
        if what == "r":
            assert told.takes(over(alert_id, route)) == ((route, alert_id) in expected)
            expected.discard((route, alert_id))
        else:
            change = Change.OPENED if what == "o" else Change.ESCALATED
            assert told.takes(opened(alert_id, route, change=change))
            expected.add((route, alert_id))
    kept = {key for key, value in told.changed() if value is not None}
    assert kept == {PREFIX + f"{route}/{alert_id}".encode() for route, alert_id in expected}
