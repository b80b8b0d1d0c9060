"""Who is told what."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.matchers import Matchers
from alerting.quiet import Quiet
from alerting.routing import TOLD_CHANGES, TOLD_KINDS, Route, doubts, followers, home_route, judge, listeners, route
from schemas.alerts import AlertReason, AlertState, Change, Kind, Resolution, Severity, Transition
from tests.unit.alerting.samples import transition

DEFAULT = [Route()]
LOUDEST = Severity.CRITICAL
OPENINGS = frozenset({Change.OPENED, Change.ESCALATED})
MONEY = {"mrr_minor": 49_900, "currency": "EUR"}
NAMES = st.sampled_from(["emea", "EMEA", "emea-2", "apac"])
PATTERNS = st.lists(st.sampled_from(["emea", "emea*", "*2", "apac", "*"]), max_size=2).map(tuple)
KINDS = st.sampled_from([Kind.USAGE_DROP, Kind.CANCEL_SCHEDULED, Kind.PAYMENT_FAILED])
LOUD = st.sampled_from([Severity.WARNING, Severity.CRITICAL])
MATCHERS = st.builds(
    Matchers,
    reason_classes=st.sampled_from([(), ("price",), ("price", "merged")]),
    influenceable=st.sampled_from([None, True, False]),
    teams=PATTERNS,
    tags=PATTERNS,
    currency=st.sampled_from(["EUR", "USD"]),
    mrr_minor_from=st.sampled_from([None, 0, 100]),
    mrr_minor_below=st.sampled_from([None, 200, 300]),
)
ROUTES = st.builds(
    Route,
    kinds=st.frozensets(KINDS),
    minimum_severity=LOUD,
    continues=st.booleans(),
    matchers=st.just(Matchers()) | st.builds(Matchers, teams=PATTERNS) | MATCHERS,
)
REASONS = st.sampled_from([("price", True), ("merged", False)]).map(
    lambda said: AlertReason(code="cancelled", text="", values={"reason_class": said[0], "influenceable": said[1]})
)


@st.composite
def transitions(draw: st.DrawFn) -> Transition:
    """Any that routes may tell apart."""
    kind = draw(KINDS)
    leaving = kind is Kind.CANCEL_SCHEDULED
    return transition(
        kind=kind,
        severity=draw(LOUD),
        team=draw(st.none() | NAMES),
        tags=tuple(draw(st.lists(NAMES, max_size=2))),
        mrr_minor=draw(st.none() | st.sampled_from([0, 99, 100, 199, 200])),
        currency=draw(st.sampled_from(["EUR", "USD"])),
        reasons=tuple(draw(st.lists(REASONS, max_size=2))) if leaving else (),
    )


TRANSITIONS = transitions()
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


def test_every_matcher_that_is_given_has_to_be_met_and_one_that_is_not_asks_for_nothing() -> None:
    known = {"team": "EMEA", "owner": "Ann@Vendor.example", "tier": "gold", "tags": ("pilot", "eu"), **MONEY}
    whole = Matchers(
        teams=("apac", "emea"),
        owners=("ann@*",),
        tiers=("gold",),
        tags=("pilot",),
        currency="EUR",
        mrr_minor_from=49_900,
        mrr_minor_below=49_901,
    )
    assert list(whole.refusals(transition(**known))) == []
    assert list(Matchers().refusals(transition())) == []
    for name, other, why in (
        ("team", "amer", "team is amer, asked for is apac or emea"),
        ("team", None, "team is not known, asked for is apac or emea"),
        ("owner", "joann@vendor.example", "owner is joann@vendor.example, asked for is ann@*"),
        ("tier", "golden", "tier is golden, asked for is gold"),
        ("tags", ("pilots", "eu"), "tag is pilots or eu, asked for is pilot"),
        ("tags", (), "tag is not known, asked for is pilot"),
        ("currency", "USD", "MRR is in USD, asked for is EUR"),
        ("mrr_minor", None, "MRR is not known, asked for is EUR"),
        ("mrr_minor", 49_899, "MRR is 498.99 EUR, asked for is 499.00 EUR or more"),
        ("mrr_minor", 49_901, "MRR is 499.01 EUR, asked for is less than 499.01 EUR"),
    ):
        assert list(whole.refusals(transition(**{**known, name: other}))) == [why]


def test_what_was_said_of_leaving_is_matched_by_any_of_the_reasons() -> None:
    def leaving(*said: tuple[str, bool]) -> Transition:
        reasons = [
            AlertReason(code="cancelled", text="", values={"reason_class": of_class, "influenceable": can})
            for of_class, can in said
        ]
        return transition(kind=Kind.CANCEL_SCHEDULED, reasons=(AlertReason(code="usage", text=""), *reasons))

    price, fate = Matchers(reason_classes=("price", "quality")), Matchers(influenceable=False)
    both = leaving(("merged", False), ("price", True))
    assert list(price.refusals(both)) == list(fate.refusals(both)) == []
    assert list(price.refusals(leaving())) == ["reason class is not known, asked for is price or quality"]
    assert list(price.refusals(leaving(("merged", False)))) == ["reason class is merged, asked for is price or quality"]
    assert list(fate.refusals(leaving(("price", True)))) == ["influenceable is true, asked for is false"]
    assert list(fate.refusals(leaving())) == ["influenceable is not known, asked for is false"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"mrr_minor_from": 1}, "need currency"),
        ({"mrr_minor_below": 1}, "need currency"),
        ({"currency": "EUR", "mrr_minor_from": 5, "mrr_minor_below": 5}, "leaves nothing"),
        ({"currency": "EUR", "mrr_minor_below": 0}, "leaves nothing"),
    ],
)
def test_matchers_that_nothing_meets_are_refused(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Matchers(**fields)


def test_the_end_of_an_alert_is_offered_to_every_route_that_is_not_told_it_anyway() -> None:
    emea, paid = Matchers(teams=("emea",)), frozenset({Kind.PAYMENT_FAILED})
    never = [Route("mute", changes=OPENINGS), Route("paid", kinds=paid), Route("loud", minimum_severity=LOUDEST)]
    routes = [Route("emea", matchers=emea), *(replace(each, continues=True, matchers=emea) for each in never), Route()]
    over = transition(change=Change.RESOLVED, team="apac", resolution=Resolution.RECOVERED)
    assert followers(over, routes, route(over, routes)) == ["emea"]
    assert followers(transition(team="apac"), routes, ["default"]) == []
    shows = [Route("emea", changes=frozenset(Change), matchers=emea), Route()]
    taken_on = transition(change=Change.ACKNOWLEDGED, team="apac")
    assert followers(taken_on, shows, route(taken_on, shows)) == ["emea"]
    watch = over.model_copy(update={"severity": Severity.WATCH})
    assert followers(watch, routes, []) == [], "nobody ever heard of a watch"


def test_the_end_of_what_a_broken_route_told_is_offered_to_the_default_route_which_may_have_told_it() -> None:
    routes = [Route("intents", kinds=frozenset({Kind.CANCEL_INTENT})), Route()]
    over = transition(kind=Kind.CANCEL_INTENT, change=Change.RESOLVED, resolution=Resolution.RECOVERED)
    assert followers(over, routes, route(over, routes)) == ["default"]
    assert followers(over, [Route()], []) == [], "nobody tells of such"
    first = [Route("first", kinds=frozenset({Kind.PAUSED})), *routes[:1]]
    assert followers(over, first, ["intents"]) == ["first"], "which is told of the past where there is no default one"


def test_slackwaters_own_news_go_to_the_default_route_else_to_the_first() -> None:
    assert home_route([Route("sales"), Route()]) == "default"
    assert home_route([Route("sales"), Route("billing")]) == "sales"
    assert home_route([]) is None


def test_what_is_hardly_meant_is_said() -> None:
    emea = Route("emea", matchers=Matchers(teams=("emea*",)))
    assert list(doubts([emea, Route()])) == []
    (never,) = doubts([emea, Route("paris", matchers=Matchers(teams=("emea-paris",), tiers=("gold",))), Route()])
    assert never == "route paris can never match: route emea before it takes all that it asks for"
    louder = Route("emea", minimum_severity=Severity.CRITICAL, matchers=Matchers(teams=("emea*",)))
    assert list(doubts([louder, replace(emea, name="all"), Route()])) == []
    (none,) = doubts([emea])
    assert none.startswith("there is no route named default")
    (empty,) = doubts([Route("shadow", kinds=frozenset()), Route()])
    assert empty == "route shadow can never match: its kinds are recorded only, unless they are named in full"
    paid = frozenset({Kind.PAYMENT_FAILED})
    (reasons,) = doubts([Route("price", kinds=paid, matchers=Matchers(reason_classes=("price",))), Route()])
    assert reasons.startswith("route price can never match: reason classes are known of cancel_scheduled")
    assert list(doubts([])) == [], "nobody is told, which is said elsewhere"


@given(routes=st.lists(ROUTES, max_size=5), each=TRANSITIONS)
def test_what_people_are_shown_of_routes_is_what_routes_do(routes: list[Route], each: Transition) -> None:
    named = [replace(one, name=f"r{number}") for number, one in enumerate(routes)]
    judged = judge(each, named)
    assert [one.route.name for one in judged if one.takes] == route(each, named)
    assert [one.route for one in judged] == named


@given(routes=st.lists(ROUTES, max_size=4), each=TRANSITIONS)
def test_a_route_of_which_is_said_that_it_never_matches_never_does(routes: list[Route], each: Transition) -> None:
    named = [replace(one, name=f"r{number}") for number, one in enumerate(routes)]
    never = {doubt.split()[1] for doubt in doubts(named) if "can never match" in doubt}
    assert never.isdisjoint(route(each, named))


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
