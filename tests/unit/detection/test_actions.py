"""What was done about alerts: what it cost, and what it saved by the outcomes that they came to."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.shuffle import Fact
from streams.detection.actions import Action, Actions, Came, Row, Sums, read_digest
from streams.detection.census import Census
from streams.detection.state import Account
from tests.unit.detection.building import Run, at, bills, command

START = bills("subscription.started", at(0), mrr_minor=5_001)


def act(action: str, day: float, **fields: Any) -> Fact:
    given = {"kind": "payment_failed", "result": "accepted"} | fields
    return command("record_action", at(day), id_=f"{action}/{day}", action=action, **given)


def fails(run: Run, day: int, *between: Fact) -> None:
    run.apply(bills("payment.failed", at(day), next_attempt_at=at(day + 2)), *between)


def pays(run: Run, day: int) -> None:
    run.apply(bills("payment.succeeded", at(day)))


def told(run: Run) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    """Times, cost and what was saved, by action, reason class and outcome, as the picture has it."""
    pictured = run.engine.picture(run.account, at(200)).actions
    stored = Account.decode("acme", run.account.encode()).outcomes.actions.counted()
    assert stored == run.account.outcomes.actions.counted()
    return {
        (each.action, each.reason_class or "", each.outcome or ""): (each.times, each.cost_minor, each.saved_minor)
        for each in pictured
    }


def test_the_outcome_of_the_alert_decides_what_an_action_saved(run: Run) -> None:
    run.apply(START)
    fails(run, 10, act("Discount", 11, cost_minor=900), act("call", 11, result="offered"))
    pays(run, 12)
    assert told(run) == {("Discount", "", ""): (1, 900, 0), ("call", "", ""): (1, 0, 0)}
    run.close(at(42))
    assert told(run) == {("Discount", "", "saved"): (1, 900, 2_501), ("call", "", "saved"): (1, 0, 2_500)}
    census = Census()
    census.enter(run.account.encode())
    assert census.actions == {
        ("payment_failed", "discount", "saved"): 1,
        ("payment_failed", "call", "saved"): 1,
    }


def test_a_persons_word_moves_it_and_what_is_recorded_later_shares_it(run: Run) -> None:
    run.apply(START)
    fails(run, 10, act("call", 11))
    pays(run, 12)
    run.close(at(42))
    run.apply(act("visit", 43))
    assert told(run) == {("call", "", "saved"): (1, 0, 2_501), ("visit", "", "saved"): (1, 0, 2_500)}
    run.apply(command("record_outcome", at(44), kind="payment_failed", outcome="false_alarm"))
    assert told(run) == {("call", "", "false_alarm"): (1, 0, 0), ("visit", "", "false_alarm"): (1, 0, 0)}


def test_of_a_loss_the_reason_is_known_and_nothing_was_saved(run: Run) -> None:
    run.apply(START)
    fails(run, 10, act("call", 11, cost_minor=50))
    run.apply(bills("subscription.ended", at(15), reason="too_expensive"))
    assert told(run) == {("call", "price", "lost"): (1, 50, 0)}


def test_about_the_whole_account_the_most_severe_alert_counts_and_without_any_there_is_no_outcome(run: Run) -> None:
    run.apply(START, act("visit", 1, kind="*", cost_minor=7))
    run.apply(
        bills("payment.failed", at(10), next_attempt_at=at(12)),
        bills("subscription.cancel_scheduled", at(10), effective_at=at(12), reason="unused"),
        act("pause", 11, kind="*"),
    )
    rows = [row for row, _ in run.account.outcomes.actions.counted()]
    assert [(row.kind, row.reason) for row in rows] == [("any", ""), ("cancel_scheduled", "not_used_enough")]
    run.apply(bills("subscription.cancel_reverted", at(11)))
    pays(run, 12)
    run.close(at(60))
    assert told(run) == {("visit", "", ""): (1, 7, 0), ("pause", "not_used_enough", "saved"): (1, 0, 5_001)}


def test_a_cost_in_one_currency_takes_nothing_of_what_was_saved_in_another() -> None:
    actions = Actions()
    for number, currency in enumerate(["EUR", "USD", ""]):
        row = Row("usage_drop", f"call {number}", "accepted", "", "", currency)
        actions.add(Action("a", row, 10 if currency else 0))
    actions.settle("a", "saved", 1_000, "USD")
    assert [(row.currency, sums.saved_minor) for row, sums in actions.counted()] == [
        ("EUR", 0),
        ("USD", 500),
        ("USD", 500),
    ]


def test_sums_over_actions_are_sums_over_alerts() -> None:
    actions = Actions()
    for number in range(3):
        actions.add(Action("a", Row("usage_drop", f"call {number}", "accepted", "", "", ""), 0))
    actions.settle("a", "saved", 100, "EUR")
    assert sorted(sums.saved_minor for _, sums in actions.counted()) == [33, 33, 34]


def test_however_much_is_done_it_stays_bounded_and_nothing_is_lost_of_the_sums() -> None:
    actions = Actions()
    for number in range(200):
        row = Row("usage_drop", f"call {number}", "accepted", "price", "", "EUR")
        actions.add(Action(f"alert-{number}", row, 3))
        actions.settle(f"alert-{number}", "saved", 5, "EUR")
    counted = [sums for _, sums in actions.counted()]
    assert (sum(each.times for each in counted), sum(each.cost_minor for each in counted)) == (200, 600)
    assert sum(each.saved_minor for each in counted) == 1_000
    assert len(counted) <= 48 + 1 + 24
    assert Actions.decode(actions.encode()).encode() == actions.encode()
    assert list(read_digest(actions.digest())) == [Came("usage_drop", "other", "saved", 200)]


@pytest.mark.parametrize("text", ["a.b", "x|y", "p+q", '"'])
def test_no_name_comes_into_the_beginning_of_what_is_stored(run: Run, text: str) -> None:
    run.apply(START)
    fails(run, 10, act(text, 11))
    pays(run, 12)
    run.close(at(42))
    census = Census()
    census.enter(run.account.encode())
    assert census.actions == {("payment_failed", "other", "saved"): 1}
    assert Sums(1, 0, 5_001) in [sums for _, sums in run.account.outcomes.actions.counted()]
