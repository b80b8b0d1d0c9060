"""Each story leaves in the billing events exactly what the truth says about it."""

from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest

from schemas.events import InputTopic
from schemas.instants import parse_instant
from streams.simulator import Change, FleetPlan, simulate, truths
from streams.simulator.names import CORE, INTENT
from streams.simulator.plan import BEGINNINGS, DAY_MS
from streams.simulator.truth import Cause, Truth

pytestmark = pytest.mark.slow

SHARES: dict[Change, float] = {change: 0.99 / (len(Change) - 1) for change in Change if change is not Change.NONE}
PLAN = FleetPlan(accounts=500, days=150, seed=21, rate_median=0.3, shares=SHARES, first_change_day=30)

Facts = dict[str, list[tuple[int, dict[str, Any]]]]


@pytest.fixture(scope="module")
def facts() -> Facts:
    result: Facts = defaultdict(list)
    for event in simulate(PLAN):
        if event.topic is InputTopic.BILLING:
            result[event.value["account_id"]].append((event.at, event.value))
    return result


def stories(*changes: Change) -> list[Truth]:
    found = [truth for truth in truths(PLAN) if truth.change in changes]
    assert found
    return found


def of_type(facts: Facts, truth: Truth, kind: str) -> list[tuple[int, dict[str, Any]]]:
    return [(at, value) for at, value in facts[truth.account_id] if value["type"] == kind]


FOR_SOME = {Change.PEOPLE_LEAVE, Change.CHAMPION_LEAVES, Change.NEVER_BEGINS, *BEGINNINGS}
"""Stories of accounts of many people, or of new ones."""


@pytest.mark.parametrize("change", [change for change in Change if change not in {Change.NONE, *FOR_SOME}])
def test_every_story_is_told_in_about_its_share_of_accounts(change: Change) -> None:
    assert 0.2 < len(stories(change)) / PLAN.accounts / SHARES[change] < 1.7


def test_nothing_happens_to_an_account_after_it_is_lost() -> None:
    lost = {truth.account_id: truth.lost_at for truth in truths(PLAN) if truth.lost_at is not None}
    assert lost
    for event in simulate(PLAN):
        if event.value["account_id"] in lost:
            assert event.at <= lost[event.value["account_id"]]


def test_a_lost_account_ends_with_the_end_of_its_subscription(facts: Facts) -> None:
    lost = [truth for truth in truths(PLAN) if truth.lost_at is not None and truth.lost_at < PLAN.end]
    assert lost
    for truth in lost:
        at, value = facts[truth.account_id][-1]
        assert (at, value["type"]) == (truth.lost_at, "subscription.ended")
        assert value["voluntary"] is truth.voluntary


def test_a_subscription_ends_only_where_the_truth_says_lost(facts: Facts) -> None:
    ended = {account for account, own in facts.items() if own[-1][1]["type"] == "subscription.ended"}
    assert ended == {t.account_id for t in truths(PLAN) if t.lost_at is not None and t.lost_at < PLAN.end}


def test_a_recovered_payment_fails_first_and_succeeds_for_the_same_invoice(facts: Facts) -> None:
    for truth in stories(Change.PAYMENT_RECOVERED):
        failed = of_type(facts, truth, "payment.failed")
        assert failed[0][0] == truth.changed_at
        assert [value["attempt"] for _, value in failed] == list(range(1, len(failed) + 1))
        invoice = failed[0][1]["invoice_id"]
        paid = [at for at, value in of_type(facts, truth, "payment.succeeded") if value["invoice_id"] == invoice]
        settled = truth.causes[0].until
        assert settled is not None
        assert paid == ([settled] if settled < PLAN.end else [])
        assert truth.lost_at is None


def test_a_lost_payment_ends_after_the_last_attempt_which_promises_no_other(facts: Facts) -> None:
    complete = [t for t in stories(Change.PAYMENT_LOST) if t.lost_at is not None and t.lost_at < PLAN.end]
    assert complete
    for truth in complete:
        failed = of_type(facts, truth, "payment.failed")
        assert [value["attempt"] for _, value in failed] == [1, 2, 3, 4]
        for (_, value), (following, _) in pairwise(failed):
            assert parse_instant(value["next_attempt_at"]) == following
        assert "next_attempt_at" not in failed[-1][1]
        assert truth.voluntary is False


def test_a_payment_fails_only_in_stories_about_payments(facts: Facts) -> None:
    failing = {account for account, own in facts.items() if any(v["type"] == "payment.failed" for _, v in own)}
    told = stories(Change.PAYMENT_RECOVERED, Change.PAYMENT_LOST, Change.CARD_LAPSED)
    assert failing <= {truth.account_id for truth in told}


def test_a_card_that_is_replaced_never_fails_and_ends_before_the_next_charge(facts: Facts) -> None:
    for truth in stories(Change.CARD_REPLACED):
        cause = truth.causes[0]
        assert cause.kind == "card_expiring"
        assert cause.until is not None
        _, first = of_type(facts, truth, "payment_method.updated")[0]
        renewals = [parse_instant(v["current_period_end"]) for _, v in of_type(facts, truth, "subscription.renewed")]
        charges = [at for at in renewals if at >= cause.until]
        card_end = end_of_month(first["exp_year"], first["exp_month"])
        assert cause.since <= card_end <= cause.since + 30 * DAY_MS
        assert charges
        assert min(charges) >= card_end


def test_only_the_stories_cards_end_within_the_span(facts: Facts) -> None:
    told = {truth.account_id for truth in stories(Change.CARD_REPLACED, Change.CARD_LAPSED)}
    for truth in truths(PLAN):
        for _, value in of_type(facts, truth, "payment_method.updated")[:1]:
            if "exp_year" in value and truth.account_id not in told:
                assert end_of_month(value["exp_year"], value["exp_month"]) > PLAN.end + 60 * DAY_MS


def test_a_cancellation_is_for_the_end_of_the_paid_period(facts: Facts) -> None:
    for truth in stories(Change.CANCEL):
        [(at, value)] = of_type(facts, truth, "subscription.cancel_scheduled")
        assert at == truth.changed_at
        assert parse_instant(value["effective_at"]) == truth.lost_at
        terms = [v for t, v in facts[truth.account_id] if t <= at and "current_period_end" in v]
        assert parse_instant(terms[-1]["current_period_end"]) == truth.lost_at


def test_a_reverted_cancellation_loses_nobody(facts: Facts) -> None:
    for truth in stories(Change.CANCEL_REVERTED):
        until = truth.causes[0].until
        assert until is not None
        assert [at for at, _ in of_type(facts, truth, "subscription.cancel_reverted")] == [
            at for at in [until] if at < PLAN.end
        ]
        assert truth.lost_at is None


def test_a_cause_explains_its_own_kind_in_its_own_time() -> None:
    engagement = Cause("engagement", 10, 20)
    assert engagement.explains("usage_drop", 10)
    assert engagement.explains("usage_silence", 19)
    assert not engagement.explains("usage_drop", 9)
    assert not engagement.explains("usage_drop", 20)
    assert not engagement.explains("payment_failed", 15)
    assert Cause("payment_failed", 10).explains("payment_failed", 1_000)
    assert not Cause("payment_failed", 10).explains("card_expiring", 15)


def end_of_month(year: int, month: int) -> int:
    following = f"{year + month // 12:04d}-{month % 12 + 1:02d}-01T00:00:00Z"
    return parse_instant(following)


def test_who_pauses_comes_back_when_it_was_said(facts: Facts) -> None:
    for truth in stories(Change.PAUSE):
        ((paused_at, paused),) = of_type(facts, truth, "subscription.paused")
        assert truth.causes == (Cause("paused", paused_at, parse_instant(paused["resumes_at"])),)
        for resumed_at, _ in of_type(facts, truth, "subscription.resumed"):
            assert resumed_at == parse_instant(paused["resumes_at"])
    days: dict[str, set[int]] = defaultdict(set)
    for event in simulate(PLAN):
        if event.topic is InputTopic.USAGE:
            days[event.value["account_id"]].add((event.at - PLAN.start) // DAY_MS)
    for truth in stories(Change.PAUSE):
        assert truth.changed_at is not None
        first = (truth.changed_at - PLAN.start) // DAY_MS
        assert not days[truth.account_id] & set(range(first, first + 21))


@pytest.mark.parametrize(
    ("change", "less", "same"),
    [(Change.DOWNGRADE, "mrr_minor", "seats"), (Change.FEWER_SEATS, "seats", "plan")],
)
def test_who_pays_for_less_goes_on_paying_so(facts: Facts, change: Change, less: str, same: str) -> None:
    for truth in stories(change):
        at, lower = of_type(facts, truth, "subscription.updated")[0]
        ((_, before),) = of_type(facts, truth, "subscription.started")
        assert at == truth.changed_at
        assert lower[less] < before[less]
        assert lower[same] == before[same]
        for renewed_at, renewed in of_type(facts, truth, "subscription.renewed"):
            assert renewed[less] == (lower if renewed_at >= at else before)[less]


LIVELY = FleetPlan(
    accounts=60, days=60, seed=3, rate_median=30.0, rate_sigma=0.3, newcomers=0.5, first_change_day=20,
    shares=dict.fromkeys([*FOR_SOME - BEGINNINGS, Change.CORE_STOPS, Change.INTENT, Change.DETRACTOR], 1 / 6),
)  # fmt: skip


def test_what_people_do_and_say_is_as_the_truth_has_it() -> None:
    events: dict[str, list[tuple[int, InputTopic, dict[str, Any]]]] = defaultdict(list)
    for event in simulate(LIVELY):
        events[event.value["account_id"]].append((event.at, event.topic, event.value))
    told = defaultdict(list)
    for truth in truths(LIVELY):
        if truth.change is not Change.NONE:
            told[truth.change].append(truth)
    assert set(told) == set(LIVELY.shares)
    for change, found in told.items():
        for truth in found:
            assert truth.changed_at is not None
            before, after = (
                [
                    value | {"topic": topic}
                    for at, topic, value in events[truth.account_id]
                    if (at >= truth.changed_at) == later
                ]
                for later in (False, True)
            )
            used = [value for value in after if value["topic"] is InputTopic.USAGE]
            names, users = {value["event"] for value in used}, {value["user_id"] for value in used}
            earlier = {value["user_id"] for value in before if value["topic"] is InputTopic.USAGE}
            if change in (Change.CORE_STOPS, Change.NEVER_BEGINS):
                assert names
                assert not names & set(CORE)
            elif change is Change.PEOPLE_LEAVE:
                assert users
                assert len(users) < len(earlier) / 2
            elif change is Change.CHAMPION_LEAVES:
                assert earlier - users >= {f"{truth.account_id}-u1"}
            elif change is Change.INTENT:
                assert names >= set(INTENT)
            else:
                said = [value for value in after if value["topic"] is InputTopic.FEEDBACK]
                assert said[0]["score"] <= 6


def test_of_new_accounts_some_are_not_used_at_first_and_most_of_these_never() -> None:
    plan = FleetPlan(
        accounts=300, days=150, seed=5, newcomers=0.5, shares={Change.STOP: 0.4},
        new_shares={Change.BEGINS_LATE: 0.1, Change.NEVER_USED: 0.2},
    )  # fmt: skip
    used: dict[str, list[int]] = defaultdict(list)
    for event in simulate(plan):
        if event.topic is InputTopic.USAGE:
            used[event.value["account_id"]].append(event.at)
    told = truths(plan)
    new = [truth for truth in told if truth.started_at >= plan.start]
    late = [truth for truth in told if truth.change is Change.BEGINS_LATE]
    never = [truth for truth in told if truth.change is Change.NEVER_USED]
    assert 0.02 < len(late) / len(new) < 0.12, "a tenth of those that do not stop"
    assert 0.06 < len(never) / len(new) < 0.2
    assert {truth.change for truth in told} - {Change.NONE, Change.STOP} <= {truth.change for truth in new}
    for truth in late:
        cause = truth.causes[0]
        assert cause.until is not None
        assert (truth.lost_at, cause.kind) == (None, "onboarding_stalled")
        assert all(at >= cause.until for at in used[truth.account_id])
    assert all(used[truth.account_id] == [] and truth.lost_at is not None for truth in never)


@pytest.mark.parametrize("new_shares", [{Change.STOP: 0.1}, {Change.NEVER_USED: -0.1}, {Change.NEVER_USED: 1.1}])
def test_shares_of_new_accounts_are_of_their_beginnings(new_shares: dict[Change, float]) -> None:
    with pytest.raises(ValueError, match="new_shares"):
        FleetPlan(new_shares=new_shares)
