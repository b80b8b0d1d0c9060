"""One of an account's subscriptions ends, is paused or tried, and others go on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alerts import Severity
from schemas.billing import SubscriptionFact
from schemas.shuffle import Fact
from streams.detection.config import DAY_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.subscriptions import Subscriptions
from tests.unit.detection.building import Run, at, billing, bills, update

MAIN = bills("subscription.started", at(0), subscription_id="main", mrr_minor=30_000)
EXTRA = bills("subscription.started", at(0), subscription_id="extra", mrr_minor=10_000)


def begun(*more: Fact, **settings: Any) -> Run:
    run = Run(Engine(DetectionConfig(**settings)))
    run.close(at(0))
    run.apply(MAIN, EXTRA, *more)
    return run


def ends(day: float, id_: str = "extra", **fields: Any) -> Fact:
    return bills("subscription.ended", at(day), subscription_id=id_, **fields)


def starts(day: float, id_: str, mrr_minor: int, **fields: Any) -> Fact:
    return bills("subscription.started", at(day), subscription_id=id_, mrr_minor=mrr_minor, **fields)


def changes(day: float, mrr_minor: int, id_: str = "main", **fields: Any) -> Fact:
    return bills("subscription.updated", at(day), subscription_id=id_, mrr_minor=mrr_minor, **fields)


def test_its_end_is_told_a_day_later_with_what_is_paid_less_and_why() -> None:
    run = begun(ends(9, reason="too expensive", voluntary=True))
    assert run.changes() == []
    (opened,) = run.close(at(30))
    assert (opened.kind, opened.severity, opened.at, opened.since) == ("downgrade", Severity.WARNING, at(10), at(9))
    assert (
        opened.headline == "The subscription team has ended, and others go on: 100.00 EUR a month less, of 400.00 EUR."
    )
    (reason,) = opened.reasons
    said = "ended on 15 January 2025 by decision, the reason given is “too expensive”: 100.00 EUR a month less."
    assert reason.text == f"team {said}"
    assert (reason.values["reason_class"], reason.values["influenceable"]) == ("price", True)
    assert opened.playbook is not None
    assert opened.playbook.startswith("Ask the contact why it ended")
    (over,) = run.close(at(60))
    assert (over.at, over.resolution) == (at(40), "expired")
    assert run.close(at(200)) == []


def test_for_want_of_payment_it_is_told_as_that() -> None:
    run = begun(bills("payment.failed", at(1)), ends(9))
    run.close(at(20))
    (opened,) = [each for each in run.transitions if each.kind == "downgrade"]
    assert "for want of payment, no reason given" in opened.reasons[0].text


@pytest.mark.parametrize(
    "replaced",
    [
        [starts(8.5, "new", 10_000), ends(9)],
        [ends(9), starts(9.5, "new", 12_000)],
        [changes(8.5, 40_000), ends(9)],
        [ends(9), changes(9.9, 40_000)],
        [ends(9), starts(9.1, "new", 4_000), changes(9.2, 36_000)],
        [ends(9), starts(9.1, "extra", 10_000)],
        [ends(9), starts(9.1, "new", 9, currency="USD")],
        [starts(8.9, "new", 9, currency="USD"), ends(9)],
        [starts(7, "try", 10_000, trial=True), ends(9), changes(9.2, 10_000, "try", trial=False)],
    ],
    ids=lambda events: "-".join(f"{each.body.type.split('.')[1]}" for each in events),
)
def test_what_is_replaced_within_a_day_is_no_downgrade(replaced: list[Fact]) -> None:
    run = begun(*replaced)
    run.close(at(90))
    assert run.changes() == []


def test_what_replaces_a_part_leaves_the_rest_and_what_comes_later_takes_it_back() -> None:
    run = begun(ends(9), starts(9.5, "new", 4_000))
    assert "60.00 EUR a month less, of 400.00 EUR" in run.close(at(11))[0].headline
    assert run.apply(changes(15, 35_000)) == []
    (over,) = run.apply(changes(16, 36_000))
    assert (over.change, over.resolution) == ("resolved", "reverted")


def test_what_began_long_before_and_what_makes_up_for_itself_replace_nothing() -> None:
    for before in (starts(7.9, "old", 10_000), changes(7, 40_000)):
        run = begun(before, ends(9))
        assert [each.change for each in run.close(at(11))] == ["opened"]
    run = begun(changes(8.2, 20_000), ends(8.5), changes(8.9, 30_000))
    assert "100.00 EUR a month less, of 400.00 EUR" in run.close(at(11))[-1].headline
    twice = begun(starts(8.9, "new", 10_000), ends(9), starts(0.5, "third", 10_000), ends(9.2, "third"))
    assert "100.00 EUR" in twice.close(at(11))[0].headline, "the new one stands in for one of them"
    later = begun(starts(0.5, "third", 10_000), ends(9), ends(9.2, "third"), starts(9.5, "new", 10_000))
    assert "100.00 EUR a month less, of 500.00 EUR" in later.close(at(11))[0].headline


def test_each_further_end_is_told_and_all_of_them_add_up() -> None:
    run = begun(starts(0, "third", 15_000), ends(9), ends(12, "third"))
    run.close(at(14))
    assert run.changes() == ["downgrade opened warning", "downgrade escalated warning"]
    assert "250.00 EUR a month less, of 550.00 EUR" in run.transitions[-1].headline
    half = begun(starts(0, "third", 40_000), ends(9, "third"))
    assert [each.severity for each in half.close(at(11))] == [Severity.CRITICAL]


def test_amounts_of_several_currencies_are_not_added_up() -> None:
    run = begun(starts(0, "dollars", 70_000, currency="USD"), ends(9), ends(9.5, "dollars"))
    run.close(at(11))
    assert [each.headline.rpartition(": ")[2] for each in run.transitions] == [
        "100.00 EUR a month less, of 400.00 EUR.",
        "700.00 USD a month less, of 700.00 USD.",
    ]


def test_an_end_that_says_nothing_new_is_not_told() -> None:
    for quiet in (
        [starts(0, "t", 9_000, trial=True), ends(9, "t")],
        [starts(0, "free", 0), ends(9, "free")],
        [ends(9), ends(9.9, "main")],
        [ends(9, "main"), ends(9.5), starts(12, "back", 5_000)],
        [update(at(1), internal=True), ends(9)],
    ):
        run = begun(*quiet)
        run.close(at(60))
        assert "downgrade" not in {each.kind for each in run.transitions}


def test_of_accounts_that_may_go_it_stays_a_watch() -> None:
    run = begun(update(at(0), tier="free"), ends(9, reason="price"), let_go=("price:free",))
    assert [each.severity for each in run.close(at(20))] == [Severity.WATCH]


def test_one_that_had_gone_down_and_then_ends_is_one_story() -> None:
    run = begun(changes(5, 6_000, "extra", plan="basic"), ends(9))
    run.close(at(20))
    assert run.changes() == ["downgrade opened warning", "downgrade escalated warning"]
    assert "60.00 EUR a month less, of 360.00 EUR" in run.transitions[-1].headline, "of the last step"
    again = begun(changes(5, 6_000, "extra", plan="basic"), ends(9), starts(9.5, "new", 10_000))
    again.close(at(20))
    assert again.changes() == ["downgrade opened warning", "downgrade resolved warning"]
    assert again.transitions[-1].resolution == "reverted"


def test_one_that_costs_nothing_by_then_ends_without_a_word() -> None:
    run = begun(changes(5, 0, "extra", plan="free"), starts(7, "new", 10_000), ends(9))
    run.close(at(60))
    assert run.changes() == ["downgrade opened warning", "downgrade resolved warning"]
    assert (run.transitions[-1].at, run.transitions[-1].resolution) == (at(35), "expired")


def test_a_pause_of_one_of_several_ends_as_that_when_it_ends_and_the_end_is_told() -> None:
    run = begun(bills("subscription.paused", at(5), subscription_id="extra", resumes_at=at(50)), ends(9))
    run.close(at(20))
    assert run.changes() == ["paused opened warning", "paused resolved warning", "downgrade opened warning"]
    assert run.transitions[1].resolution == "expired"
    assert run.transitions[1].headline == "The paused subscription has ended, and the account has others."
    goes_on = begun(bills("subscription.paused", at(5), subscription_id="main", resumes_at=at(15)), ends(9))
    goes_on.close(at(20))
    over = next(each for each in goes_on.transitions if (each.kind, each.change) == ("paused", "resolved"))
    assert over.resolution == "recovered", "whatever has ended meanwhile"


def test_a_cancellation_that_is_taken_back_is_that_though_another_one_ended() -> None:
    run = begun(
        bills("subscription.cancel_scheduled", at(5), subscription_id="main", effective_at=at(50)),
        ends(9),
        bills("subscription.cancel_reverted", at(9), subscription_id="main"),
    )
    assert (run.transitions[-1].kind, run.transitions[-1].resolution) == ("cancel_scheduled", "reverted")


STEPS = st.tuples(
    st.sampled_from(["started", "updated", "ended"]), st.sampled_from("abc"), st.integers(0, 9), st.floats(0, 2)
)


@given(st.lists(STEPS, max_size=20))
def test_what_is_paid_and_what_ended_was_paid_together_at_some_time(steps: list[tuple[str, str, int, float]]) -> None:
    subscriptions, day, peak, paid = Subscriptions(), 0.0, 0, 0
    for name, id_, mrr_minor, days in steps:
        day += days
        known = subscriptions.by_id.get(id_)
        paid_for_it = known.mrr_minor or 0 if known is not None and known.live else 0
        # A price that goes down is told by itself.
        terms = {} if name == "ended" else {"mrr_minor": max(mrr_minor, paid_for_it)}
        fact = billing(f"subscription.{name}", at(day), subscription_id=id_, **terms)
        assert isinstance(fact, SubscriptionFact)
        subscriptions.apply(fact, unpaid=False, told=30 * DAY_MS)
        every = subscriptions.by_id.values()
        paid = sum(each.mrr_minor or 0 for each in every if each.paid)
        peak = max(peak, paid)
        gone = [each.mrr_before or 0 for each in every if each.gone]
        assert min(gone, default=1) > 0
        assert paid + sum(gone) <= peak
        assert list(Subscriptions.decode(subscriptions.encode()).by_id.values()) == list(every)
