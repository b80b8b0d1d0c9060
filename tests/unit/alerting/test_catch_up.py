"""What is counted of the past, and how the parts of several homes become one message."""

import random

import pytest

from alerting.catch_up import PastCounts, in_order, whole
from alerting.notification import CatchUp, decode_note
from schemas.alerts import Change
from schemas.errors import StateError
from tests.unit.alerting.samples import AT, DAY, catch_up, transition


def test_an_alert_opens_once_however_it_comes_to_be_told() -> None:
    counts = PastCounts()
    assert not counts
    counts = counts.count(transition(at=AT), raised=False)
    counts = counts.count(transition(change=Change.ESCALATED, revision=2, at=AT + DAY), raised=True)
    counts = counts.count(transition(change=Change.ESCALATED, revision=2, at=AT - DAY), raised=False)  # a watch before
    counts = counts.count(transition(change=Change.RESOLVED, revision=3, at=AT + 2 * DAY), raised=True)
    assert counts
    assert counts == PastCounts(opened=2, resolved=1, first_at=AT - DAY, last_at=AT + 2 * DAY)
    assert PastCounts.decode(counts.encode()) == counts
    assert PastCounts.decode(None) == PastCounts()


def test_what_was_told_before_a_reset_does_not_count() -> None:
    counts = PastCounts(told=AT).count(transition(at=AT - 1), raised=False)
    assert not counts
    assert PastCounts.decode(counts.encode()).told == AT
    assert counts.count(transition(at=AT), raised=False).opened == 1


def test_counts_of_a_newer_version_are_refused() -> None:
    with pytest.raises(StateError, match="version 2"):
        PastCounts.decode(b"[2,0]")


def test_parts_become_one_message_in_whatever_order_they_come() -> None:
    part = catch_up(accounts=12, part=2)
    others = [
        catch_up(accounts=0, part=0, at_risk_minor={"EUR": 1}, first_at=AT - 400 * DAY),
        catch_up(accounts=9, part=1, opened=8, last_at=AT),
    ]
    made = set()
    for seed in range(6):
        mixed = [part, *others]
        random.Random(seed).shuffle(mixed)
        made.add(whole(mixed).encode())
    (one,) = made
    found = decode_note(one)
    assert isinstance(found, CatchUp)
    assert found.part is None
    assert (found.opened, found.resolved, found.open_accounts, found.open_alerts) == (832, 1140, 21, 42)
    assert found.at_risk_minor == {"EUR": 1 + 2 * 95_608, "USD": 240_000}
    assert (found.first_at, found.last_at) == (AT - 400 * DAY, AT)
    assert len(found.accounts) == 10
    assert [each.priority for each in found.accounts] == sorted(
        (each.priority for each in found.accounts), reverse=True
    )


def test_without_money_the_most_severe_come_first() -> None:
    poor = [each.model_copy(update={"priority": 0.0}) for each in catch_up(accounts=4).accounts]
    assert [each.account_id for each in in_order(poor)] == ["acct-3", "acct-1", "acct-4", "acct-2"]
