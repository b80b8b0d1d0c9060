"""What account updates add up to."""

from __future__ import annotations

from typing import Any

from schemas.accounts import AccountUpdate
from streams.detection.profile import Profile

AT = 1_740_000_000_000


def told(*updates: dict[str, Any]) -> Profile:
    profile = Profile()
    for update in updates:
        profile.apply(AccountUpdate.model_validate({"account_id": "acme"} | update))
    return profile


def test_absent_is_unchanged_and_null_is_cleared() -> None:
    profile = told(
        {"updated_at": AT, "name": "Acme", "owner": "ana", "mrr_minor": 100},
        {"updated_at": AT + 1, "owner": None, "mrr_minor": 200},
    )
    assert profile.fields == {"name": "Acme", "owner": None, "mrr_minor": 200}
    assert profile.text("owner") is None


def test_an_older_update_does_not_fill_what_was_cleared() -> None:
    profile = told(
        {"updated_at": AT, "name": "Acme"}, {"updated_at": AT + 2, "name": None}, {"updated_at": AT + 1, "name": "Old"}
    )
    assert profile.text("name") is None


def test_an_older_update_fills_only_what_is_not_known() -> None:
    profile = told(
        {"updated_at": AT, "name": "New", "team": "east"},
        {"updated_at": AT - 1, "name": "Old", "owner": "ana", "team": None},
    )
    assert profile.fields == {"name": "New", "owner": "ana", "team": "east"}


def test_stored_and_read_back_it_is_the_same() -> None:
    known = {"champions": ["u-1", "u-2"], "tags": ["pilot"], "internal": False, "renewal_at": AT + 5}
    profile = told({"updated_at": AT, **known})
    read = Profile.decode(profile.encode())
    assert (read.texts("tags"), read.texts("name")) == (("pilot",), ())
    assert read.encode() == profile.encode()
    assert read.number("renewal_at") == AT + 5
    assert not read.internal
    assert told({"updated_at": AT, "internal": True}).internal
