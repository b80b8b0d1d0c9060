"""What the board keeps of each account."""

from __future__ import annotations

import json
from typing import Any

from schemas.alerts import Kind, Severity
from schemas.picture import AccountPicture
from streams.board.accounts import Accounts, by_risk
from tests.unit.board.kit import alert, at_risk, picture


def put(accounts: Accounts, given: dict[str, Any]) -> None:
    accounts.put(given["account_id"].encode(), json.dumps(given).encode())


def test_the_last_picture_of_an_account_counts_and_is_kept_whole() -> None:
    accounts = Accounts()
    put(accounts, picture("acme", health=80))
    last = at_risk("acme", 500.0, alert(), alert("payment_failed", "critical", alert_id="00000000000000bb"))
    put(accounts, last)
    (row,) = accounts.all()
    assert row.picture() == AccountPicture.model_validate_json(json.dumps(last))
    assert row.alerts == ((Kind.USAGE_DROP, Severity.WARNING), (Kind.PAYMENT_FAILED, Severity.CRITICAL))
    assert (row.rank, row.priority, row.owner) == (2, 500.0, "mara@vendor.example")


def test_a_record_without_a_value_takes_the_account_away() -> None:
    accounts = Accounts()
    put(accounts, picture("acme"))
    accounts.put(b"acme", None)
    accounts.put(b"nobody", None)
    assert not accounts
    assert not accounts.owners


def test_owners_and_those_at_risk_are_kept_up_to_date() -> None:
    accounts = Accounts()
    put(accounts, at_risk("a", 1.0, owner="mara", team="north"))
    put(accounts, at_risk("b", 1.0, owner="mara", team=None))
    put(accounts, picture("a", owner="tom", team="north"))
    assert (accounts.owners, accounts.teams) == ({"mara": 1, "tom": 1}, {"north": 1})
    assert [each.account_id for each in accounts.at_risk()] == ["b"]


def test_what_is_no_picture_is_counted_and_changes_nothing() -> None:
    accounts = Accounts()
    put(accounts, picture("acme"))
    for value in (b"{}", b"\x00\x01", b'{"schema_version": 2}'):
        accounts.put(b"acme", value)
    assert (len(accounts), accounts.unreadable) == (1, 3)


def test_most_money_goes_first_then_the_most_severe_alert_then_the_lowest_health() -> None:
    accounts = Accounts()
    for given in [
        at_risk("rich", 900.0),
        at_risk("severe", 0.0, alert(severity="critical"), health=90),
        at_risk("ill", 0.0, health=10),
        at_risk("better", 0.0, health=20),
        picture("well"),
    ]:
        put(accounts, given)
    assert [each.account_id for each in sorted(accounts.all(), key=by_risk)] == [
        "rich",
        "severe",
        "ill",
        "better",
        "well",
    ]
