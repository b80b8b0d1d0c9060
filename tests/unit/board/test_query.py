"""Which accounts an address asks for."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as some

from schemas.alerts import Kind, Severity
from schemas.picture import Phase
from streams.board.query import Query, QueryError
from tests.unit.board.kit import alert, at_risk, filled, picture

FLEET = filled(
    [
        at_risk("acct-1", 5.0, account_name="Straße AG", team="South", owner="Tom"),
        at_risk("acct-2", 9.0, alert("payment_failed", "critical"), alert(severity="watch"), account_name="Blue"),
        picture("acct-3", account_name="Blue Harbor", phase="onboarding"),
    ]
)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, {"acct-1", "acct-2"}),
        ({"show": "all"}, {"acct-1", "acct-2", "acct-3"}),
        ({"q": "blue"}, {"acct-2"}),
        ({"q": "STRASSE"}, {"acct-1"}),
        ({"q": "CT-3", "show": "all"}, {"acct-3"}),
        ({"team": "south"}, {"acct-1"}),
        ({"owner": "TOM", "team": "north"}, set()),
        ({"kind": "payment_failed"}, {"acct-2"}),
        ({"kind": "usage_drop", "severity": "warning"}, {"acct-1"}),
        ({"severity": "critical"}, {"acct-2"}),
        ({"phase": "onboarding", "show": "all"}, {"acct-3"}),
        ({"phase": "onboarding"}, set()),
    ],
)
def test_those_are_listed_that_fit_everything_that_is_asked(asked: dict[str, str], found: set[str]) -> None:
    query = Query.read(asked)
    accounts = FLEET.accounts.all() if query.everyone else FLEET.accounts.at_risk()
    assert {each.account_id for each in query.select(accounts)} == found


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"kind": "usage_dorp"}, "kind: there is no 'usage_dorp'; there are usage_drop, "),
        ({"severity": "high"}, "there are watch, warning, critical"),
        ({"phase": "gone"}, "there are onboarding, "),
        ({"page": "0"}, "page: should be a number from 1 on"),
        ({"page": "-1"}, "page: "),
        ({"page": "\u0661"}, "page: "),
        ({"page": "9" * 5_000}, "page: "),
        ({"show": "none"}, "show: should be risk or all"),
        ({"q": "x" * 257}, "q: has 257 characters; at most 256"),
    ],
)
def test_what_is_not_allowed_is_said_with_what_is(asked: dict[str, str], says: str) -> None:
    with pytest.raises(QueryError) as caught:
        Query.read(asked)
    assert says in str(caught.value)


TEXT = some.text(some.characters(exclude_categories=["Cs"]), max_size=20).map(str.strip)


@given(
    some.builds(
        Query,
        TEXT,
        TEXT,
        TEXT,
        some.none() | some.sampled_from(Kind),
        some.none() | some.sampled_from(Severity),
        some.none() | some.sampled_from(Phase),
        some.booleans(),
        some.integers(1, 9_999_999),
    )
)
def test_an_address_asks_for_what_it_was_made_from(query: Query) -> None:
    assert Query.read(dict(parse_qsl(query.address()))) == query
