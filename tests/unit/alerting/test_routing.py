"""Who is told what."""

import pytest

from alerting.quiet import Quiet
from alerting.routing import TOLD_CHANGES, TOLD_KINDS, Route, listeners, route
from schemas.alerts import AlertState, Change, Kind, Resolution, Severity
from tests.unit.alerting.samples import transition

DEFAULT = [Route()]
TOLD = [Change.OPENED, Change.ESCALATED, Change.WOKEN, Change.RESOLVED]


@pytest.mark.parametrize("change", Change)
@pytest.mark.parametrize("severity", Severity)
def test_a_watch_is_never_told_and_what_people_did_themselves_is_not_either(change: Change, severity: Severity) -> None:
    told = route(transition(change=change, severity=severity), DEFAULT)
    assert told == (["default"] if change in TOLD and severity is not Severity.WATCH else [])


@pytest.mark.parametrize("kind", Kind)
def test_the_kinds_told_by_default_are_billing_ones_activity_renewals_and_the_fleets_own(kind: Kind) -> None:
    told = {
        *(Kind.USAGE_DROP, Kind.USAGE_SILENCE, Kind.RENEWAL_AT_RISK, Kind.PAYMENT_FAILED, Kind.CARD_EXPIRING),
        *(Kind.CANCEL_SCHEDULED, Kind.DOWNGRADE, Kind.SEATS_REDUCED, Kind.PAUSED, Kind.TELEMETRY_STALLED),
    }
    assert told == TOLD_KINDS
    assert bool(route(transition(kind=kind), DEFAULT)) == (kind in told)


def test_an_alert_that_never_rose_above_a_watch_is_not_told_when_it_is_over() -> None:
    over = {"change": Change.RESOLVED, "resolution": Resolution.RECOVERED}
    assert route(transition(severity=Severity.WATCH, **over), DEFAULT) == []
    assert route(transition(severity=Severity.WARNING, **over), DEFAULT) == ["default"]
    only_critical = [Route(minimum_severity=Severity.CRITICAL)]
    assert route(transition(severity=Severity.WARNING, **over), only_critical) == []


def test_what_happens_to_a_snoozed_alert_is_not_told_until_it_wakes_or_is_over() -> None:
    asleep = transition(change=Change.ESCALATED, state=AlertState.SNOOZED, revision=3)
    assert route(asleep, DEFAULT) == []
    assert route(transition(change=Change.ESCALATED, state=AlertState.FIRING, revision=3), DEFAULT) == ["default"]
    assert route(transition(change=Change.WOKEN, revision=3), DEFAULT) == ["default"]


def test_a_route_may_ask_to_hear_of_what_people_do() -> None:
    all_of_it = [Route(changes=frozenset(Change))]
    assert route(transition(change=Change.SNOOZED), all_of_it) == ["default"]
    assert route(transition(change=Change.ACKNOWLEDGED), all_of_it) == ["default"]


def test_the_first_route_that_matches_wins_unless_it_lets_others_match_too() -> None:
    billing = Route("billing", kinds=frozenset({Kind.PAYMENT_FAILED}))
    loud = Route("loud", minimum_severity=Severity.CRITICAL, continues=True)
    routes = [billing, loud, Route(), Route("never")]
    assert route(transition(kind=Kind.PAYMENT_FAILED, severity=Severity.CRITICAL), routes) == ["billing"]
    assert route(transition(severity=Severity.CRITICAL), routes) == ["loud", "default"]
    assert route(transition(), routes) == ["default"]
    assert route(transition(), []) == []


@pytest.mark.parametrize("name", ["", "Default", "a/b", "a b", "-a", "a" * 65, "é"])
def test_a_route_needs_a_name_that_can_be_a_key_and_a_label(name: str) -> None:
    with pytest.raises(ValueError, match="a route's name"):
        Route(name)


def test_a_route_cannot_ask_for_watches_unless_it_is_a_digest() -> None:
    with pytest.raises(ValueError, match="watches are never told but in a digest"):
        Route(minimum_severity=Severity.WATCH)
    assert Route(minimum_severity=Severity.WATCH, quiet=Quiet(digest_at=0)).wants(transition(severity=Severity.WATCH))


def test_what_quietens_an_alert_is_heard_by_routes_that_hold_back_and_do_not_tell_it() -> None:
    at_once = Quiet(group_wait=0, group_interval=0)
    tells = TOLD_CHANGES | {Change.SNOOZED}
    routes = [Route("one"), Route("two", changes=tells), Route("three", quiet=at_once)]
    assert listeners(transition(change=Change.ACKNOWLEDGED), routes) == ["one", "two"]
    assert listeners(transition(change=Change.SNOOZED), routes) == ["one"]
    assert listeners(transition(change=Change.RESOLVED), routes) == []
